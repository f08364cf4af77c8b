"""The order of the road: each gate opens where the one before it has closed, with what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from simulated_offers import artifact
from small_playbooks import WAIVED
from small_world import CASE, ENDPOINT, STAGES, V1, World, at

from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    NotAllowedError,
    NotFoundError,
    RoadworthyError,
    SettingError,
)
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import EvidenceKind, HandOff
from roadworthy.services.gates.hand_off import accept_hand_off
from roadworthy.services.gates.run import GateOrder, run_gate
from roadworthy.services.watch.verify import evidence_of

OPENS: dict[Gate, set[str]] = {
    Gate.VALIDATION: {"registered", "validated", "signed", "candidate", "handed-off"},
    Gate.RELEASE: {"signed"},
    Gate.ACTIVATION: {"candidate", "handed-off"},
}


@pytest.mark.parametrize("gate", Gate, ids=lambda g: g.value)
@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_gate_opens_only_where_the_life_cycle_says(stage: str, gate: Gate) -> None:
    world = at(stage)
    before = world.changes()
    if stage in OPENS[gate]:
        assert world.gate(V1, gate).verdict is not None
    else:
        with pytest.raises(IllegalTransitionError, match="is not possible from there"):
            world.gate(V1, gate)
        assert world.changes() == before


@pytest.mark.parametrize("stage", ["registered", "validated", "signed", "activated"])
def test_only_a_candidate_is_handed_off(stage: str) -> None:
    world = at(stage)
    before = world.all(HandOff)
    with pytest.raises(ConflictError, match="Only a candidate is handed off"):
        world.accept(V1)
    assert world.all(HandOff) == before


def test_a_hand_off_is_signed_by_the_operator_who_accepts() -> None:
    world = at("handed-off")
    (accepted,) = world.all(HandOff)
    (evidence,) = evidence_of(world.house, V1, EvidenceKind.HAND_OFF)
    assert (accepted.operator, accepted.statement, evidence.signer) == ("omar", evidence.id, "omar")
    assert world.version(V1).state is State.CANDIDATE


LACKS = {
    "no run book": ({"run_book": " ", "service_owner": "omar"}, SettingError, "has no run_book"),
    "no owner": ({"run_book": "call omar", "service_owner": ""}, SettingError, "has no service_owner"),
    "an owner who is nobody": ({"run_book": "call", "service_owner": "nobody"}, NotFoundError, "nobody"),
}


@pytest.mark.parametrize(("given", "error", "says"), LACKS.values(), ids=LACKS)
def test_a_hand_off_without_an_owner_or_a_run_book_is_refused(
    given: dict[str, str], error: type[RoadworthyError], says: str
) -> None:
    world = at("candidate")
    before = world.changes()
    with pytest.raises(error, match=says):
        accept_hand_off(world.house, world.who("omar"), V1, **given)
    assert (world.all(HandOff), world.changes()) == ([], before)


MAY: dict[Gate, set[str]] = {
    Gate.VALIDATION: {"dan", "dora", "vera", "victor", "admin"},
    Gate.RELEASE: {"rita", "omar", "admin"},
    Gate.ACTIVATION: {"omar", "admin"},
}
STAGE = {Gate.VALIDATION: "registered", Gate.RELEASE: "signed", Gate.ACTIVATION: "handed-off"}


@pytest.mark.parametrize("who", ["olga", "dan", "vera", "rita", "omar", "ada", "admin"])
@pytest.mark.parametrize("gate", Gate, ids=lambda g: g.value)
def test_a_gate_is_run_by_those_whose_role_permits(gate: Gate, who: str) -> None:
    world = at(STAGE[gate])
    before = world.changes()
    if who in MAY[gate]:
        assert world.gate(V1, gate, by=who).actor == who
    else:
        with pytest.raises(NotAllowedError, match=f"{who} .* may not"):
            world.gate(V1, gate, by=who)
        assert world.changes() == before


def test_no_validation_without_a_signed_contract() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    world.data("train")
    world.data("sealed")
    world.register()
    with pytest.raises(ConflictError, match=r"has no signed KPI contract\. olga agrees one first"):
        world.validate(V1)
    assert world.version(V1).state is State.REGISTERED


def test_no_validation_without_sealed_data() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    world.data("train")
    world.agree()
    world.register()
    with pytest.raises(ConflictError, match="has no sealed test data"):
        world.validate(V1)


def other_case(world: World) -> str:
    world.use_case(id="loans")
    return world.data("production", case="loans").id


ORDERS: dict[str, tuple[Callable[[World, GateOrder], GateOrder], type[RoadworthyError], str]] = {
    "production of another use case": (
        lambda w, o: replace(o, production=other_case(w)),
        SettingError,
        "is production sample data of 'loans'",
    ),
    "unknown production": (lambda _, o: replace(o, production="nothing"), NotFoundError, "nothing"),
    "unknown endpoint": (lambda _, o: replace(o, endpoint="nowhere"), NotFoundError, "no endpoint 'nowhere'"),
    "unknown version": (lambda _, o: replace(o, version="offers:9"), NotFoundError, "offers:9"),
}


@pytest.mark.parametrize(("change", "error", "says"), ORDERS.values(), ids=ORDERS)
def test_an_order_that_names_what_is_not_there_starts_nothing(
    change: Callable[[World, GateOrder], GateOrder], error: type[RoadworthyError], says: str
) -> None:
    world = at("signed")
    order = change(world, world.order(V1, Gate.RELEASE))
    before, runs = world.changes(), world.all(GateRun)
    with pytest.raises(error, match=says):
        run_gate(world.house, world.who("rita"), order)
    assert (world.changes(), world.all(GateRun), world.version(V1).state) == (before, runs, State.VALIDATED)


def test_the_run_names_everything_that_went_in() -> None:
    world = at("signed")
    run = world.gate(V1, Gate.RELEASE)
    assert run.inputs == {
        "artifact": world.version(V1).artifact,
        "train": world.dataset("train").id,
        "sealed": world.dataset("sealed").id,
        "production": world.dataset("production").id,
        "contract": f"{CASE}-kpi-1",
        "contract-evidence": run.inputs["contract-evidence"],
        "endpoint": ENDPOINT,
    }


def test_the_playbook_in_force_is_kept_by_its_digest() -> None:
    world = at("validated")
    assert world.house.artifacts.get(world.all(GateRun)[0].playbook) == WAIVED


def test_two_versions_go_their_ways_apart() -> None:
    world = at("signed")
    other = world.register(artifact("upside_down"))
    world.validate(other.id)
    world.sign(other.id, approved=False, reason="the wrong way round")
    assert (world.version(V1).state, world.version(other.id).state) == (State.VALIDATED, State.RETURNED)


def test_a_value_that_production_could_not_compute_is_refused_before_the_gate_opens() -> None:
    world = at("registered")
    world.agree(value="CASE WHEN gender = 'f' THEN outcome ELSE 0 END")
    with pytest.raises(ConflictError, match=r"cannot be computed from what offers:1 takes in: .*gender"):
        world.validate(V1)
    assert world.version(V1).state is State.REGISTERED
