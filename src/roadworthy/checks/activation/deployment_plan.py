"""A3 `deployment-plan`: the plan moves traffic the way it says, and there is a way back."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Arm, ArmRole, Deployment, Strategy
from roadworthy.domain.use_case import KpiContract
from roadworthy.domain.verdict import Verdict

_EXACT = 1e-9

AT_ONCE = frozenset({Strategy.BASIC, Strategy.RECREATE})
"""Strategies that leave nothing to be tried on a few units first."""


@dataclass(frozen=True)
class DeploymentPlanParams(Params):
    """`max_first_share`: largest share (0..1) of traffic a new version may start with."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"max_first_share": (0.001, 1.0)}

    max_first_share: float = 0.25


class DeploymentPlan(Check):
    """The plan's weights add up, a champion is replaced step by step, a way back exists, the hold-out is as signed.

    Needs:
        version, deployment, contract.

    Parameters:
        max_first_share (share outside the hold-out, default 0.25, 0.001..1): what a new version may start with.

    Verdict:
        fail when any of these does not hold, each with its own reason: arm names differ; every weight is in 0..1;
        arms that answer (not the hold-out, no shadow) sum to 1 within 1e-9; each of them names its version and
        artifact; this version has an arm; where another version is champion it is not replaced at once (basic,
        recreate), a canary's schedule starts at or below max_first_share, rises strictly and ends at 1, and its
        challenger has no more than the stage's share, and in any other strategy the version starts at or below
        max_first_share; a rollback target is known (previous deployment, the champion's arm, or this is the first
        deployment); the hold-out's share and action equal the contract's. pass otherwise. No error rate.

    Inconclusive/Error:
        inconclusive when there is no plan or no contract to compare it with.

    Example:
        >>> schedule_gaps((0.1, 0.5, 0.5), 0.25)
        ('schedule-does-not-rise', 'schedule-does-not-reach-1')
        >>> schedule_gaps((0.05, 0.25, 1.0), 0.25)
        ()

    References:
        Sato, Canary Release, martinfowler.com, 2014.
    """

    id = "deployment-plan"
    version = 1
    title = "The deployment plan is sound and reversible"
    step = Step.A3
    needs = ("version", "deployment", "contract")
    defect = DefectKind.OPERATIONS_GAP
    params = DeploymentPlanParams

    def evaluate(self, material: Material, params: DeploymentPlanParams) -> Finding:
        """Collect every reason against the plan."""
        version, plan, contract = material.version, material.deployment, material.contract
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert plan is not None  # noqa: S101 - the runner checked `needs`
        assert contract is not None  # noqa: S101 - the runner checked `needs`
        reasons = _arm_gaps(plan, version.id) + holdout_gaps(plan, contract)
        champion = champion_arm(plan, version.id)
        if champion is not None:
            reasons += _step_gaps(plan, version.id, params) + _way_back_gaps(plan, champion)
        total = math.fsum(a.weight for a in _version_arms(plan))
        message = (
            f"The plan does not hold: {', '.join(reasons)}."
            if reasons
            else f"{plan.strategy.value} plan with {len(plan.arms)} arms, reversible, hold-out as signed."
        )
        return self.finding(
            Verdict.FAIL if reasons else Verdict.PASS,
            message,
            statistic=total,
            threshold=1.0,
            unit="share",
            reasons=reasons,
            details={
                "strategy": plan.strategy.value,
                "arms": [
                    {"name": a.name, "role": a.role.value, "weight": a.weight, "version": a.version}
                    for a in plan.arms
                ],
                "schedule": list(plan.schedule),
                "rollback_to": plan.previous or (champion.version if champion else "no earlier deployment"),
            },
        )


def champion_arm(plan: Deployment, version: str) -> Arm | None:
    """The arm of the champion this version would replace; None when the plan has none."""
    found = (a for a in plan.arms if a.role is ArmRole.CHAMPION and a.version != version)
    return next(found, None)


def schedule_gaps(schedule: tuple[float, ...], max_first_share: float) -> tuple[str, ...]:
    """What is wrong with a canary's shares (0..1), as reason codes."""
    if not schedule:
        return ("no-schedule",)
    rises = all(a < b for a, b in itertools.pairwise(schedule)) and schedule[0] > 0.0
    conditions = {
        "schedule-starts-too-large": not schedule[0] <= max_first_share,
        "schedule-does-not-rise": not rises,
        "schedule-does-not-reach-1": not abs(schedule[-1] - 1.0) <= _EXACT,
    }
    return tuple(code for code, bad in conditions.items() if bad)


def holdout_gaps(plan: Deployment, contract: KpiContract) -> tuple[str, ...]:
    """How the plan's hold-out differs from the signed one, as reason codes."""
    holdouts = [a for a in plan.arms if a.role is ArmRole.HOLD_OUT]
    share = math.fsum(a.weight for a in holdouts)
    conditions = {
        "several-hold-outs": len(holdouts) > 1,
        "hold-out-has-a-version": any(a.version for a in holdouts),
        "hold-out-share-differs": not abs(share - contract.holdout_share) <= _EXACT,
        "hold-out-action-differs": bool(holdouts) and plan.holdout_acts != contract.holdout_acts,
    }
    return tuple(code for code, bad in conditions.items() if bad)


def _version_arms(plan: Deployment) -> list[Arm]:
    return [a for a in plan.arms if a.role.answers]


def _arm_gaps(plan: Deployment, version: str) -> tuple[str, ...]:
    arms = _version_arms(plan)
    total = math.fsum(a.weight for a in arms)
    names = Counter(a.name for a in plan.arms)
    conditions = {
        "arm-names-repeat": any(n > 1 for n in names.values()),
        "weight-outside-0-1": any(not 0.0 <= a.weight <= 1.0 for a in plan.arms),
        "weights-do-not-sum-to-1": not abs(total - 1.0) <= _EXACT,
        "arm-without-version": any(not a.version or not a.artifact for a in arms),
        "version-has-no-arm": all(a.version != version for a in plan.arms),
    }
    return tuple(code for code, bad in conditions.items() if bad)


def _step_gaps(plan: Deployment, version: str, params: DeploymentPlanParams) -> tuple[str, ...]:
    if plan.strategy in AT_ONCE:
        return ("champion-replaced-at-once",)
    if plan.strategy is not Strategy.CANARY:
        first = math.fsum(a.weight for a in _version_arms(plan) if a.version == version)
        return ("challenger-starts-too-large",) if first > params.max_first_share + _EXACT else ()
    gaps = schedule_gaps(plan.schedule, params.max_first_share)
    if not 0 <= plan.stage < len(plan.schedule):
        return (*gaps, "stage-outside-schedule")
    share = math.fsum(a.weight for a in _version_arms(plan) if a.version == version)
    return gaps if share <= plan.schedule[plan.stage] + _EXACT else (*gaps, "challenger-above-its-stage")


def _way_back_gaps(plan: Deployment, champion: Arm) -> tuple[str, ...]:
    return () if plan.previous or champion.artifact else ("no-rollback-target",)
