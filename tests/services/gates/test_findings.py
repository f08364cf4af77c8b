"""What a gate's findings lead to: on, back to a development step, or to where the version stood."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from simulated_offers import artifact, table
from small_playbooks import CHEAP, WAIVED, playbook
from small_world import V1, World, at

from roadworthy.domain import faults
from roadworthy.domain.errors import IllegalTransitionError
from roadworthy.domain.gate import Gate, GateRun, steps_of
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItemState
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.envelope import open_envelope
from roadworthy.services.gates.run import WORK, gate_run, start_gate
from roadworthy.services.watch.verify import trust_root, verify_changes

BEFORE = {Gate.VALIDATION: "registered", Gate.RELEASE: "signed", Gate.ACTIVATION: "handed-off"}
STOOD = {
    Gate.VALIDATION: State.REGISTERED,
    Gate.RELEASE: State.VALIDATED,
    Gate.ACTIVATION: State.CANDIDATE,
}
REACHED = {
    Gate.VALIDATION: State.AWAITING_SIGN_OFF,
    Gate.RELEASE: State.CANDIDATE,
    Gate.ACTIVATION: State.ACTIVATED,
}
EMPTY = playbook(waive=())
every_gate = pytest.mark.parametrize("gate", Gate, ids=lambda g: g.value)


def signed_predicate(world: World, run: GateRun) -> dict[str, Any]:
    """What the run's envelope says, read with nothing but base64 and JSON, its signature checked."""
    evidence = next(e for e in world.all(Evidence) if e.id == run.evidence)
    open_envelope(evidence.envelope, trust_root(world.house), now=None)
    statement = json.loads(base64.b64decode(json.loads(evidence.envelope)["payload"]))
    assert evidence.kind is EvidenceKind.GATE_RUN
    predicate: dict[str, Any] = statement["predicate"]
    return predicate


@every_gate
def test_a_step_without_a_check_is_inconclusive_and_keeps_the_gate_shut(gate: Gate) -> None:
    world = at(BEFORE[gate])
    run = world.gate(V1, gate, EMPTY)
    assert [f.step for f in run.findings] == list(steps_of(gate))
    assert {(f.verdict, f.message, f.check) for f in run.findings} == {
        (Verdict.INCONCLUSIVE, "No check configured.", "*")
    }
    assert (run.verdict, world.version(V1).state) == (Verdict.INCONCLUSIVE, STOOD[gate])
    assert world.work() == []


@every_gate
def test_a_step_waived_by_name_lets_through_with_a_warning_and_its_reason_is_signed(gate: Gate) -> None:
    world = at(BEFORE[gate])
    run = world.gate(V1, gate, WAIVED)
    assert (run.verdict, world.version(V1).state) == (Verdict.WARN, REACHED[gate])
    said = signed_predicate(world, run)
    names = [s.name for s in steps_of(gate)]
    assert [f["waived"] for f in said["findings"]] == [f"not asked of this small world ({n})" for n in names]
    assert {f["verdict"] for f in said["findings"]} == {"inconclusive"}
    assert len(said["waivers"]) == 23


def test_one_step_left_without_check_and_waiver_is_enough_to_block() -> None:
    world = at("registered")
    waive = [f"V{i}" for i in range(1, 9)]
    run = world.validate(V1, playbook(waive=waive))
    assert [f.step.name for f in run.findings if f.blocks] == ["V9"]
    assert world.version(V1).state is State.REGISTERED


def test_a_waiver_covers_the_step_it_names_and_no_other() -> None:
    world = at("registered")
    run = world.validate(V1, playbook(waive=["R1", "A1"]))
    assert all(f.blocks for f in run.findings)


def test_passing_checks_lead_on_and_everything_is_signed_by_the_platform() -> None:
    world = at("registered")
    run = world.validate(V1, CHEAP)
    said = signed_predicate(world, run)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    assert {f["check"]: f["verdict"] for f in said["findings"] if f["check"] != "*"} == {
        "kpi-contract": "pass",
        "data-quality": "pass",
        "independent-validator": "pass",
    }
    assert said["findings"] == json.loads(msgspec.json.encode(run.findings))
    assert (said["actor"], said["version"], said["verdict"]) == ("dan", V1, run.verdict and run.verdict.value)
    assert set(said["tools"]) >= {"roadworthy", "numpy", "scikit-learn"}


FAILURES = {
    "weak": ("V2:beats-baseline", DefectKind.WEAK_MODEL, DevelopmentStep.MODELLING),
    "earns nothing": ("V1:kpi-contract", DefectKind.KPI_NOT_MET, DevelopmentStep.BUSINESS_UNDERSTANDING),
}


