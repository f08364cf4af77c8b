"""Gates, steps and waivers: what was not waived decides, and nothing measured is nothing proved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.domain.gate import (
    Finding,
    Gate,
    PlannedCheck,
    Playbook,
    Step,
    Waiver,
    gate_verdict,
    steps_of,
    tally,
)
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict

PASSING = [Verdict.PASS, Verdict.WARN]
BLOCKING = [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR]


def finding(verdict: Verdict, waived: str = "") -> Finding:
    return Finding(Step.V2, "overfit", 1, verdict, "said", waived=waived)


FINDINGS = st.lists(st.builds(finding, st.sampled_from(Verdict), st.sampled_from(["", "accepted by ada"]))).map(
    tuple
)
PLAYBOOK = Playbook(
    "high",
    RiskTier.HIGH,
    (PlannedCheck(Step.V2, "overfit"), PlannedCheck(Step.V5, "parity"), PlannedCheck(Step.V2, "leakage")),
    (Waiver(Step.V2, "overfit", "small data"), Waiver(Step.V7, "*", "no feature store")),
    "d" * 64,
)


def test_the_gates_have_nine_seven_and_seven_steps_in_order() -> None:
    assert [s.name for s in steps_of(Gate.VALIDATION)] == [f"V{n}" for n in range(1, 10)]
    assert [s.name for s in steps_of(Gate.RELEASE)] == [f"R{n}" for n in range(1, 8)]
    assert [s.name for s in steps_of(Gate.ACTIVATION)] == [f"A{n}" for n in range(1, 8)]


def test_every_step_belongs_to_exactly_one_gate_and_has_a_title_of_its_own() -> None:
    assert [step for gate in Gate for step in steps_of(gate)] == list(Step)
    assert len({step.value for step in Step}) == len(Step) == 23


@pytest.mark.parametrize("verdict", PASSING, ids=lambda v: v.value)
def test_what_lets_through_never_blocks(verdict: Verdict) -> None:
    assert not finding(verdict).blocks
    assert gate_verdict((finding(verdict),)) is verdict


@pytest.mark.parametrize("verdict", BLOCKING, ids=lambda v: v.value)
def test_what_does_not_let_through_blocks_and_is_the_gates_verdict(verdict: Verdict) -> None:
    assert finding(verdict).blocks
    assert gate_verdict((finding(Verdict.PASS), finding(verdict))) is verdict


@pytest.mark.parametrize("verdict", BLOCKING, ids=lambda v: v.value)
def test_a_waiver_opens_the_gate_with_a_warning_and_keeps_the_verdict_on_record(verdict: Verdict) -> None:
    waived = finding(verdict, waived="accepted by ada")
    assert not waived.blocks
    assert waived.verdict is verdict
    assert gate_verdict((finding(Verdict.PASS), waived)) is Verdict.WARN


def test_a_waiver_of_a_pass_changes_nothing() -> None:
    assert gate_verdict((finding(Verdict.PASS, waived="needless"),)) is Verdict.PASS


def test_a_waiver_covers_only_its_own_finding() -> None:
    assert gate_verdict((finding(Verdict.FAIL, waived="yes"), finding(Verdict.FAIL))) is Verdict.FAIL


def test_a_gate_that_measured_nothing_is_inconclusive() -> None:
    assert gate_verdict(()) is Verdict.INCONCLUSIVE


@given(FINDINGS)
def test_a_gate_opens_only_when_something_was_measured_and_nothing_blocks(findings: tuple[Finding, ...]) -> None:
    expected = bool(findings) and not any(f.blocks for f in findings)
    assert gate_verdict(findings).lets_through == expected


@given(FINDINGS)
def test_taking_a_waiver_away_never_makes_the_verdict_better(findings: tuple[Finding, ...]) -> None:
    without = tuple(replace(f, waived="") for f in findings)
    assert gate_verdict(without).severity >= gate_verdict(findings).severity


@given(FINDINGS)
def test_the_tally_counts_every_finding_once_worst_last(findings: tuple[Finding, ...]) -> None:
    counted = tally(findings)
    assert sum(counted.values()) == len(findings)
    assert list(counted) == [v.value for v in Verdict if any(f.verdict is v for f in findings)]


def test_a_playbook_gives_a_steps_checks_in_the_order_of_the_file() -> None:
    assert [c.check for c in PLAYBOOK.checks_of(Step.V2)] == ["overfit", "leakage"]
    assert PLAYBOOK.checks_of(Step.V9) == ()


WAIVERS = {
    "step and check named": (Step.V2, "overfit", "small data"),
    "the step without a check": (Step.V7, "*", "no feature store"),
    "another check of that step": (Step.V2, "leakage", None),
    "that check in another step": (Step.V5, "overfit", None),
    "a star does not cover a named check": (Step.V7, "versions", None),
}


@pytest.mark.parametrize(("step", "check", "reason"), WAIVERS.values(), ids=WAIVERS)
def test_a_waiver_is_for_exactly_the_step_and_check_it_names(step: Step, check: str, reason: str | None) -> None:
    found = PLAYBOOK.waiver_for(step, check)
    assert (found.reason if found else None) == reason
