"""Shadows beside their champion: what both said about the same rows of the deployment in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roadworthy.domain.serving import Arm, ArmRole, Decision, DecisionStatus, Deployment
from roadworthy.rollout.shadow_comparison import Comparison, Pair, compare
from roadworthy.services.house import House
from roadworthy.services.serve.deploy import deployment_in_force


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """One shadow of a deployment, beside the champion that answered."""

    deployment: str
    arm: str
    version: str
    champion: str
    share: float
    comparison: Comparison


def compare_shadows(house: House, endpoint: str) -> list[ShadowReport]:
    """Every shadow of the deployment in force; none when it has none.

    Raises:
        ConflictError: nothing is deployed there.
    """
    with house.store.read() as tx:
        deployment = deployment_in_force(tx, endpoint)
    return reports_of(house, deployment)


def reports_of(house: House, deployment: Deployment) -> list[ShadowReport]:
    """Every shadow of one deployment, beside its champion."""
    shadows = [a for a in deployment.arms if a.role is ArmRole.SHADOW]
    if not shadows:
        return []
    champion = next(a for a in deployment.arms if a.role is ArmRole.CHAMPION)
    since, endpoint = deployment.created_at, deployment.endpoint
    answered = {
        d.request_id: d
        for d in house.decisions.read(endpoint, since=since)
        if d.deployment == deployment.id and d.arm == champion.name and d.status is DecisionStatus.SCORED
    }
    scored = house.decisions.read(endpoint, since=since, shadows=True)
    mine = [d for d in scored if d.deployment == deployment.id]
    return [
        ShadowReport(deployment.id, a.name, a.version, champion.version, a.weight, _compared(a, mine, answered))
        for a in shadows
    ]


def _compared(arm: Arm, scored: Sequence[Decision], answered: Mapping[str, Decision]) -> Comparison:
    own = [d for d in scored if d.arm == arm.name]
    pairs = []
    for d in own:
        before = answered.get(d.request_id)
        if before is not None and before.score is not None and d.score is not None:
            pairs.append(Pair(before.score, d.score, before.acted, before.latency_ms, d.latency_ms))
    return compare(pairs, arm.threshold, failed=sum(d.score is None for d in own))
