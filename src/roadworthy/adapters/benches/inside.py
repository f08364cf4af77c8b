"""`InsideBench`: checks judged in the caller's own process, one after another; for tests and small installations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from roadworthy.domain.durable.bench import CheckEvent, Judge, Judging, Workbench
from roadworthy.domain.gate import PlannedCheck


class InsideBench:
    """Judges in the thread that asks. Nothing can be stopped here: a check's limits are not enforced."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    @contextmanager
    def judge(self, records: object, planned: Sequence[PlannedCheck]) -> Iterator[Judging]:
        """Begin judging; checks that were not reached when the block ends are not judged."""
        with self._workbench.open(records) as judge:
            yield _Inside(judge, planned)

    def close(self) -> None:
        """Nothing runs here between two calls."""


class _Inside:
    """One check per second call: the first says that it begins."""

    def __init__(self, judge: Judge, planned: Sequence[PlannedCheck]) -> None:
        self._judge = judge
        self._waiting = deque(planned)
        self._begun: PlannedCheck | None = None

    def next(self, wait_s: float) -> CheckEvent | None:
        """The beginning of the next check, or its finding."""
        if self._begun is None:
            if not self._waiting:
                return None
            self._begun = self._waiting.popleft()
            return CheckEvent(self._begun)
        if wait_s <= 0:
            return None
        check, self._begun = self._begun, None
        return CheckEvent(check, self._judge(check))
