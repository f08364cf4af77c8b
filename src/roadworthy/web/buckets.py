"""How much one may ask: a token bucket per key, in bounded memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable

from roadworthy.domain.errors import ThrottledError

MAX_KEYS = 10_000
"""Keys remembered; the one longest unused is forgotten, which fills its bucket again."""


class Buckets:
    """One bucket per key: holds `per_minute` drops, refilled evenly at that rate.

    Args:
        per_minute: drops per minute, and the most a bucket holds; above 0.
        now: seconds of a clock that never goes back.
        max_keys: keys remembered at once.
    """

    def __init__(self, per_minute: float, now: Callable[[], float], max_keys: int = MAX_KEYS) -> None:
        self._size = float(per_minute)
        self._rate = per_minute / 60.0
        self._now = now
        self._max_keys = max_keys
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def wait_s(self, key: str) -> float:
        """Seconds until a drop is there; 0 when one is."""
        with self._lock:
            return max(0.0, (1.0 - self._level(key, self._now())) / self._rate)

    def take(self, key: str) -> float:
        """Take a drop; returns 0, or the seconds until there is one, and then takes none."""
        with self._lock:
            now = self._now()
            level = self._level(key, now)
            if level < 1.0:
                return (1.0 - level) / self._rate
            self._kept[key] = (level - 1.0, now)
            self._kept.move_to_end(key)
            while len(self._kept) > self._max_keys:
                self._kept.popitem(last=False)
            return 0.0

    def _level(self, key: str, now: float) -> float:
        level, at = self._kept.get(key, (self._size, now))
        return min(self._size, level + (now - at) * self._rate)


def refuse_wait(seconds: float, what: str) -> None:
    """Refuse when there is something to wait for.

    Raises:
        ThrottledError: says how many whole seconds.
    """
    if seconds > 0:
        wait = max(1, math.ceil(seconds))
        raise ThrottledError(what, remedy=f"Come back in {wait} s.", retry_after_s=wait)
