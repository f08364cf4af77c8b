"""How many decisions have their outcome, and how long outcomes take: coverage and the delay curve of an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from roadworthy.domain.serving import Decision, Endpoint, Outcome
from roadworthy.domain.use_case import UseCase
from roadworthy.services.house import House

DAYS = (0.04, 0.25, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365)
"""Delays at which the curve is read, in days; the first is an hour."""

NAMED = 20
"""At most so many unmatched request ids are named."""


@dataclass(frozen=True, slots=True)
class Delay:
    """One point of the delay curve: of the `decisions` at least `days` old, this `share` had its outcome by then."""

    days: float
    decisions: int
    share: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Outcomes against decisions. `due` are requests older than the use case's label delay, `due_known` those of them
    whose outcome is there. `unmatched` outcomes are for requests nobody decided (yet): they are kept and count as soon
    as the decision appears; some are named.
    """

    endpoint: str
    requests: int
    known: int
    due: int
    due_known: int
    unmatched: int
    some_unmatched: tuple[str, ...]
    curve: tuple[Delay, ...]


def outcome_coverage(house: House, endpoint: str) -> Coverage:
    """How an endpoint's outcomes stand now. Raises NotFoundError."""
    with house.store.read() as tx:
        case = tx.of(UseCase).get(tx.of(Endpoint).get(endpoint).use_case)
    outcomes = {o.request_id: o for o in house.decisions.read_outcomes(endpoint)}
    first: dict[str, Decision] = {}
    for decision in house.decisions.read(endpoint):
        first.setdefault(decision.request_id, decision)
    now = house.clock.now()
    due = [d for d in first.values() if d.at <= now - timedelta(days=case.label_delay_days)]
    stray = [name for name in outcomes if name not in first]
    return Coverage(
        endpoint=endpoint,
        requests=len(first),
        known=len(outcomes) - len(stray),
        due=len(due),
        due_known=sum(d.request_id in outcomes for d in due),
        unmatched=len(stray),
        some_unmatched=tuple(stray[:NAMED]),
        curve=tuple(_curve([(d, outcomes.get(d.request_id)) for d in first.values()], now)),
    )


def _curve(pairs: Sequence[tuple[Decision, Outcome | None]], now: datetime) -> list[Delay]:
    """The curve up to the age of the oldest decision. Each point counts those only that are old enough for it."""
    points = []
    for days in DAYS:
        within = timedelta(days=days)
        old = [(d, o) for d, o in pairs if d.at <= now - within]
        if not old:
            break
        had = sum(o is not None and o.received_at - d.at <= within for d, o in old)
        points.append(Delay(days, len(old), had / len(old)))
    return points
