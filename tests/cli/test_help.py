"""The help page, and the laws every command obeys."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from typer.main import get_command

from roadworthy import __version__
from roadworthy.cli.main import run
from roadworthy.cli.table import COMMANDS, SECTIONS

HEAVY = (
    "numpy",
    "scipy",
    "sklearn",
    "pyarrow",
    "httpx",
    "fastapi",
    "dbos",
    "rich",
    "roadworthy.sdk",
    "roadworthy.apps",
)


def leaves() -> Iterator[tuple[str, ...]]:
    """Every command as one types it, subcommands included."""
    for row in COMMANDS.values():
        found: Any = get_command(import_module(f"roadworthy.cli.{row.module}").app)
        names = list(getattr(found, "commands", {}))
        yield from [(row.name, name) for name in names] or [(row.name,)]


LEAVES = list(leaves())


def test_the_help_page_lists_every_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    page = capsys.readouterr().out
    assert all(f"  {row.name} " in page and row.summary in page for row in COMMANDS.values())


def test_no_command_stands_twice_in_the_table() -> None:
    assert sum(len(rows) for rows in SECTIONS.values()) == len(COMMANDS)


def test_the_help_page_loads_none_of_the_heavy_modules() -> None:
    code = (
        "import sys; from roadworthy.cli.main import run; run(['--help']); "
        f"sys.stderr.write(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: roadworthy" in done.stdout
    assert done.stderr == ""


def test_python_dash_m_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roadworthy", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == __version__


@pytest.mark.parametrize("words", LEAVES, ids="-".join)
def test_every_command_has_help_with_the_options_of_every_command(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run([*words, "--help"]) == 0
    page = capsys.readouterr().out
    assert all(option in page for option in ("--json", "--workspace", "--as", "--debug"))
    assert f"Usage: roadworthy {' '.join(words)}" in page


@pytest.mark.parametrize("words", LEAVES, ids="-".join)
def test_every_command_describes_itself_and_each_of_its_options(words: tuple[str, ...]) -> None:
    found: Any = get_command(import_module(f"roadworthy.cli.{COMMANDS[words[0]].module}").app)
    leaf = found.commands[words[1]] if len(words) > 1 else found
    assert len(leaf.help) > 20
    assert [p.name for p in leaf.params if not getattr(p, "help", None)] == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [("regster", "Did you mean 'register'?"), ("zzzz", "`roadworthy --help` lists all of them")],
    ids=["near", "far"],
)
def test_an_unknown_command_is_answered_with_the_nearest(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([typed]) == 2
    assert said in capsys.readouterr().err


def test_no_command_at_all_shows_the_help_page_and_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "The road:" in capsys.readouterr().err
