from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadworthy.checks.activation.hand_off import HandOffCheck, HandOffParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Drill
from roadworthy.domain.trust import HandOff
from roadworthy.domain.verdict import Verdict

AT = datetime(2026, 2, 1, tzinfo=UTC)
ACCEPTED = HandOff("h-1", "offers-1", "otto", "olga", "https://wiki/offers: restart, roll back, call", AT)
DRILL = Drill(ran=True, seconds_to_restore=2.0, requests=50, failed=0)


def judged(make_material: Any, hand_off: HandOff = ACCEPTED, drill: Any = DRILL, **params: Any) -> Any:
    return HandOffCheck().evaluate(make_material(hand_off=hand_off, drill=drill), HandOffParams(**params))


def test_an_accepted_version_with_a_drill_that_ran_passes(make_material: Any) -> None:
    finding = judged(make_material)
    assert (finding.verdict, finding.statistic, finding.rows) == (Verdict.PASS, 2.0, 50)


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(60.0, Verdict.PASS), (60.001, Verdict.FAIL)], ids=["just in time", "just too late"]
)
def test_the_rollback_has_to_be_in_time(make_material: Any, seconds: float, verdict: Verdict) -> None:
    assert judged(make_material, drill=replace(DRILL, seconds_to_restore=seconds)).verdict is verdict


@pytest.mark.parametrize(
    ("hand_off", "reason"),
    [
        (replace(ACCEPTED, version="offers-0"), "hand-off-of-another-version"),
        (replace(ACCEPTED, accepted_at=AT + timedelta(days=365)), "accepted-in-the-future"),
        (replace(ACCEPTED, operator=""), "no-operator"),
        (replace(ACCEPTED, service_owner="  "), "no-service-owner"),
        (replace(ACCEPTED, run_book="\n"), "no-run-book"),
    ],
    ids=["another version", "future", "no operator", "blank owner", "blank run book"],
)
def test_a_hand_off_with_a_gap_fails(make_material: Any, hand_off: HandOff, reason: str) -> None:
    finding = judged(make_material, hand_off)
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)
    assert finding.defect is DefectKind.OPERATIONS_GAP


def test_one_failed_request_during_the_drill_fails(make_material: Any) -> None:
    assert judged(make_material, drill=replace(DRILL, failed=1)).reasons == ("drill-requests-failed",)


@pytest.mark.parametrize(
    ("drill", "reason"),
    [
        (None, "no-drill"),
        (replace(DRILL, ran=False), "drill-did-not-run"),
        (replace(DRILL, requests=9), "drill-too-few-requests"),
        (replace(DRILL, seconds_to_restore=float("nan")), "drill-not-timed"),
    ],
    ids=["none", "did not run", "hardly any traffic", "not timed"],
)
def test_a_rollback_nobody_saw_is_inconclusive(make_material: Any, drill: Any, reason: str) -> None:
    finding = judged(make_material, drill=drill)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == (reason,)


def test_an_operator_who_developed_the_version_is_a_warning(make_material: Any) -> None:
    for name in ("dora", " Dora"):
        finding = judged(make_material, replace(ACCEPTED, operator=name))
        assert (finding.verdict, finding.reasons) == (Verdict.WARN, ("operator-is-developer",))


def test_no_hand_off_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A2, "hand-off"), make_material(drill=DRILL))
    assert finding.reasons == ("missing:hand_off",)
