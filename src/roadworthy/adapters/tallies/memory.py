"""Tallies that are gone with the process."""

from __future__ import annotations

import threading
from datetime import datetime

from roadworthy.domain.standing.protection import ProtectionTally


class MemoryTallies:
    """`ProtectionLog` in memory."""

    def __init__(self) -> None:
        self._kept: list[ProtectionTally] = []
        self._lock = threading.Lock()

    def append(self, tally: ProtectionTally) -> None:
        """Keep a tally."""
        with self._lock:
            self._kept.append(tally)

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[ProtectionTally]:
        """Tallies of an endpoint that ended at or after `since` and began before `until`, in the order of their end."""
        with self._lock:
            found = [t for t in self._kept if t.endpoint == endpoint and within(t, since, until)]
        return sorted(found, key=lambda t: t.until)


def within(tally: ProtectionTally, since: datetime | None, until: datetime | None) -> bool:
    """Whether a tally is about any moment with since <= moment < until."""
    return (since is None or tally.until >= since) and (until is None or tally.since < until)
