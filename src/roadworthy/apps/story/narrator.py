"""Who tells the story while it happens: a terminal with progress bars, a log for CI, or nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

Mood = Literal["info", "good", "bad", "money"]


class Narrator(Protocol):
    """What the acts say as they go."""

    def act(self, title: str) -> None:
        """A new act begins."""
        ...

    def say(self, text: str, mood: Mood = "info") -> None:
        """One thing happened."""
        ...

    def progress(self, label: str, done: int, total: int) -> None:
        """How far something is; `done == total` ends it."""
        ...

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Figures worth a table."""
        ...


@dataclass
class Silent:
    """Keeps what was said, for tests."""

    said: list[str] = field(default_factory=list)

    def act(self, title: str) -> None:
        """Keep the title."""
        self.said.append(title)

    def say(self, text: str, mood: Mood = "info") -> None:
        """Keep the sentence with its mood."""
        self.said.append(f"[{mood}] {text}")

    def progress(self, label: str, done: int, total: int) -> None:
        """Nothing to show."""

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Keep the table."""
        self.said.append(f"{title}: {columns} {rows}")
