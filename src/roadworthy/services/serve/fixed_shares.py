"""What a look sees of challengers with fixed shares: each one beside the champion, by the rows drawn to the two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from roadworthy.domain.errors import StorageUnavailableError
from roadworthy.domain.serving import Arm, ArmRole, Decision, DecisionStatus, Deployment
from roadworthy.rollout.canary import CanaryView
from roadworthy.rollout.canary_evidence import ArmCounts, AssignmentPeriod
from roadworthy.rollout.failure_e_process import FailureEvent
from roadworthy.services.house import House

_EXACT = 1e-9


def decided(house: House, deployment: Deployment) -> tuple[list[Decision], tuple[str, ...]]:
    """The decisions of a deployment, and what could not be read; an outage is not an absence of failures."""
    try:
        found = house.decisions.read(deployment.endpoint, since=deployment.created_at)
    except StorageUnavailableError:
        return [], ("decision log",)
    return [d for d in found if d.deployment == deployment.id], ()


def fixed_views(house: House, deployment: Deployment, challengers: Sequence[Arm]) -> list[CanaryView]:
    """One view per challenger, in their order."""
    decisions, outages = decided(house, deployment)
    now = house.clock.now()
    drawn = [d for d in decisions if _drawn(deployment, d)]
    return [replace(_view(deployment, arm, drawn, now), outages=outages) for arm in challengers]


def _drawn(deployment: Deployment, decision: Decision) -> bool:
    """Whether a row came to its arm by the draw alone: with exactly the arm's share as its probability.

    A row that some arm was not licensed for has another probability: it says nothing about that arm.
    """
    held = sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)
    promised = {a.name: (1.0 - held) * a.weight for a in deployment.arms if a.role.answers}
    return abs(decision.propensity - promised.get(decision.arm, -1.0)) <= _EXACT


def _view(deployment: Deployment, challenger: Arm, drawn: Sequence[Decision], now: datetime) -> CanaryView:
    champion = next(a for a in deployment.arms if a.role is ArmRole.CHAMPION)
    share = challenger.weight / (challenger.weight + champion.weight)
    pair = [d for d in drawn if d.arm in (champion.name, challenger.name)]
    requests = counts_of(pair, challenger)
    first = {d.unit_id: d.arm for d in reversed(pair)}
    weights = {champion.name: 1.0 - share, challenger.name: share}
    return CanaryView(
        schedule=(share,),
        stage=0,
        stage_since=deployment.stage_since or deployment.created_at,
        now=now,
        failures=tuple(
            FailureEvent(share=share, from_canary=d.arm == challenger.name)
            for d in pair
            if d.status is DecisionStatus.FAILED
        ),
        requests=requests,
        stage_requests=requests,
        assignments=(AssignmentPeriod(weights, dict(Counter(first.values()))),) if first else (),
    )


def counts_of(decisions: Sequence[Decision], challenger: Arm) -> ArmCounts:
    """How many of these rows the challenger had, and how many the champion."""
    mine = sum(d.arm == challenger.name for d in decisions)
    return ArmCounts(champion=len(decisions) - mine, canary=mine)
