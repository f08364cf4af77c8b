"""Tracing: one id leads from a request to its version, its papers, its outcome and its money."""

from __future__ import annotations

from functools import lru_cache

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, V1, World, at

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import DecisionStatus
from roadworthy.services.watch.trace import trace


@lru_cache(maxsize=1)
def _asked() -> World:
    world = at("serving")
    gateway = world.gateway()
    world.ask(gateway, simulate(60, 8)[0], [f"r{i}" for i in range(60)])
    gateway.close()
    return world


@pytest.fixture
def world() -> World:
    return _asked().fork()


def acted(world: World, status: DecisionStatus = DecisionStatus.SCORED, *, act: bool = True) -> str:
    """The request id of a decision of this kind."""
    return next(d.request_id for d in world.house.decisions.read(ENDPOINT) if d.status is status and d.acted is act)


def test_a_request_leads_to_version_data_gates_signature_outcome_and_money(world: World) -> None:
    name = acted(world)
    world.report({name: 1.0})
    (found,) = trace(world.house, name)
    assert found.version is not None
    assert found.train is not None
    assert (found.version.id, found.train.id) == (V1, world.dataset("train").id)
    assert [r.gate for r in found.gate_runs] == list(Gate)
    assert [s.person for s in found.sign_offs] == ["vera"]
    assert (found.outcome and found.outcome.value, found.money, found.unit) == (1.0, 5.0, "EUR")


@pytest.mark.parametrize(("happened", "money"), [(1.0, 5.0), (0.0, -3.0)])
def test_money_is_that_of_the_contract(world: World, happened: float, money: float) -> None:
    name = acted(world)
    world.report({name: happened})
    assert trace(world.house, name)[0].money == money


def test_while_the_outcome_is_unknown_there_is_no_money(world: World) -> None:
    (found,) = trace(world.house, acted(world))
    assert (found.outcome, found.money) == (None, None)


def test_a_customer_nobody_wrote_to_brings_nothing_and_costs_nothing(world: World) -> None:
    name = acted(world, act=False)
    world.report({name: 1.0})
    assert trace(world.house, name)[0].money == 0.0


def test_a_held_out_unit_leads_to_no_version(world: World) -> None:
    name = acted(world, DecisionStatus.HELD_OUT, act=False)
    (found,) = trace(world.house, name)
    assert (found.version, found.train, found.gate_runs, found.sign_offs) == (None, None, (), ())
    assert found.decision.arm == "hold-out"


def test_a_decisions_own_id_leads_there_too(world: World) -> None:
    name = acted(world)
    (by_request,) = trace(world.house, name)
    assert trace(world.house, by_request.decision.id) == [by_request]


def test_what_was_never_asked_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no decision has the id or request id 'nothing'"):
        trace(world.house, "nothing")
