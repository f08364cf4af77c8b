"""The demo as one command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_a_folder_with_other_things_in_it_is_never_cleared(by_hand: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    ran = by_hand.cli(tmp_path)("demo", "--headless")
    assert ran.code == 4
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_a_data_file_that_is_not_there_is_named(by_hand: Any, tmp_path: Path) -> None:
    ran = by_hand.cli(tmp_path / "demo")("demo", "--headless", "--data", tmp_path / "gone.parquet", "--json")
    assert (ran.code, "gone.parquet" in ran.document["error"]["what"]) == (2, True)
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_the_whole_story_is_one_document(by_hand: Any, tmp_path: Path) -> None:
    ran = by_hand.cli(tmp_path / "demo")("demo", "--headless", "--json")
    assert ran.code == 0, ran.err[-2000:]
    assert ran.document["seconds"] > 0
    assert len([part for part in ran.document["story"] if "act" in part]) >= 4
