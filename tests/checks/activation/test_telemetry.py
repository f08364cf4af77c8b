from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roadworthy.checks.activation.telemetry import Telemetry, TelemetryParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import SignalKind
from roadworthy.domain.serving import Agent, MonitorPlan, Probe
from roadworthy.domain.verdict import Verdict

PROBE = Probe(200, 200, 200, 3.0, 40.0, 200, 6, 6)
PLAN = MonitorPlan(tuple(k.value for k in SignalKind), ("olga",), "train", 500)


def judged(make_material: Any, probe: Probe = PROBE, plan: MonitorPlan = PLAN) -> Any:
    return Telemetry().evaluate(make_material(probe=probe, monitor_plan=plan), TelemetryParams())


def test_every_answer_on_record_and_every_question_watched_passes(make_material: Any) -> None:
    assert judged(make_material).verdict is Verdict.PASS


def test_one_answer_that_left_no_trace_fails(make_material: Any) -> None:
    finding = judged(make_material, replace(PROBE, logged=199))
    assert (finding.verdict, finding.statistic) == (Verdict.FAIL, 1.0)
    assert finding.reasons == ("telemetry-missing",)
    assert finding.defect is DefectKind.OPERATIONS_GAP


def test_failed_requests_may_be_logged_too_but_nothing_twice(make_material: Any) -> None:
    assert judged(make_material, replace(PROBE, answered=190, logged=200)).verdict is Verdict.PASS
    assert judged(make_material, replace(PROBE, logged=201)).reasons == ("logged-twice",)


@pytest.mark.parametrize(("rows", "verdict"), [(500, Verdict.PASS), (499, Verdict.FAIL)], ids=["just", "short"])
def test_the_reference_has_a_least_size(make_material: Any, rows: int, verdict: Verdict) -> None:
    assert judged(make_material, plan=replace(PLAN, reference_rows=rows)).verdict is verdict


@pytest.mark.parametrize(
    ("gone", "area"),
    [
        (("data-drift",), "data-drift"),
        (("mathematical-drift",), "performance"),
        (("value", "business-drift"), "value"),
        (("serving",), "serving"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_area_nobody_watches_is_named(make_material: Any, gone: Any, area: str) -> None:
    plan = replace(PLAN, monitors=tuple(m for m in PLAN.monitors if m not in gone))
    assert judged(make_material, plan=plan).reasons == (f"not-watched:{area}",)


def test_too_few_answers_are_inconclusive(make_material: Any) -> None:
    few = replace(PROBE, requests=19, answered=19, echoed_ids=19, logged=19)
    assert judged(make_material, few).verdict is Verdict.INCONCLUSIVE


def test_no_plan_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A5, "telemetry"), make_material(probe=PROBE))
    assert finding.reasons == ("missing:monitor_plan",)


def test_a_silent_agent_is_a_hole_in_the_telemetry(make_material: Any) -> None:
    now = make_material().now
    agent = Agent("edge", "offers", "offers:1", 10.0, now - timedelta(seconds=30), "omar")
    heard = Telemetry().evaluate(make_material(probe=PROBE, monitor_plan=PLAN, agents=(agent,)), TelemetryParams())
    late = replace(agent, registered_at=now - timedelta(seconds=31))
    silent = Telemetry().evaluate(make_material(probe=PROBE, monitor_plan=PLAN, agents=(late,)), TelemetryParams())
    assert (heard.verdict, silent.verdict, silent.reasons) == (Verdict.PASS, Verdict.FAIL, ("agent-silent:edge",))
