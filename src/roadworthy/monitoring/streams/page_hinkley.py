"""Page-Hinkley test: has the mean of a stream moved?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.monitoring.settings import DetectorParams


@dataclass(frozen=True)
class PageHinkleyParams(DetectorParams):
    """When to raise.

    Attributes:
        min_rows: rows before the first alarm (1 upwards).
        delta: change of the mean that is tolerated, in the stream's unit (0 upwards).
        threshold: summed excess that raises the alarm, in the stream's unit.
        memory: factor (0..1] that fades the sums per row; 1 forgets nothing.
    """

    RANGES: ClassVar = {"min_rows": (1, 1e9), "delta": (0.0, 1e12), "threshold": (0.0, 1e12), "memory": (0.5, 1.0)}

    min_rows: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    memory: float = 0.9999


class PageHinkley:
    """m_T = sum of (x - mean - delta); alarm when m_T is `threshold` above its lowest, or its mirror below.

    `drift` tells whether the last row raised it; after an alarm the next row starts afresh, so it cannot latch.

    References: Page 1954 (Biometrika 41); Hinkley 1971.
    """

    def __init__(self, params: PageHinkleyParams | None = None) -> None:
        self.params = params or PageHinkleyParams()
        self.drift = False
        self._start()

    def _start(self) -> None:
        self._n = 0
        self._mean = 0.0
        self._up = self._down = 0.0
        self._up_min = self._down_max = 0.0

    def update(self, x: float) -> bool:
        """Read one value; whether it raised the alarm."""
        if self.drift:
            self._start()
        p = self.params
        self._n += 1
        self._mean += (x - self._mean) / self._n
        self._up = p.memory * self._up + (x - self._mean - p.delta)
        self._down = p.memory * self._down + (x - self._mean + p.delta)
        self._up_min, self._down_max = min(self._up_min, self._up), max(self._down_max, self._down)
        excess = max(self._up - self._up_min, self._down_max - self._down)
        self.drift = self._n >= p.min_rows and excess > p.threshold
        return self.drift
