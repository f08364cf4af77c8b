"""The demo's narrators."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from roadworthy.apps.story.narrator import Mood
from roadworthy.cli.processes.narration import LOOKS, KeepingNarrator, TerminalNarrator


def narrator(*, terminal: bool = False) -> tuple[TerminalNarrator, io.StringIO]:
    heard = io.StringIO()
    return TerminalNarrator(Console(file=heard, force_terminal=terminal, width=80, markup=False)), heard


def test_a_log_gets_only_the_end_of_a_progress() -> None:
    tell, heard = narrator()
    for done in range(0, 101, 10):
        tell.progress("calls", done, 100)
    assert [line.strip() for line in heard.getvalue().splitlines()] == ["█" * 20 + " 100/100 calls"]


def test_on_a_terminal_progress_is_drawn_over() -> None:
    tell, heard = narrator(terminal=True)
    tell.progress("calls", 1, 2)
    tell.progress("calls", 2, 2)
    assert heard.getvalue().count("\r") == 1
    assert heard.getvalue().count("\n") == 1


@pytest.mark.parametrize("mood", LOOKS)
def test_every_mood_has_a_mark(mood: Mood) -> None:
    tell, heard = narrator()
    tell.say("It is [so].", mood)
    assert heard.getvalue().strip() == f"{LOOKS[mood][0]} It is [so]."


def test_a_progress_of_nothing_is_done() -> None:
    tell, heard = narrator()
    tell.progress("calls", 0, 0)
    assert "0/0 calls" in heard.getvalue()


def test_the_keeping_narrator_keeps_everything_but_progress() -> None:
    tell, heard = narrator()
    keeping = KeepingNarrator(tell)
    keeping.act("1. First")
    keeping.say("good news", "good")
    keeping.progress("calls", 1, 1)
    keeping.table("Money", ["who", "how much"], [["v1", "3 EUR"]])
    assert keeping.kept == [
        {"act": "1. First"},
        {"said": "good news", "mood": "good"},
        {"table": "Money", "columns": ["who", "how much"], "rows": [["v1", "3 EUR"]]},
    ]
    assert all(word in heard.getvalue() for word in ("1. First", "good news", "3 EUR"))
