"""Durable work: named functions whose recorded steps are not repeated after a crash."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol


class WorkStanding(Enum):
    """Where a piece of durable work stands, as its engine sees it."""

    UNKNOWN = "unknown"
    HERE = "unfinished, this engine's"
    ELSEWHERE = "unfinished, another engine's"
    LEFT = "unfinished, and its engine is gone"
    ENDED = "ended"


class Durable(Protocol):
    """What a durable function gets: steps whose results are recorded, so that a restart does not repeat them."""

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Run `work` once; after a crash, return its recorded result instead. The result is plain JSON."""
        ...

    def go_on(self) -> None:
        """Ask during long steps: leaves the work, unfinished, when the engine is closing."""
        ...


class WorkEngine(Protocol):
    """Runs named functions durably: kill -9 at any instant, start again, and they go on."""

    def register(self, name: str, function: Callable[[Durable, dict[str, Any]], Any]) -> None:
        """Name a durable function, before `launch`."""
        ...

    def launch(self) -> None:
        """Start, and take up whatever a dead process left unfinished."""
        ...

    def run(self, name: str, work_id: str, arguments: dict[str, Any]) -> Any:
        """Run (or rejoin) the work with this id and wait for its result. The same id is never run twice."""
        ...

    def submit(self, name: str, work_id: str, arguments: dict[str, Any]) -> None:
        """Start (or leave running) the work with this id, without waiting."""
        ...

    def standing(self, work_id: str) -> WorkStanding:
        """Where the work with this id stands."""
        ...

    def close(self) -> None:
        """Stop taking up work."""
        ...
