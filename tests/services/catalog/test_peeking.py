"""Every way to see a result on sealed data too early, by name: refused, and in the change record.

The people here are allowed to do what they do; it is the moment, or the data, that is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from simulated_offers import parquet, table
from small_world import CASE, V1, World, at, days

from roadworthy.domain.errors import ConflictError, RefusedError, RoadworthyError, SettingError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.trust import Change
from roadworthy.domain.use_case import KpiContract
from roadworthy.services.catalog.contracts import KpiTerms, agree_contract
from roadworthy.services.catalog.datasets import register_dataset
from roadworthy.services.gates.run import GateOrder, run_gate, start_gate

Attempt = Callable[[World], Any]
PLAIN = KpiTerms(CASE, "EUR", "outcome", 0.0, 0.1, holdout_acts=False, why="it looks better")


def without_contract() -> World:
    """People, data and a version, and nobody has said what counts."""
    world = World.in_memory()
    world.cast()
    world.use_case()
    for role in ("train", "sealed", "production"):
        world.data(role)
    world.register()
    return world


def sealed_bytes(world: World) -> bytes:
    return world.house.artifacts.get(world.dataset("sealed").digest)


def on_sealed(world: World) -> GateOrder:
    return replace(world.order(V1, Gate.RELEASE), production=world.dataset("sealed").id)


def hand_in(world: World, role: DatasetRole, case: str = CASE) -> None:
    register_dataset(world.house, world.who("dan"), case, role, sealed_bytes(world), "innocent.parquet")


def hand_in_elsewhere(world: World) -> None:
    world.use_case(id="loans")
    hand_in(world, DatasetRole.TRAIN, "loans")


PEEKS: dict[str, tuple[Callable[[], World], str, Attempt, type[RoadworthyError], str]] = {
    "validate before the contract": (
        without_contract, "dan", lambda w: w.validate(V1), ConflictError, "validation of offers:1",
    ),
    "start a gate and not wait for it": (
        without_contract, "vera", lambda w: start_gate(w.house, w.who("vera"), w.order(V1, Gate.VALIDATION)),
        ConflictError, "validation of offers:1",
    ),
    "release before the contract": (
        without_contract, "rita", lambda w: w.gate(V1, Gate.RELEASE), ConflictError, "release of offers:1",
    ),
    "train on the sealed data": (
        lambda: at("prepared"), "dan", lambda w: w.register(train_dataset=w.dataset("sealed").id),
        SettingError, "train 'offers' on sealed data",
    ),
    "release on the sealed data as production": (
        lambda: at("signed"), "rita",
        lambda w: run_gate(w.house, w.who("rita"), on_sealed(w)),
        SettingError, "release of offers:1 on sealed data as production",
    ),
    "hand the sealed bytes in again to train on": (
        lambda: at("prepared"), "dan", lambda w: hand_in(w, DatasetRole.TRAIN),
        ConflictError, "register 'innocent.parquet' as train",
    ),
    "hand the sealed bytes in again as production": (
        lambda: at("prepared"), "dan", lambda w: hand_in(w, DatasetRole.PRODUCTION),
        ConflictError, "register 'innocent.parquet' as production sample",
    ),
    "hand the sealed bytes in again for validation": (
        lambda: at("prepared"), "dan", lambda w: hand_in(w, DatasetRole.VALIDATION),
        ConflictError, "register 'innocent.parquet' as validation",
    ),
    "train on the sealed bytes in another use case": (
        lambda: at("prepared"), "dan", hand_in_elsewhere, ConflictError, "register 'innocent.parquet' as train",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("start", "who", "peek", "error", "attempt"), PEEKS.values(), ids=PEEKS)
def test_a_peek_is_refused_and_recorded_and_computes_nothing(
    start: Callable[[], World], who: str, peek: Attempt, error: type[RoadworthyError], attempt: str
) -> None:
    world = start()
    runs, versions, data = world.all(GateRun), world.all(ModelVersion), world.all(Dataset)
    with pytest.raises(error):
        peek(world)
    last = world.changes()[-1]
    assert (last.actor, last.action, last.why) == (who, "sealed-look-refused", attempt)
    assert last.facts["because"]
    assert (world.all(GateRun), world.all(ModelVersion)) == (runs, versions)
    assert world.all(Dataset) == data


def test_who_may_not_even_ask_is_no_peek_and_leaves_no_trace_of_one() -> None:
    world = without_contract()
    with pytest.raises(RefusedError):
        world.gate(V1, Gate.VALIDATION, by="ada")
    assert "sealed-look-refused" not in world.actions()


def refused(world: World) -> Change:
    last = world.changes()[-1]
    assert last.action == "kpi-contract-refused"
    return last


def test_moving_the_goal_while_it_is_measured_is_refused_and_recorded() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION))
    with pytest.raises(ConflictError, match="is being validated under the present contract"):
        agree_contract(world.house, world.who("olga"), PLAIN)
    assert (refused(world).actor, len(world.all(KpiContract))) == ("olga", 1)


def test_changing_a_contract_after_results_exist_without_a_word_is_refused_and_recorded() -> None:
    world = at("validated")
    with pytest.raises(RefusedError, match=r"'offers-kpi-1' is locked: results on sealed data were computed"):
        agree_contract(world.house, world.who("olga"), replace(PLAIN, why=" "))
    assert (refused(world).actor, len(world.all(KpiContract))) == ("olga", 1)


def test_before_any_result_a_new_contract_still_says_why() -> None:
    world = at("prepared")
    with pytest.raises(SettingError, match="does not say why"):
        agree_contract(world.house, world.who("olga"), replace(PLAIN, why=""))
    assert "kpi-contract-refused" not in world.actions()


def test_a_contract_edited_in_the_store_is_no_signed_contract_any_more() -> None:
    world = at("registered")
    (signed,) = world.all(KpiContract)
    with world.house.store.begin() as tx:
        tx.of(KpiContract).replace(signed, replace(signed, target=0.0))
    with pytest.raises(ConflictError, match="has no signed KPI contract"):
        world.validate(V1)
    assert world.changes()[-1].action == "sealed-look-refused"


@pytest.mark.parametrize(("stage", "gate"), [("signed", Gate.RELEASE), ("handed-off", Gate.ACTIVATION)])
def test_what_was_validated_under_an_earlier_contract_goes_no_further(stage: str, gate: Gate) -> None:
    world = at(stage)
    before = world.version(V1).state
    world.clock.advance(days(1))
    world.agree(target=0.3)
    with pytest.raises(ConflictError, match=r"under contract 'offers-kpi-1', in force is 'offers-kpi-2'"):
        world.gate(V1, gate)
    assert world.version(V1).state is before
    world.validate(V1)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_rows_that_only_look_alike_are_handed_in_freely() -> None:
    world = at("prepared")
    made = register_dataset(
        world.house, world.who("dan"), CASE, DatasetRole.VALIDATION, parquet(table(200, 77)), "more.parquet"
    )
    assert made.role is DatasetRole.VALIDATION
