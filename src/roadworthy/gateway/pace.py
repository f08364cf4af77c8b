"""How long the rows that wait will take, learnt from the batches that were answered.

A batch takes `a + b * rows` seconds: what it costs at all, and what each row adds. Both are a least-squares line over
past batches, older ones counting less. Batches of one size cannot tell a slope: then `b` is 0, the expectation is too
low rather than too high, and nobody is refused who would have been answered.
"""

from __future__ import annotations

import math

MEMORY = 0.95
"""What a batch counts after one more: some twenty batches are remembered."""


class Pace:
    """The pace of one endpoint. Belongs to one thread."""

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0
        self._began: float | None = None
        self._rows = 0

    def begin(self, rows: int, now: float) -> None:
        """A batch of so many rows begins."""
        self._began, self._rows = now, rows

    def end(self, now: float) -> None:
        """It has been answered."""
        if self._began is None:
            return
        x, y = float(self._rows), now - self._began
        self._n, self._x, self._y = MEMORY * self._n + 1.0, MEMORY * self._x + x, MEMORY * self._y + y
        self._xx, self._xy = MEMORY * self._xx + x * x, MEMORY * self._xy + x * y
        self._began = None

    def expected_s(self, ahead: int, own: int, most: int, now: float) -> float:
        """Seconds until `own` rows are answered with `ahead` rows waiting before them, at most `most` rows a batch.

        0 while nothing runs and nothing waits: who finds the door open is let in, whatever came before.

        Example:
            >>> pace = Pace()
            >>> for rows in (1, 11):
            ...     pace.begin(rows, now=0.0)
            ...     pace.end(now=1.0 + 0.1 * rows)
            >>> pace.begin(1, now=0.0)
            >>> round(pace.expected_s(ahead=10, own=10, most=10, now=0.6), 6)
            4.5
        """
        if self._n == 0.0 or (ahead == 0 and self._began is None):
            return 0.0
        base, slope = self._line()
        running = 0.0 if self._began is None else max(base + slope * self._rows - (now - self._began), 0.0)
        rows = ahead + own
        return running + math.ceil(rows / most) * base + slope * rows

    def _line(self) -> tuple[float, float]:
        mean_x, mean_y = self._x / self._n, self._y / self._n
        spread = self._xx / self._n - mean_x * mean_x
        slope = max((self._xy / self._n - mean_x * mean_y) / spread, 0.0) if spread > 1e-9 else 0.0
        return max(mean_y - slope * mean_x, 0.0), slope
