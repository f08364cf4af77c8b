"""Why a version is blocked: one answer for every state, naming what removes the obstacle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from simulated_offers import artifact
from small_playbooks import CHEAP, playbook
from small_world import V1, World, at

from roadworthy.cli.table import COMMANDS
from roadworthy.domain.gate import CheckTimes, Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Evidence, SignOff
from roadworthy.services.gates.interventions import cancel_gate
from roadworthy.services.gates.run import start_gate
from roadworthy.services.gates.why import ObstacleKind, Standing, explain, standing, why


def now(world: World) -> Standing:
    with world.house.store.read() as tx:
        return standing(tx, tx.of(ModelVersion).get(V1), world.clock.now())


def kinds(found: Standing) -> list[ObstacleKind]:
    return [o.kind for o in explain(found).obstacles]


@pytest.mark.parametrize(
    ("stage", "next_step"),
    [
        ("registered", "roadworthy validate offers:1"),
        ("signed", "roadworthy release offers:1"),
        ("handed-off", "roadworthy activate offers:1"),
        ("activated", "roadworthy deploy offers:1 --endpoint NAME"),
    ],
)
def test_where_nothing_blocks_the_next_step_is_named(stage: str, next_step: str) -> None:
    found = why(at(stage).house, V1)
    assert (found.blocked, found.next_step) == (False, next_step)


def test_a_candidate_nobody_has_accepted_waits_for_an_operator() -> None:
    found = why(at("candidate").house, V1)
    assert [o.kind for o in found.obstacles] == [ObstacleKind.NO_HAND_OFF]
    assert "roadworthy accept offers:1" in found.obstacles[0].remedy


MISSING: dict[str, tuple[str, dict[str, bool], ObstacleKind]] = {
    "contract": ("registered", {"has_contract": False}, ObstacleKind.NO_CONTRACT),
    "sealed data": ("registered", {"has_sealed": False}, ObstacleKind.NO_SEALED_DATA),
    "production sample": ("signed", {"has_sample": False}, ObstacleKind.NO_PRODUCTION_SAMPLE),
    "endpoint": ("signed", {"has_endpoint": False}, ObstacleKind.NO_ENDPOINT),
}


@pytest.mark.parametrize(("stage", "lacks", "kind"), MISSING.values(), ids=MISSING)
def test_what_a_gate_needs_and_is_not_there_is_named(
    stage: str, lacks: dict[str, bool], kind: ObstacleKind
) -> None:
    assert kinds(replace(now(at(stage)), **lacks)) == [kind]  # type: ignore[arg-type]


def test_validation_asks_for_no_production_sample_and_no_endpoint() -> None:
    assert kinds(replace(now(at("registered")), has_sample=False, has_endpoint=False)) == []


def test_every_finding_that_keeps_a_gate_shut_is_named_with_its_remedy() -> None:
    world = at("registered")
    run = world.validate(V1, playbook("V6:data-quality", waive=["V1", "V2", "V3", "V4", "V5", "V7"]))
    found = why(world.house, V1).obstacles
    assert [(o.kind, o.subject) for o in found] == [(ObstacleKind.FINDING, "V8:*"), (ObstacleKind.FINDING, "V9:*")]
    assert all("waive the step" in o.remedy and f"roadworthy retry {run.id}" in o.remedy for o in found)


def test_a_cancelled_gate_says_who_and_why() -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    cancel_gate(world.house, world.who("dan"), run.id, "wrong data")
    (obstacle,) = why(world.house, V1).obstacles
    assert (obstacle.kind, obstacle.subject) == (ObstacleKind.CANCELLED, run.id)
    assert "dan cancelled" in obstacle.what
    assert "wrong data" in obstacle.what


def test_a_running_gate_says_which_checks_are_left_and_which_run_now() -> None:
    world = at("registered")
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    with world.house.store.begin() as tx:
        times = {"V1:kpi-contract": CheckTimes(world.clock.now())}
        tx.of(GateRun).replace(run, replace(run, times=times))
    (obstacle,) = why(world.house, V1).obstacles
    assert obstacle.kind is ObstacleKind.GATE_RUNNING
    assert "0 of 9 checks done, running now: V1:kpi-contract, waiting: V2:*" in obstacle.what
    assert f"roadworthy retry {run.id}" in obstacle.remedy


def test_missing_signatures_are_counted_against_how_many_are_needed() -> None:
    found = now(at("validated"))
    (one,) = explain(found).obstacles
    assert (one.kind, one.what) == (ObstacleKind.NO_SIGN_OFF, "0 of 1 signatures.")
    assert "vera, victor" in one.remedy
    assert "0 of 2 signatures" in explain(replace(found, signatures_needed=2)).obstacles[0].what


def test_too_few_independent_validators_is_an_obstacle_of_its_own() -> None:
    found = replace(now(at("validated")), validators=("vera",), signatures_needed=2)
    assert kinds(found) == [ObstacleKind.NO_SIGN_OFF, ObstacleKind.NO_VALIDATOR]


@pytest.mark.parametrize("stage", ["signed", "candidate", "activated"])
def test_an_approval_that_has_ended_stands_in_the_way_and_says_since_when(stage: str) -> None:
    world = at(stage)
    assert ObstacleKind.APPROVAL_ENDED not in kinds(now(world))
    world.clock.advance(timedelta(days=731))
    found = explain(now(world)).obstacles
    assert found[0].kind is ObstacleKind.APPROVAL_ENDED
    assert "roadworthy renew offers:1" in found[0].remedy


def test_an_approval_whose_evidence_is_gone_is_never_taken_for_one_that_holds() -> None:
    world = at("signed")
    evidence = world.all(SignOff)[0].statement
    del world.house.store._contents.rows[Evidence][evidence]
    (obstacle,) = why(world.house, V1).obstacles
    assert obstacle.kind is ObstacleKind.APPROVAL_UNPROVEN
    assert evidence in obstacle.what


def test_what_was_sent_back_names_its_work_items() -> None:
    world = at("prepared")
    world.register(artifact("upside_down"))
    world.validate(V1, playbook("V2:beats-baseline"))
    found = why(world.house, V1).obstacles
    assert [(o.kind, o.subject) for o in found] == [(ObstacleKind.WORK_ITEM, world.work()[0].id)]


@pytest.mark.parametrize("state", State, ids=lambda s: s.value)
def test_every_state_has_an_answer(state: State) -> None:
    world = at("validated")
    found = now(world)
    answer = explain(replace(found, version=replace(found.version, state=state)))
    assert answer.blocked or answer.next_step


@pytest.mark.parametrize("stage", ["registered", "validated", "signed", "candidate", "handed-off", "activated"])
def test_every_command_an_answer_names_exists(stage: str) -> None:
    found = why(at(stage).house, V1)
    words = " ".join([found.next_step, *(o.remedy for o in found.obstacles)])
    assert set(re.findall(r"roadworthy ([a-z-]+)", words)) <= set(COMMANDS)


def test_the_answer_is_a_function_of_what_it_is_given() -> None:
    found = now(at("validated"))
    same: Callable[[], object] = lambda: explain(found)  # noqa: E731 - twice the same
    assert same() == same()
