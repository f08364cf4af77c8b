"""`MemoryLog`: the decision log in memory, for tests and simulations; it forgets with the process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from roadworthy.adapters.decisions.counting import counting_outcomes, in_time
from roadworthy.adapters.decisions.records import DECISIONS, OUTCOMES
from roadworthy.domain.serving import Decision, Outcome


class MemoryLog:
    """Decisions and outcomes in lists, with the meaning of `SegmentLog`.

    Records pass through the same bytes as on disk, so a caller that changes an input dictionary afterwards changes
    nothing here, and what cannot be written is refused here too (DataError).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decisions: list[Decision] = []
        self._outcomes: list[Outcome] = []

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions; an id appended twice keeps the first."""
        kept = DECISIONS.decode(DECISIONS.encode(decisions))
        with self._lock:
            self._decisions.extend(kept)

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Keep outcomes; the one received last for a request id counts."""
        kept = OUTCOMES.decode(OUTCOMES.encode(outcomes))
        with self._lock:
            self._outcomes.extend(kept)

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None, shadows: bool = False
    ) -> list[Decision]:
        """Decisions with since <= at < until, each id once, in time order; shadows' scores only when asked for."""
        with self._lock:
            all_ = [d for d in self._decisions if d.endpoint == endpoint]
        inside = (d for d in all_ if (since is None or d.at >= since) and (until is None or d.at < until))
        return in_time(inside, shadows=shadows)

    def read_outcomes(self, endpoint: str) -> list[Outcome]:
        """The counting outcome of every request id, in the order received."""
        with self._lock:
            mine = [o for o in self._outcomes if o.endpoint == endpoint]
        return counting_outcomes(mine)

    def find(self, key: str) -> list[Decision]:
        """Decisions of any endpoint whose id or request id is `key`, in time order."""
        with self._lock:
            matches = [d for d in self._decisions if key in (d.id, d.request_id)]
        return in_time(matches)

    def close(self) -> None:
        """Nothing to let go of."""
