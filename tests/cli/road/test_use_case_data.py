"""A use case with its first data: split and sealed at once; what cannot be split leaves no use case behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as papq
import pytest


@pytest.fixture
def place(tmp_path: Path, by_hand: Any) -> tuple[Path, Any]:
    """A folder with a person's files, and a command line on an empty workspace in it."""
    by_hand.data(tmp_path)
    cli = by_hand.cli(tmp_path / "workspace")
    cli("init")
    return tmp_path, cli


def test_the_rows_to_train_on_are_written_and_the_sealed_ones_are_not(place: tuple[Path, Any]) -> None:
    folder, cli = place
    ran = cli("use-case", "churn", "--target", "y", "--positive", "yes", "--data", folder / "history.csv",
              "--sealed-share", 0.3, "--seed", 7, "--train-to", folder / "train.parquet", "--json",
              actor="dan")  # fmt: skip
    assert ran.code == 0, ran.err
    split = ran.document["split"]
    assert (split["train"]["rows"], split["sealed"]["rows"]) == (3500, 1500)
    assert papq.read_table(folder / "train.parquet").num_rows == 3500
    again = cli("register", "data", folder / "history.csv", "--use-case", "churn", "--role", "train", actor="dan")
    assert (again.code, "it holds the sealed rows" in again.err) == (4, True)
    assert cli("data", "looks").out == "Nobody has looked at sealed data yet.\n"
    assert [d["role"] for d in cli("data", "list", "churn", "--json").document] == ["train", "sealed test"]
    split_change = next(c for c in cli("changes", "--json").document if c["action"] == "data-split")
    assert (split_change["facts"]["seed"], split_change["facts"]["rule"]) == (7, "random")


def test_what_cannot_be_read_or_written_leaves_no_use_case_behind(place: tuple[Path, Any]) -> None:
    folder, cli = place
    base = ("use-case", "churn", "--positive", "yes", "--data")
    (folder / "taken.parquet").write_bytes(b"")
    tries = (
        ((*base, folder / "nothing.csv", "--target", "y"), 2),
        ((*base, folder / "history.csv", "--target", "z"), 2),
        ((*base, folder / "history.csv", "--target", "y", "--train-to", folder / "taken.parquet"), 4),
    )
    for words, code in tries:
        assert cli(*words, actor="dan").code == code
    assert cli("status", "--json").document["use_cases"] == []
