"""Drift detection method: has the error rate of a classifier risen above its best?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from roadworthy.monitoring.settings import DetectorParams


@dataclass(frozen=True)
class DdmParams(DetectorParams):
    """When to warn and when to raise.

    Attributes:
        min_rows: rows before the first statement (1 upwards).
        warn_at, drift_at: standard deviations above the best error rate.
    """

    RANGES: ClassVar = {"min_rows": (1, 1e9), "warn_at": (0.0, 100.0), "drift_at": (0.0, 100.0)}

    min_rows: int = 30
    warn_at: float = 2.0
    drift_at: float = 3.0


class Ddm:
    """p + s against the lowest p_min + s_min seen, s = sqrt(p (1 - p) / n); warns at 2 s_min above, raises at 3.

    Its false-alarm rate grows with the length of the stream (37 % in 10,000 rows in our simulation): a hint, not a
    proof. `warning` and `drift` are about the last row; after a drift the next row starts afresh.

    Reference: Gama, Medas, Castillo & Rodrigues 2004 (SBIA).
    """

    def __init__(self, params: DdmParams | None = None) -> None:
        self.params = params or DdmParams()
        self.warning = self.drift = False
        self._start()

    def _start(self) -> None:
        self._n = 0
        self._rate = 0.0
        self._best_rate = self._best_spread = self._best = math.inf

    def update(self, error: bool | int) -> bool:
        """Read whether one prediction was wrong; whether it raised the alarm."""
        if self.drift:
            self._start()
        self._n += 1
        self._rate += (float(error) - self._rate) / self._n
        self.warning = self.drift = False
        if self._n <= self.params.min_rows:
            return False
        spread = math.sqrt(self._rate * (1.0 - self._rate) / self._n)
        level = self._rate + spread
        if level <= self._best:
            self._best_rate, self._best_spread, self._best = self._rate, spread, level
        self.warning = level > self._best_rate + self.params.warn_at * self._best_spread
        self.drift = level > self._best_rate + self.params.drift_at * self._best_spread
        return self.drift
