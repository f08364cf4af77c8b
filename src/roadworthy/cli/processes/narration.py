"""Narrators of the demo: a terminal with progress bars, and a quiet one that keeps everything for --json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from roadworthy.apps.story.narrator import Mood
from roadworthy.cli.bars import bar

LOOKS: dict[Mood, tuple[str, str]] = {
    "info": ("·", ""),
    "good": ("✔", "green"),
    "bad": ("✘", "red"),
    "money": ("€", "bold yellow"),
}
"""Mark and style per mood."""


@dataclass
class TerminalNarrator:
    """Tells the story on a console. Progress is one line, drawn over on a terminal; a log gets only its end."""

    out: Console

    def act(self, title: str) -> None:
        """A new act begins."""
        self.out.print()
        self.out.print(Rule(Text(title, style="bold"), align="left"))

    def say(self, text: str, mood: Mood = "info") -> None:
        """One thing happened."""
        mark, style = LOOKS[mood]
        self.out.print(Text(f"{mark} {text}", style=style))

    def progress(self, label: str, done: int, total: int) -> None:
        """How far something is."""
        share = done / total if total else 1.0
        line = Text(f"  {bar(share)} {done:,}/{total:,} {label}")
        if self.out.is_terminal:
            line.truncate(max(20, self.out.width - 1), pad=True)
            self.out.print(line, end="\n" if done >= total else "\r", no_wrap=True)
        elif done >= total:
            self.out.print(line)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Figures worth a table."""
        drawn = Table(*columns, title=title, title_justify="left")
        for row in rows:
            drawn.add_row(*row)
        self.out.print(drawn)


@dataclass
class KeepingNarrator:
    """Keeps the story as data, and tells it on stderr meanwhile."""

    aloud: TerminalNarrator
    kept: list[dict[str, Any]] = field(default_factory=list)

    def act(self, title: str) -> None:
        """A new act begins."""
        self.kept.append({"act": title})
        self.aloud.act(title)

    def say(self, text: str, mood: Mood = "info") -> None:
        """One thing happened."""
        self.kept.append({"said": text, "mood": mood})
        self.aloud.say(text, mood)

    def progress(self, label: str, done: int, total: int) -> None:
        """How far something is; only the telling shows it."""
        self.aloud.progress(label, done, total)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Figures worth a table."""
        self.kept.append({"table": title, "columns": columns, "rows": rows})
        self.aloud.table(title, columns, rows)
