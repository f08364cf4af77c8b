"""`MemoryLog`: the decision log in memory, for tests and simulations; it forgets with the process."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from roadworthy.adapters.decisions.counting import counting_outcomes, in_time
from roadworthy.adapters.decisions.records import DECISIONS, OUTCOMES
from roadworthy.domain.serving import Decision, Outcome
from roadworthy.domain.storing.log import Forgotten, LogRules


class MemoryLog:
    """Decisions and outcomes in lists, with the meaning of `SegmentLog`.

    Records pass through the same bytes as on disk, so a caller that changes an input dictionary afterwards changes
    nothing here, and what cannot be written is refused here too (DataError).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decisions: list[Decision] = []
        self._outcomes: list[Outcome] = []
        self._rules: dict[str, LogRules] = {}
        self._key = secrets.token_bytes(32)

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

    def rules(self, endpoint: str) -> LogRules:
        """By which rules an endpoint's decisions are kept."""
        return self._rules.get(endpoint, LogRules())

    def govern(self, endpoint: str, rules: LogRules) -> None:
        """Put rules in force; memory is never synced, whatever they say."""
        self._rules[endpoint] = rules

    def pseudonym(self, text: str) -> str:
        """A keyed hash of a text; the key is forgotten with the process."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def compact(self, endpoint: str) -> int:  # noqa: ARG002 - the port's signature
        """Nothing: there are no tables in memory."""
        return 0

    def forget_unit(self, endpoint: str, unit_id: str) -> Forgotten:
        """Remove every decision about a unit and their outcomes."""
        return self._forget(endpoint, lambda d: d.unit_id == unit_id, lambda _: False)

    def forget_before(self, endpoint: str, before: datetime) -> Forgotten:
        """Remove decisions older than a time, their outcomes, and outcomes received before it."""
        return self._forget(endpoint, lambda d: d.at < before, lambda o: o.received_at < before)

    def _forget(
        self, endpoint: str, decision: Callable[[Decision], bool], outcome: Callable[[Outcome], bool]
    ) -> Forgotten:
        with self._lock:
            gone = [d for d in self._decisions if d.endpoint == endpoint and decision(d)]
            requests = {d.request_id for d in gone}
            late = [
                o for o in self._outcomes if o.endpoint == endpoint and (o.request_id in requests or outcome(o))
            ]
            self._decisions = [d for d in self._decisions if d not in gone]
            self._outcomes = [o for o in self._outcomes if o not in late]
        return Forgotten(len(gone), len(late))

    def close(self) -> None:
        """Nothing to let go of."""
