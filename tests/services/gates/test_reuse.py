"""A finding is measured once per set of inputs: a later run takes it over, unless anything it rests on changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulated_offers import artifact, table
from small_playbooks import playbook
from small_world import V1, World, at

from roadworthy.checks.registry import check_named
from roadworthy.domain.gate import Finding, Gate, GateRun, PlannedCheck, Step
from roadworthy.domain.lifecycle import State
from roadworthy.domain.verdict import Verdict
from roadworthy.services.gates.judging.reuse import reusable, sources
from roadworthy.services.gates.run import GateOrder, run_gate

OPEN = ("V1:kpi-contract", "V2:beats-baseline", "V2:leakage", "V6:data-quality", "V9:independent-validator")
BLOCKED = playbook(*OPEN, waive=["V3"])
"""Real checks that pass, and steps left open: the gate stays shut."""
THROUGH = playbook(*OPEN)


def taken_over(run: GateRun) -> dict[str, str]:
    return {f.check: f.reused_from for f in run.findings if f.reused_from}


def measured(run: GateRun) -> dict[str, Finding]:
    return {f.check: replace(f, reused_from="", waived="") for f in run.findings if f.check != "*"}


def test_a_run_after_a_blocked_one_takes_over_what_still_holds_and_names_the_run_that_measured_it() -> None:
    world = at("registered")
    first = world.validate(V1, BLOCKED)
    second = world.validate(V1, THROUGH)
    assert (first.verdict, world.version(V1).state) == (Verdict.INCONCLUSIVE, State.AWAITING_SIGN_OFF)
    # The contract's check looks at the time and at earlier runs: it is always measured anew.
    assert taken_over(second).keys() == {"beats-baseline", "leakage", "data-quality", "independent-validator"}
    assert set(taken_over(second).values()) == {first.id}
    for name in taken_over(second):
        assert measured(second)[name] == measured(first)[name]


def test_what_is_taken_over_again_still_names_the_run_that_measured_it() -> None:
    world = at("registered")
    first = world.validate(V1, BLOCKED)
    world.validate(V1, BLOCKED)
    third = world.validate(V1, BLOCKED)
    assert set(taken_over(third).values()) == {first.id}


def test_a_fresh_run_measures_everything_anew() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    order = GateOrder(V1, Gate.VALIDATION, BLOCKED, fresh=True)
    assert taken_over(run_gate(world.house, world.who("dan"), order)) == {}


def test_who_runs_a_passed_gate_again_gets_it_measured_again() -> None:
    world = at("registered")
    world.validate(V1, THROUGH)
    assert taken_over(world.validate(V1, THROUGH)) == {}


def test_a_changed_parameter_has_only_its_own_check_measured_again() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    run = world.validate(V1, playbook(*OPEN, waive=["V3"], beats_baseline={"min_rows": 60}))
    assert "beats-baseline" not in taken_over(run)
    assert "data-quality" in taken_over(run)


def test_a_default_spelled_out_is_no_change() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    default: Any = check_named("beats-baseline").params()
    spelled = playbook(*OPEN, waive=["V3"], beats_baseline={"min_rows": default.min_rows})
    assert "beats-baseline" in taken_over(world.validate(V1, spelled))


def test_new_sealed_data_has_everything_measured_again_that_looked_at_it() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    world.data("sealed", table(700, 9))
    assert not {"data-quality", "beats-baseline"} & taken_over(world.validate(V1, BLOCKED)).keys()


def test_a_new_contract_has_its_check_measured_again() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    world.agree(target=0.1)
    run = world.validate(V1, BLOCKED)
    assert "kpi-contract" not in taken_over(run)
    assert "beats-baseline" in taken_over(run)


def test_a_raised_check_version_has_it_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    monkeypatch.setattr(check_named("beats-baseline"), "version", 99)
    assert "beats-baseline" not in taken_over(world.validate(V1, BLOCKED))


def test_another_installation_seed_has_what_draws_measured_again() -> None:
    world = at("registered")
    world.validate(V1, BLOCKED)
    other = World(replace(world.house, seed=500), world.clock)
    other.open()
    again = taken_over(other.validate(V1, BLOCKED))
    drew = {f.check for f in world.all(GateRun)[0].findings if "seed" in f.looked_at}
    assert drew
    assert not drew & again.keys()


def test_what_could_not_be_measured_is_tried_again() -> None:
    world = World.in_memory().prepare()
    version = world.register(artifact("strict"))
    world.data("sealed", table(700, 2, shift=3.0))
    first = world.validate(version.id, playbook("V1:kpi-contract"))
    assert measured(first)["kpi-contract"].verdict is Verdict.ERROR
    assert taken_over(world.validate(version.id, playbook("V1:kpi-contract"))) == {}


def test_a_failure_is_taken_over_too_so_that_nobody_draws_again_until_it_passes() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    failed = world.validate(V1, playbook("V2:beats-baseline", waive=()))
    world.force_state(V1, State.REGISTERED)
    again = world.validate(V1, playbook("V2:beats-baseline", waive=()))
    assert taken_over(again) == {"beats-baseline": failed.id}
    assert measured(again)["beats-baseline"].verdict is Verdict.FAIL


def test_a_waiver_taken_back_does_not_live_on_in_what_is_taken_over() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    waiver = b'\n  - {step: V2, check: beats-baseline, reason: "once"}'
    world.validate(V1, playbook("V2:beats-baseline", waive=["V1"]) + waiver)
    run = world.validate(V1, playbook("V2:beats-baseline", waive=["V1"]))
    finding = next(f for f in run.findings if f.check == "beats-baseline")
    assert (finding.verdict, finding.waived, bool(finding.reused_from)) == (Verdict.FAIL, "", True)


def test_a_successor_takes_over_only_what_does_not_look_at_the_model() -> None:
    world = at("registered")
    parent = world.validate(V1, BLOCKED)
    successor = world.register(parents=(V1,))
    run = world.validate(successor.id, BLOCKED)
    looked = {f.check: set(f.looked_at) for f in parent.findings}
    for name in taken_over(run):
        assert "version" not in looked[name]


PLANNED = PlannedCheck(Step.V6, "data-quality")


def finding(**about: Any) -> Finding:
    plain = {"step": Step.V6, "check": "data-quality", "check_version": 1, "verdict": Verdict.PASS, "message": "m"}
    return Finding(**{**plain, "looked_at": ("train",), "inputs": "d1", **about})


def run_with(*findings: Finding, id_: str = "r1", verdict: Verdict | None = Verdict.INCONCLUSIVE) -> GateRun:
    start = at("registered").clock.now()
    return GateRun(id_, V1, Gate.VALIDATION, "p", "dan", 1, start, findings=findings, verdict=verdict)


@pytest.mark.parametrize("verdict", Verdict, ids=lambda v: v.value)
def test_only_what_was_measured_is_reusable(verdict: Verdict) -> None:
    found = reusable([PLANNED], [run_with(finding(verdict=verdict))], lambda *_: "d1")
    assert bool(found) == (verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL))


def test_a_finding_without_a_digest_is_never_reusable() -> None:
    assert reusable([PLANNED], [run_with(finding(inputs=""))], lambda *_: "") == {}


def test_the_newest_finding_with_equal_inputs_counts() -> None:
    runs = [
        run_with(finding(inputs="other"), id_="r3"),
        run_with(finding(), id_="r2"),
        run_with(finding(), id_="r1"),
    ]
    assert reusable([PLANNED], runs, lambda *_: "d1")["V6:data-quality"].reused_from == "r2"


def test_sources_are_the_runs_since_the_last_pass_then_those_of_the_ancestors() -> None:
    blocked, passed = run_with(id_="a"), run_with(id_="b", verdict=Verdict.WARN)
    later, inherited = run_with(id_="c"), run_with(id_="p")
    running = run_with(id_="q", verdict=None)
    assert [r.id for r in sources(Gate.VALIDATION, [blocked, passed, later], [inherited])] == ["c"]
    assert [r.id for r in sources(Gate.VALIDATION, [blocked, later], [inherited, running])] == ["c", "a", "p"]
    assert sources(Gate.RELEASE, [blocked], [inherited]) == []
