from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.checks.activation.deployment_plan import DeploymentPlan, DeploymentPlanParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.verdict import Verdict

AT = datetime(2026, 2, 1, tzinfo=UTC)
HOLD_OUT = Arm("hold-out", ArmRole.HOLD_OUT, 0.05)
NEW = Arm("new", ArmRole.CHALLENGER, 0.05, version="offers-1", artifact="a1")
OLD = Arm("old", ArmRole.CHAMPION, 0.95, version="offers-0", artifact="a0")
FIRST = Deployment(
    "d-1", "offers", Strategy.BASIC, (replace(NEW, weight=1.0), HOLD_OUT), "s", False, DeploymentState.PROGRESSING,
    AT, "otto",
)  # fmt: skip
CANARY = replace(
    FIRST, strategy=Strategy.CANARY, arms=(OLD, NEW, HOLD_OUT), schedule=(0.05, 0.25, 0.5, 1.0), previous="d-0"
)


def judged(make_material: Any, plan: Deployment, **overrides: Any) -> Any:
    params = DeploymentPlanParams(**overrides.pop("params", {}))
    return DeploymentPlan().evaluate(make_material(deployment=plan, **overrides), params)


@pytest.mark.parametrize("plan", [FIRST, CANARY], ids=["first deployment", "canary against a champion"])
def test_a_sound_plan_passes(make_material: Any, plan: Deployment) -> None:
    finding = judged(make_material, plan)
    assert finding.verdict is Verdict.PASS
    assert finding.statistic == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arms", "reason"),
    [
        ((replace(NEW, weight=0.9), HOLD_OUT), "weights-do-not-sum-to-1"),
        ((replace(NEW, weight=float("nan")), HOLD_OUT), "weights-do-not-sum-to-1"),
        ((replace(NEW, weight=1.5), replace(NEW, name="x", weight=-0.5), HOLD_OUT), "weight-outside-0-1"),
        ((replace(NEW, weight=1.0, name="hold-out"), HOLD_OUT), "arm-names-repeat"),
        ((replace(NEW, weight=1.0, artifact=""), HOLD_OUT), "arm-without-version"),
        ((replace(NEW, weight=1.0, version="offers-9"), HOLD_OUT), "version-has-no-arm"),
        ((replace(NEW, weight=1.0),), "hold-out-share-differs"),
        ((replace(NEW, weight=1.0), replace(HOLD_OUT, weight=0.0500001)), "hold-out-share-differs"),
        ((replace(NEW, weight=1.0), replace(HOLD_OUT, version="offers-0")), "hold-out-has-a-version"),
    ],
    ids=[
        "sum below 1",
        "nan",
        "negative",
        "same name",
        "no bytes",
        "stranger",
        "no hold-out",
        "another share",
        "hold-out with a model",
    ],
)
def test_arms_that_do_not_add_up_fail(make_material: Any, arms: Any, reason: str) -> None:
    finding = judged(make_material, replace(FIRST, arms=arms))
    assert finding.verdict is Verdict.FAIL
    assert reason in finding.reasons
    assert finding.defect is DefectKind.OPERATIONS_GAP


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ((), "no-schedule"),
        ((0.05, 0.25, 0.5), "schedule-does-not-reach-1"),
        ((0.05, 0.5, 0.25, 1.0), "schedule-does-not-rise"),
        ((0.251, 1.0), "schedule-starts-too-large"),
        ((0.25, 1.0), None),
        ((0.04, 1.0), "challenger-above-its-stage"),
    ],
    ids=["none", "stops short", "falls back", "too large", "just small enough", "arm ahead of its stage"],
)
def test_a_canary_rises_from_a_small_share_to_all(make_material: Any, schedule: Any, reason: str | None) -> None:
    finding = judged(make_material, replace(CANARY, schedule=schedule))
    assert finding.verdict is (Verdict.FAIL if reason else Verdict.PASS)
    assert reason is None or reason in finding.reasons


def test_a_champion_is_not_replaced_at_once(make_material: Any) -> None:
    finding = judged(make_material, replace(CANARY, strategy=Strategy.BASIC))
    assert finding.reasons == ("champion-replaced-at-once",)


def test_a_champion_of_another_endpoint_does_not_stand_in_the_way(make_material: Any, world: Any) -> None:
    assert judged(make_material, FIRST, champion=world.score).verdict is Verdict.PASS


def test_the_champions_arm_or_an_earlier_deployment_is_a_way_back(make_material: Any) -> None:
    assert judged(make_material, replace(CANARY, previous="")).verdict is Verdict.PASS
    lost = replace(CANARY, previous="", arms=(replace(OLD, artifact=""), NEW, HOLD_OUT))
    assert "no-rollback-target" in judged(make_material, lost).reasons


def test_a_hold_out_that_acts_against_the_contract_fails(make_material: Any) -> None:
    assert judged(make_material, replace(FIRST, holdout_acts=True)).reasons == ("hold-out-action-differs",)


def test_no_plan_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A3, "deployment-plan"), make_material())
    assert finding.verdict is Verdict.INCONCLUSIVE
