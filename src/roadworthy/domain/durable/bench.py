"""Where checks are judged: a bench takes what a gate run knows and gives findings back as they are made.

A bench knows nothing of gates: what a check looks at, and how it is judged, is the business of the `Workbench` it
was given. Two ship: one judges in the caller's process, one in processes of its own with limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from roadworthy.domain.gate import Finding, PlannedCheck

Judge = Callable[[PlannedCheck], Finding]
"""Judges one planned check. Whatever goes wrong in a check is a finding; it raises nothing."""


class Workbench(Protocol):
    """Makes judges. It and what it is given can be pickled: a bench may take both to another process."""

    def open(self, records: object) -> AbstractContextManager[Judge]:
        """A judge of checks over these records; what it loads and starts is let go of with the block."""
        ...


@dataclass(frozen=True, slots=True)
class CheckEvent:
    """A check was begun (`finding` is None), or its finding is there."""

    check: PlannedCheck
    finding: Finding | None = None


class Judging(Protocol):
    """Some checks being judged over the same records."""

    def next(self, wait_s: float) -> CheckEvent | None:
        """What happened next, waiting at most about `wait_s` seconds; None when nothing has.

        With `wait_s` 0 nothing is judged in the caller's own thread. Every check has exactly two events, whatever
        becomes of it; after the last there are none.

        Raises:
            UnavailableError: checks cannot be judged here at all.
        """
        ...


class CheckBench(Protocol):
    """Judges checks, several at once where it can."""

    def judge(self, records: object, planned: Sequence[PlannedCheck]) -> AbstractContextManager[Judging]:
        """Begin judging; whatever still runs when the block ends is stopped."""
        ...

    def close(self) -> None:
        """Stop everything; nothing that was started is left."""
        ...
