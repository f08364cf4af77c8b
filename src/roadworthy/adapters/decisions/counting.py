"""Which of several records counts: the first decision of an id, the last outcome of a request id."""

from __future__ import annotations

from collections.abc import Iterable

from roadworthy.domain.serving import Decision, DecisionStatus, Outcome


def in_time(decisions: Iterable[Decision], *, shadows: bool = False) -> list[Decision]:
    """What was decided, or what shadows scored: one per id, the first, in time order."""
    wanted = (d for d in decisions if (d.status is DecisionStatus.SHADOW) is shadows)
    return sorted(first_of_each(wanted), key=lambda d: d.at)


def first_of_each(decisions: Iterable[Decision]) -> list[Decision]:
    """One decision per id, the first."""
    found: dict[str, Decision] = {}
    for decision in decisions:
        found.setdefault(decision.id, decision)
    return list(found.values())


def counting_outcomes(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One outcome per request id: the one received last, of equal times the one written last; by time received."""
    found: dict[str, Outcome] = {}
    for outcome in sorted(outcomes, key=lambda o: o.received_at):
        found[outcome.request_id] = outcome
    return sorted(found.values(), key=lambda o: o.received_at)
