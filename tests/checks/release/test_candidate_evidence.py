from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadworthy.checks.release.candidate_evidence import CandidateEvidence, CandidateEvidenceParams
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import SignOff
from roadworthy.domain.verdict import Verdict

AT = datetime(2026, 2, 1, tzinfo=UTC)
RUN = GateRun(
    "g-1",
    "offers-1",
    Gate.VALIDATION,
    "medium",
    "vera",
    1,
    AT,
    verdict=Verdict.PASS,
    finished_at=AT,
    evidence="e-1",
)
SIGNED = SignOff("s-1", "offers-1", "g-1", "e-1", "vera", True, "read it all", AT + timedelta(hours=1))
LATER = AT + timedelta(days=1)


def judged(make_material: Any, runs: Any = (RUN,), signed: Any = (SIGNED,), **overrides: Any) -> Any:
    material = make_material(earlier_runs=runs, sign_offs=signed, **overrides)
    return CandidateEvidence().evaluate(material, CandidateEvidenceParams())


def test_a_passed_run_with_an_outsiders_approval_passes(make_material: Any) -> None:
    finding = judged(make_material)
    assert finding.verdict is Verdict.PASS
    assert finding.details["signed_by"] == ["vera"]


def test_a_warning_lets_through_as_the_gate_does(make_material: Any) -> None:
    assert judged(make_material, (replace(RUN, verdict=Verdict.WARN),)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ((), "no-validation-of-this-version"),
        ((replace(RUN, version="offers-2"),), "no-validation-of-this-version"),
        ((replace(RUN, gate=Gate.RELEASE),), "no-validation-of-this-version"),
        ((replace(RUN, verdict=None),), "no-validation-of-this-version"),
        ((replace(RUN, verdict=Verdict.INCONCLUSIVE),), "validation-did-not-pass"),
        ((replace(RUN, evidence=""),), "validation-without-evidence"),
        ((replace(RUN, inputs={"artifact": "other"}),), "validated-another-artifact"),
    ],
    ids=["none", "another version", "another gate", "still running", "inconclusive", "unsigned", "other bytes"],
)
def test_without_the_right_run_it_fails(make_material: Any, runs: Any, reason: str) -> None:
    finding = judged(make_material, runs)
    assert finding.verdict is Verdict.FAIL
    assert finding.defect is DefectKind.OPERATIONS_GAP
    assert reason in finding.reasons


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        ((), "no-sign-off-of-this-evidence"),
        ((replace(SIGNED, evidence="e-0"),), "no-sign-off-of-this-evidence"),
        ((replace(SIGNED, version="offers-2"),), "no-sign-off-of-this-evidence"),
        ((replace(SIGNED, approved=False),), "rejected"),
        ((SIGNED, replace(SIGNED, id="s-2", approved=False, created_at=LATER)), "rejected"),
        ((SIGNED, replace(SIGNED, id="s-2", person="victor", approved=False)), "rejected"),
        ((replace(SIGNED, person="dora"),), "signed-by-a-developer"),
        ((replace(SIGNED, person="Dora "),), "signed-by-a-developer"),
        ((replace(SIGNED, person="paul"),), "signed-by-no-validator"),
    ],
    ids=[
        "none",
        "old evidence",
        "another version",
        "no",
        "yes then no",
        "second no",
        "a developer",
        "the same, spelt another way",
        "a passer-by",
    ],
)
def test_without_the_right_signature_it_fails(make_material: Any, signed: Any, reason: str) -> None:
    finding = judged(make_material, signed=signed)
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)


def test_a_later_failed_validation_voids_an_earlier_approval(make_material: Any) -> None:
    later = replace(RUN, id="g-2", verdict=Verdict.FAIL, finished_at=LATER, evidence="e-2")
    finding = judged(make_material, (later, RUN))
    assert set(finding.reasons) == {"validation-did-not-pass", "no-sign-off-of-this-evidence"}


def test_a_person_may_change_a_no_into_a_yes(make_material: Any) -> None:
    no = replace(SIGNED, id="s-0", approved=False, created_at=AT)
    assert judged(make_material, signed=(SIGNED, no)).verdict is Verdict.PASS