@pytest.mark.parametrize(("check", "defect", "step"), FAILURES.values(), ids=FAILURES)
def test_a_failing_check_sends_the_version_back_to_the_step_that_can_mend_it(
    check: str, defect: DefectKind, step: DevelopmentStep
) -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    run = world.validate(version.id, playbook(check))
    (item,) = world.work()
    assert (run.verdict, world.version(version.id).state) == (Verdict.FAIL, State.RETURNED)
    assert (item.defect, item.step, item.state, item.re_entry) == (defect, step, WorkItemState.OPEN, "validation")
    assert item.source == check.replace(":", " ")
    assert item.summary == next(f.message for f in run.findings if f.check == check.partition(":")[2])


def test_a_failing_check_that_is_waived_by_name_opens_no_work() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    waiver = b'\n  - {step: V2, check: beats-baseline, reason: "replaces a rule that nobody understands"}'
    run = world.validate(version.id, playbook("V2:beats-baseline") + waiver)
    assert (run.verdict, world.version(version.id).state) == (Verdict.WARN, State.AWAITING_SIGN_OFF)
    finding = next(f for f in signed_predicate(world, run)["findings"] if f["check"] == "beats-baseline")
    assert (finding["verdict"], finding["waived"]) == ("fail", "replaces a rule that nobody understands")
    assert world.work() == []


def test_a_returned_version_does_not_come_back_by_itself() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    world.validate(version.id, playbook("V2:beats-baseline"))
    with pytest.raises(IllegalTransitionError, match="offers:1 is returned: 'start-validation' is not possible"):
        world.validate(version.id)


def test_the_next_version_that_passes_closes_the_work_of_its_parent() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    world.validate(version.id, playbook("V2:beats-baseline"))
    better = world.register(parents=(version.id,))
    run = world.validate(better.id, playbook("V2:beats-baseline"))
    (item,) = world.work()
    assert (item.state, item.closed_by) == (WorkItemState.CLOSED, run.id)
    assert "work-item-closed" in world.actions()


def test_an_unrelated_version_that_passes_closes_nothing() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    world.validate(version.id, playbook("V2:beats-baseline"))
    world.validate(world.register().id, playbook("V2:beats-baseline"))
    assert world.work()[0].state is WorkItemState.OPEN


def test_the_same_defect_found_by_two_checks_is_one_work_item() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    run = world.validate(version.id, playbook("V2:beats-baseline", "V2:slices"))
    failed = [f.check for f in run.findings if f.verdict is Verdict.FAIL]
    assert len({i.defect for i in world.work()}) == len(world.work()) <= len(failed)


def test_a_failure_outweighs_what_could_not_be_checked() -> None:
    world = at("prepared")
    version = world.register(artifact("upside_down"))
    world.validate(version.id, playbook("V2:beats-baseline", waive=()))
    assert world.version(version.id).state is State.RETURNED


def test_findings_are_there_as_they_come() -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    seen: list[int] = []
    faults.arm("gate.check-done", lambda: seen.append(len(gate_run(world.house, run.id).findings)))
    world.house.engine.run(WORK, run.id, {"run": run.id})
    assert seen == [0, 5, 8]
    assert len(gate_run(world.house, run.id).findings) == 9


def test_a_gate_that_blocked_may_be_run_again_and_has_its_own_number_and_seed() -> None:
    world = at("registered")
    first, second = world.validate(V1, EMPTY), world.validate(V1, WAIVED)
    assert (first.id, second.id) == ("validation-offers:1-1", "validation-offers:1-2")
    assert first.seed != second.seed
    assert verify_changes(world.house) == len(world.changes())


def test_a_model_that_raises_on_sealed_rows_gives_an_error_finding_and_the_version_falls_back() -> None:
    world = World.in_memory().prepare()
    version = world.register(artifact("strict"))
    world.data("sealed", table(700, 2, shift=3.0))
    run = world.validate(version.id, CHEAP)
    found = {f.check: f for f in run.findings if f.check != "*"}
    assert (found["kpi-contract"].verdict, found["kpi-contract"].reasons) == (Verdict.ERROR, ("model-raised",))
    assert {found[name].verdict for name in ("data-quality", "independent-validator")} == {Verdict.PASS}
    assert (run.verdict, world.version(version.id).state) == (Verdict.ERROR, State.REGISTERED)
    assert world.work() == []
