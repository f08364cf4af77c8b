"""Cancelling a gate, trying again, and what becomes of a run whose actor was revoked meanwhile."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from simulated_offers import artifact
from small_playbooks import CHEAP, WAIVED, playbook
from small_world import V1, World, at

from roadworthy.domain import faults
from roadworthy.domain.durable.work import WorkStanding
from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    NotAllowedError,
    SettingError,
    StorageUnavailableError,
)
from roadworthy.domain.gate import EndingKind, Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Evidence
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.envelope import open_envelope
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.gates.interventions import cancel_gate, retry_gate
from roadworthy.services.gates.run import WORK, resume_gates, start_gate
from roadworthy.services.watch.verify import trust_root, verify_changes

BEFORE = {Gate.VALIDATION: "registered", Gate.RELEASE: "signed", Gate.ACTIVATION: "handed-off"}
STOOD = {Gate.VALIDATION: State.REGISTERED, Gate.RELEASE: State.VALIDATED, Gate.ACTIVATION: State.CANDIDATE}
BY = {Gate.VALIDATION: "dan", Gate.RELEASE: "rita", Gate.ACTIVATION: "omar"}


def started(world: World, gate: Gate = Gate.VALIDATION, book: bytes = CHEAP) -> GateRun:
    return start_gate(world.house, world.who(BY[gate]), world.order(V1, gate, book))


def predicate(world: World, run: GateRun) -> dict[str, Any]:
    evidence = next(e for e in world.all(Evidence) if e.id == run.evidence)
    open_envelope(evidence.envelope, trust_root(world.house), now=world.clock.now())
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(evidence.envelope)["payload"]))["predicate"]
    return found


@pytest.mark.parametrize("gate", Gate, ids=lambda g: g.value)
def test_a_cancelled_gate_gives_nothing_and_is_signed_as_cancelled(gate: Gate) -> None:
    world = at(BEFORE[gate])
    run = started(world, gate)
    done = cancel_gate(world.house, world.who(BY[gate]), run.id, "wrong sample")
    assert (done.verdict, world.version(V1).state) == (Verdict.INCONCLUSIVE, STOOD[gate])
    assert predicate(world, done)["ending"] == {"kind": "cancelled", "person": BY[gate], "reason": "wrong sample"}
    assert all("cancelled" in f["reasons"] or f["check"] == "*" for f in predicate(world, done)["findings"])
    assert world.changes()[-1].action == f"{gate.value}-cancelled"
    assert (world.changes()[-1].actor, world.changes()[-1].why) == (BY[gate], "wrong sample")
    assert verify_changes(world.house) == len(world.changes())


def test_whoever_carries_a_cancelled_run_out_leaves_it_and_adds_nothing() -> None:
    world = at("registered")
    run = started(world)
    reached: list[int] = []

    def cancel() -> None:
        reached.append(1)
        if len(reached) == 1:
            cancel_gate(world.house, world.who("dan"), run.id, "enough")

    faults.arm("gate.finding-kept", cancel)
    world.house.engine.run(WORK, run.id, {"run": run.id})
    (done,) = world.all(GateRun)
    assert len(reached) == 1
    assert [f.check for f in done.findings if f.verdict is Verdict.PASS] == ["kpi-contract"]
    assert (done.ending and done.ending.kind, world.version(V1).state) == (EndingKind.CANCELLED, State.REGISTERED)
    assert world.actions().count("validation-concluded") == 0


def test_a_run_whose_checks_all_passed_is_still_no_pass_when_it_is_cancelled_before_its_conclusion() -> None:
    world = at("registered")
    run = started(world, book=WAIVED)
    faults.arm("gate.before-conclude", lambda: cancel_gate(world.house, world.who("dan"), run.id, "late"))
    world.house.engine.run(WORK, run.id, {"run": run.id})
    (done,) = world.all(GateRun)
    assert (done.verdict, world.version(V1).state) == (Verdict.INCONCLUSIVE, State.REGISTERED)


def test_nobody_escapes_a_defect_by_cancelling() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    run = started(world, book=playbook("V2:beats-baseline"))
    faults.arm("gate.before-conclude", lambda: cancel_gate(world.house, world.who("dan"), run.id, "quick"))
    world.house.engine.run(WORK, run.id, {"run": run.id})
    faults.disarm_all()
    assert world.version(V1).state is State.REGISTERED
    assert [item.source for item in world.work()] == ["V2 beats-baseline"]
    again = world.validate(V1, playbook("V2:beats-baseline"))
    assert (again.verdict, world.version(V1).state) == (Verdict.FAIL, State.RETURNED)


def test_a_concluded_run_cannot_be_cancelled() -> None:
    world = at("validated")
    run = world.all(GateRun)[0]
    with pytest.raises(ConflictError, match="has concluded"):
        cancel_gate(world.house, world.who("dan"), run.id, "too late")


def test_cancelling_needs_a_reason_and_the_right() -> None:
    world = at("registered")
    run = started(world)
    with pytest.raises(SettingError, match="reason"):
        cancel_gate(world.house, world.who("dan"), run.id, "  ")
    with pytest.raises(NotAllowedError):
        cancel_gate(world.house, world.who("ada"), run.id, "I do not like it")
    assert world.all(GateRun) == [run]


def test_a_cancelled_gate_can_be_tried_again_with_the_same_playbook_and_data() -> None:
    world = at("signed")
    run = started(world, Gate.RELEASE, WAIVED)
    cancel_gate(world.house, world.who("rita"), run.id, "not now")
    again = retry_gate(world.house, world.who("rita"), run.id)
    done = next(r for r in world.all(GateRun) if r.id == again.id)
    assert (done.playbook, done.inputs) == (run.playbook, run.inputs)
    assert (done.verdict, world.version(V1).state) == (Verdict.WARN, State.CANDIDATE)


def test_what_let_through_is_not_retried_and_neither_is_what_was_followed() -> None:
    world = at("registered")
    first = world.validate(V1, playbook(waive=()))
    second = world.validate(V1, WAIVED)
    with pytest.raises(ConflictError, match=f"was followed by {second.id}"):
        retry_gate(world.house, world.who("dan"), first.id)
    with pytest.raises(ConflictError, match="let the version through"):
        retry_gate(world.house, world.who("dan"), second.id)


def test_what_was_sent_back_is_not_retried() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    run = world.validate(V1, playbook("V2:beats-baseline"))
    with pytest.raises(IllegalTransitionError):
        retry_gate(world.house, world.who("dan"), run.id)


def test_retrying_needs_the_right_to_run_the_gate() -> None:
    world = at("registered")
    run = world.validate(V1, playbook(waive=()))
    with pytest.raises(NotAllowedError):
        retry_gate(world.house, world.who("ada"), run.id)


def stuck() -> tuple[World, GateRun]:
    """A run left open: the control store failed through a step and through its break-off."""
    world = at("registered")
    run = started(world)

    def refuse() -> None:
        raise StorageUnavailableError("the disk is full", remedy="Free some space.")

    faults.arm("store.before-commit", refuse)
    with pytest.raises(StorageUnavailableError):
        world.house.engine.run(WORK, run.id, {"run": run.id})
    faults.disarm_all()
    assert world.all(GateRun)[0].verdict is None
    return world, run


def test_a_run_left_open_by_a_store_that_failed_twice_is_retried_to_its_end() -> None:
    world, run = stuck()
    retry_gate(world.house, world.who("dan"), run.id)
    (done,) = world.all(GateRun)
    assert (done.id, done.verdict) == (run.id, Verdict.WARN)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    assert world.actions().count("validation-concluded") == 1


def test_a_run_left_open_goes_on_at_the_next_start_too() -> None:
    world, run = stuck()
    assert world.house.engine.standing(run.id) is WorkStanding.ENDED
    resume_gates(world.house)
    assert world.all(GateRun)[0].verdict is Verdict.WARN


def test_a_run_left_open_can_be_cancelled() -> None:
    world, run = stuck()
    cancel_gate(world.house, world.who("dan"), run.id, "the disk was full")
    assert world.version(V1).state is State.REGISTERED


def revoked_while_running(book: bytes, world: World) -> GateRun:
    run = started(world, book=book)
    faults.arm("gate.before-conclude", lambda: deactivate_person(world.house, world.who("admin"), "dan", "left"))
    world.house.engine.run(WORK, run.id, {"run": run.id})
    found: GateRun = world.all(GateRun)[0]
    return found


def test_a_gate_of_somebody_revoked_meanwhile_measures_on_says_so_and_does_not_advance_the_version() -> None:
    world = at("registered")
    done = revoked_while_running(CHEAP, world)
    assert len(done.findings) == 9
    assert {f.verdict for f in done.findings if f.check != "*"} == {Verdict.PASS}
    assert (done.verdict, world.version(V1).state) == (Verdict.INCONCLUSIVE, State.REGISTERED)
    assert predicate(world, done)["ending"]["kind"] == "actor-revoked"
    assert world.changes()[-1].facts["ending"] == "actor-revoked"


def test_a_defect_found_by_a_gate_of_somebody_revoked_meanwhile_still_sends_the_version_back() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    done = revoked_while_running(playbook("V2:beats-baseline"), world)
    assert (done.verdict, world.version(V1).state) == (Verdict.FAIL, State.RETURNED)


def test_somebody_else_runs_it_again_and_takes_over_what_was_measured() -> None:
    world = at("registered")
    first = revoked_while_running(CHEAP, world)
    faults.disarm_all()
    again = retry_gate(world.house, world.who("vera"), first.id)
    done = next(r for r in world.all(GateRun) if r.id == again.id)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    assert {f.reused_from for f in done.findings if f.check == "data-quality"} == {first.id}
