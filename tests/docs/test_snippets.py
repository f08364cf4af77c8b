"""What the pages tell the reader to type works, in the order of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

GUIDES = (
    "data-scientist",
    "validator",
    "risk-reviewer",
    "business-owner",
    "auditor",
    "application-developer",
    "administrator",
    "operator",
)
"""In this order, on the tutorial's workspace; the operator's rollback comes last."""

ELSEWHERE = ("backup",)
"""Followed by tests of their own."""


def test_the_readme_works_from_an_empty_folder(reader: Any, root: Path) -> None:
    reader.follow(root / "docs" / "example" / "README.md")
    reader.follow(root / "README.md")


def test_the_tutorial_works_from_an_empty_folder(tutorial_reader: Any) -> None:
    assert (tutorial_reader.folder / "roadworthy.toml").exists()


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_works_where_the_tutorial_ends(tutorial_reader: Any, root: Path, guide: str) -> None:
    tutorial_reader.follow(root / "docs" / "guides" / f"{guide}.md")


def test_every_guide_is_followed(root: Path) -> None:
    assert {path.stem for path in (root / "docs" / "guides").glob("*.md")} == {*GUIDES, *ELSEWHERE, "README"}
