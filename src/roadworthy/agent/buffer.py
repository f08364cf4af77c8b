"""Decisions that wait in memory: bounded, safe to use from several threads, and honest about what did not fit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice

from roadworthy.agent.reporter import Made


class Buffer:
    """The oldest decisions first. A full buffer takes no more: what is dropped is counted, and reported as a number.

    Implements `delivery.Source`.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: deque[Made] = deque()
        self._lock = threading.Lock()
        self.lost = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._rows)

    def add(self, made: Made) -> bool:
        """Take one decision; False when it was dropped."""
        with self._lock:
            if len(self._rows) >= self._capacity:
                self.lost += 1
                return False
            self._rows.append(made)
            return True

    def oldest(self, limit: int) -> list[Made]:
        """Up to `limit` decisions, which stay until they are done with."""
        with self._lock:
            return list(islice(self._rows, limit))

    def done(self, rows: Sequence[Made]) -> None:
        """The oldest decisions were taken."""
        with self._lock:
            for _ in rows:
                self._rows.popleft()

    def discard(self, row: Made) -> None:
        """One decision will never be taken."""
        with self._lock:
            self._rows = deque(r for r in self._rows if r is not row)
