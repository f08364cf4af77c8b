from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.activation.alerts import Alerts, AlertsParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import MonitorPlan
from roadworthy.domain.verdict import Verdict

PLAN = MonitorPlan(("data-drift", "serving"), ("olga", "otto"), "train", 3000)


def judged(make_material: Any, plan: MonitorPlan, **params: Any) -> Any:
    return Alerts().evaluate(make_material(monitor_plan=plan), AlertsParams(**params))


def test_named_people_and_a_route_pass(make_material: Any) -> None:
    finding = judged(make_material, PLAN)
    assert (finding.verdict, finding.statistic) == (Verdict.PASS, 2.0)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (replace(PLAN, alerts_to=()), "nobody-is-told"),
        (replace(PLAN, alerts_to=("", "  ", "TBD", "nobody")), "nobody-is-told"),
        (replace(PLAN, monitors=("",)), "nothing-is-watched"),
        (replace(PLAN, retrain_route=""), "no-retrain-route"),
        (replace(PLAN, retrain_route="n/a"), "no-retrain-route"),
    ],
    ids=["empty", "placeholders", "no monitor", "no route", "placeholder route"],
)
def test_an_alert_that_would_get_lost_fails(make_material: Any, plan: MonitorPlan, reason: str) -> None:
    finding = judged(make_material, plan)
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)
    assert finding.defect is DefectKind.OPERATIONS_GAP


@pytest.mark.parametrize(
    ("people", "verdict"),
    [(("olga", "otto"), Verdict.PASS), (("olga", "olga"), Verdict.FAIL)],
    ids=["two people", "one person twice"],
)
def test_the_least_number_of_different_people(make_material: Any, people: Any, verdict: Verdict) -> None:
    assert judged(make_material, replace(PLAN, alerts_to=people), min_people=2).verdict is verdict


def test_no_plan_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A6, "alerts"), make_material())
    assert finding.reasons == ("missing:monitor_plan",)
