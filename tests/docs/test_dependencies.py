"""The page of dependencies and `pyproject.toml` say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest


def named(requirements: list[str]) -> set[str]:
    """Package names of requirements, without the project's own extras."""
    names = {re.split(r"[\[<>=~!; ]", requirement)[0] for requirement in requirements}
    return names - {"roadworthy"}


def listed(section: str, column: int = 0) -> set[str]:
    """The names in a section's table."""
    rows = [line.split("|")[1:] for line in section.splitlines() if line.startswith("| `")]
    return {row[column].strip().strip("`") for row in rows}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    parsed = tomllib.loads((root / "pyproject.toml").read_text())
    return dict(parsed["project"])


@pytest.fixture(scope="module")
def sections(root: Path) -> dict[str, str]:
    text = (root / "docs" / "dependencies.md").read_text()
    parts = re.split(r"^## ", text, flags=re.M)[1:]
    return {part.partition("\n")[0]: part for part in parts}


def test_every_base_dependency_has_its_reason(project: dict[str, Any], sections: dict[str, str]) -> None:
    assert listed(sections["Base"]) == named(project["dependencies"])


def test_every_extra_has_its_reason(project: dict[str, Any], sections: dict[str, str]) -> None:
    extras = project["optional-dependencies"]
    wanted = {name for extra, given in extras.items() if extra != "dev" for name in named(given)}
    assert listed(sections["Extras"], column=1) == wanted
    assert listed(sections["Extras"]) == set(extras) - {"dev"}


def test_every_development_dependency_has_its_reason(project: dict[str, Any], sections: dict[str, str]) -> None:
    assert listed(sections["For development"]) == named(project["optional-dependencies"]["dev"])


def test_what_was_decided_against_is_not_in_the_base(project: dict[str, Any], sections: dict[str, str]) -> None:
    refused = set(
        re.findall(r"`([\w-]+)`", "\n".join(re.findall(r"^\| ([^|]*)\|", sections["Decided against"], re.M)))
    )
    assert refused >= {"deltalake", "pandas"}
    assert not refused & named(project["dependencies"])
