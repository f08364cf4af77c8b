"""Two at once: the second is refused, and nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from small_playbooks import CHEAP, WAIVED
from small_world import V1, World, at

from roadworthy.domain import faults
from roadworthy.domain.errors import ConflictError, IllegalTransitionError, StorageUnavailableError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Evidence, EvidenceKind, SignOff
from roadworthy.domain.verdict import Verdict
from roadworthy.services.gates.run import WORK, carry_out, resume_gates, start_gate
from roadworthy.services.watch.verify import verify_changes


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run several things at the same instant; their results, or what they raised."""
    barrier = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int) -> None:
        barrier.wait(10)
        try:
            results[place] = works[place]()
        except Exception as error:  # noqa: BLE001 - what it raised is the result
            results[place] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def gate_evidence(world: World) -> list[Evidence]:
    return [e for e in world.all(Evidence) if e.kind is EvidenceKind.GATE_RUN]


def test_a_second_run_of_a_gate_that_runs_is_refused() -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION))
    before = world.changes()
    with pytest.raises(IllegalTransitionError, match="offers:1 is validating"):
        world.validate(V1)
    assert (world.all(GateRun), world.changes()) == ([run], before)


def test_of_two_that_start_together_one_is_refused_and_the_gate_runs_once() -> None:
    world = at("registered")
    order = world.order(V1, Gate.VALIDATION)
    actor = world.who("dan")
    found = together(*[lambda: start_gate(world.house, actor, order)] * 4)
    assert sum(isinstance(f, GateRun) for f in found) == 1
    assert all(isinstance(f, GateRun | ConflictError) for f in found)
    assert world.actions().count("validation-started") == 1


def test_two_validators_who_sign_together_leave_one_signature() -> None:
    world = at("validated")
    found = together(lambda: world.sign(V1, "vera"), lambda: world.sign(V1, "victor"))
    assert sorted(type(f).__name__ for f in found) == ["IllegalTransitionError", "SignOff"]
    assert len(world.all(SignOff)) == 1
    assert world.actions().count("signed-off") == 1


def test_two_that_register_together_get_two_numbers() -> None:
    world = at("prepared")
    found = together(world.register, world.register)
    assert sorted(v.id for v in found) == ["offers:1", "offers:2"]


def test_the_same_run_carried_out_twice_has_one_conclusion() -> None:
    world = at("registered")
    run = world.validate(V1, CHEAP)

    class Again:
        def step(self, name: str, work: Callable[[], Any]) -> Any:
            return work()

    before = world.changes()
    carry_out(world.house, Again(), {"run": run.id})
    assert (world.all(GateRun), world.changes(), len(gate_evidence(world))) == ([run], before, 1)


def test_a_run_that_was_started_and_never_carried_out_is_taken_up_at_the_next_start() -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION))
    again = world.fork()
    resume_gates(again.house)
    resume_gates(again.house)
    assert again.all(GateRun)[0].id == run.id
    assert again.version(V1).state is State.AWAITING_SIGN_OFF
    assert again.actions().count("validation-concluded") == 1


class DiskFullError(BaseException):
    """Stands for the end of the process."""


def test_an_engine_that_goes_on_after_a_crash_repeats_no_recorded_check() -> None:
    world = at("registered")
    reached: list[int] = []

    def crash() -> None:
        reached.append(1)
        if len(reached) == 2:
            raise DiskFullError

    faults.arm("gate.check-done", crash)
    with pytest.raises(DiskFullError):
        world.validate(V1, CHEAP)
    assert [f.check for f in world.all(GateRun)[0].findings] == ["kpi-contract", "*", "*", "*", "*"]
    world.house.engine.launch()
    run = world.all(GateRun)[0]
    assert len(reached) == 4
    assert len({(f.step, f.check) for f in run.findings}) == len(run.findings) == 9
    assert (run.verdict, len(gate_evidence(world))) == (Verdict.WARN, 1)
    assert verify_changes(world.house) == len(world.changes())


@pytest.mark.parametrize("nth", [0, 3, 8], ids=["first step", "a waived step", "last step"])
def test_a_store_that_fails_in_the_middle_breaks_the_gate_off_and_the_version_falls_back(nth: int) -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    commits: list[int] = []

    def refuse() -> None:
        # What is committed, and the finding that is about to be.
        found = world.house.store._contents.rows[GateRun][run.id].body.count('"check":') + 1
        if found > nth and not commits:
            commits.append(found)
            raise StorageUnavailableError("the disk is full", remedy="Free some space.")

    faults.arm("store.before-commit", refuse)
    world.house.engine.run(WORK, run.id, {"run": run.id})
    done = world.all(GateRun)[0]
    assert commits
    assert len({(f.step, f.check) for f in done.findings}) == len(done.findings) == 9
    assert world.version(V1).state in (State.REGISTERED, State.AWAITING_SIGN_OFF)
    assert (done.verdict is Verdict.ERROR) == any("storage-unavailable" in f.reasons for f in done.findings)
    assert done.verdict is not None


def test_after_a_gate_broke_off_it_can_be_run_again() -> None:
    world = at("registered")
    fail = [True]

    def refuse() -> None:
        if fail and world.actions_now()[-1] == "sealed-data-read":
            fail.clear()
            raise StorageUnavailableError("the disk is full", remedy="Free some space.")

    faults.arm("gate.check-done", refuse)
    assert world.validate(V1, CHEAP).verdict is Verdict.ERROR
    faults.disarm_all()
    assert world.validate(V1, WAIVED).verdict is Verdict.WARN
