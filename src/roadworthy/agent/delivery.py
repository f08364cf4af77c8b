"""What becomes of decisions that wait: taken, sent again later, or, one by one, given up because they are refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from roadworthy.agent.reporter import Fate, Made, Reporter, Sent, SignOfLife

log = logging.getLogger(__name__)

BATCH = 500
"""Most decisions in one report."""

LONGEST_WAIT_S = 60.0
"""A control plane that does not answer is asked again after at most so long."""


class Source(Protocol):
    """Where decisions wait. `lost` counts those that can never be reported: no room, or unreadable."""

    lost: int

    def __len__(self) -> int:
        """How many are known to wait."""
        ...

    def oldest(self, limit: int) -> list[Made]:
        """Up to `limit` of them, which stay until they are done with."""
        ...

    def done(self, rows: Sequence[Made]) -> None:
        """The oldest were taken."""
        ...

    def discard(self, row: Made) -> None:
        """One will never be taken."""
        ...


class Delivery:
    """Reports what waits in a source. Not for several threads at once.

    `taken` counts the decisions the control plane has; `problem` says why the newest report was not taken, if so.
    """

    def __init__(self, reporter: Reporter, source: Source, started_at: datetime, batch: int = BATCH) -> None:
        self._reporter, self._source = reporter, source
        self._started_at, self._batch = started_at, batch
        self._refused = self._failed = 0
        self._wanted_s = float("inf")
        self.problem = ""
        self.taken = 0

    @property
    def standing(self) -> SignOfLife:
        """How much waits, was lost, and was refused by the control plane."""
        return SignOfLife(self._started_at, len(self._source), self._source.lost, self._refused)

    def flush(self) -> bool:
        """Report everything that waits, or that nothing does; False when the control plane did not take it.

        Each report takes, or gives up, at least one decision, or sends fewer at once: it comes to an end.
        """
        rows, sent = self._report()
        while sent.fate is not Fate.LATER and rows:
            rows, sent = self._report()
        self._failed = 0 if sent.fate is Fate.TAKEN else self._failed + 1
        return sent.fate is Fate.TAKEN

    def wait_s(self, every_s: float) -> float:
        """Seconds until the next report: `every_s`, or what the control plane wants if that is less; longer and longer
        while it does not answer.
        """
        return min(2.0**self._failed, LONGEST_WAIT_S) if self._failed else min(every_s, self._wanted_s)

    def _report(self) -> tuple[list[Made], Sent]:
        rows = self._source.oldest(self._batch)
        sent = self._reporter.send(rows, self.standing)
        if sent.fate is Fate.TAKEN:
            self._source.done(rows)
            self.taken += len(rows)
            self._wanted_s = sent.every_s or self._wanted_s
        elif sent.fate is Fate.REFUSED:
            self._give_up(rows, sent)
        if sent.why and sent.why != self.problem:
            log.warning("agent '%s': %s", self._reporter.name, sent.why)
        self.problem = sent.why
        return rows, sent

    def _give_up(self, rows: Sequence[Made], sent: Sent) -> None:
        if sent.row is None and len(rows) > 1:
            self._batch = len(rows) // 2  # refused as a whole, perhaps for its size
        elif rows:
            self._refused += 1
            self._source.discard(rows[sent.row if sent.row is not None and sent.row < len(rows) else 0])
