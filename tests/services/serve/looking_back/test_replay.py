"""Replays: the same bytes and inputs give the logged score to the last bit, and anything else is told."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from simulated_offers import artifact, simulate
from small_world import ENDPOINT, V1, World, at

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.serving import DecisionStatus
from roadworthy.domain.verdict import Verdict
from roadworthy.services.serve.looking_back.replay import inputs_of, replay


@lru_cache(maxsize=1)
def _asked() -> World:
    world = at("serving")
    gateway = world.gateway()
    # One by one: then the gateway scored each row alone, as a replay does.
    for i in range(40):
        world.ask(gateway, simulate(40, 8)[0].take(np.array([i])), [f"r{i}"])
    gateway.close()
    return world


@pytest.fixture
def world() -> World:
    return _asked().fork()


def names(world: World, status: DecisionStatus = DecisionStatus.SCORED) -> list[str]:
    return [d.request_id for d in world.house.decisions.read(ENDPOINT) if d.status is status]


def test_every_scored_decision_comes_out_the_same_to_the_last_bit(world: World) -> None:
    found = [replay(world.house, name)[0] for name in names(world)]
    assert len(found) > 20
    assert {r.verdict for r in found} == {Verdict.PASS}
    assert all(r.score == r.logged for r in found)


def test_rows_that_were_scored_together_come_out_the_same_but_for_rounding(world: World) -> None:
    gateway = world.gateway()
    world.ask(gateway, simulate(60, 9)[0], [f"t{i}" for i in range(60)])
    gateway.close()
    found = [replay(world.house, n)[0] for n in names(world) if n.startswith("t")]
    assert {r.verdict for r in found} <= {Verdict.PASS, Verdict.WARN}


def test_what_is_missing_was_missing_and_types_are_those_of_the_signature(world: World) -> None:
    version = world.version(V1)
    for decision in world.house.decisions.read(ENDPOINT):
        frame = inputs_of(decision, version)
        kinds = {s.name: frame[s.name].dtype.kind for s in version.signature.inputs}
        assert kinds == {"age": "i", "balance": "f", "visits": "i", "channel": "O"}
        assert np.isnan(frame["balance"][0]) == (decision.inputs["balance"] is None)


def test_another_model_under_the_same_version_is_told(world: World) -> None:
    name = names(world)[0]
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        other = world.house.artifacts.put(artifact("upside_down"))
        tx.of(ModelVersion).replace(version, replace(version, artifact=other))
    (found,) = replay(world.house, name)
    assert found.verdict is Verdict.FAIL
    assert "away from what was logged" in found.message


def test_damaged_bytes_cannot_be_scored_again_and_are_no_fault_of_the_decision(world: World) -> None:
    name, version = names(world)[0], world.version(V1)
    kept = world.house.artifacts._kept
    key = next(k for k in kept if k.endswith(version.artifact))
    kept[key] = b"other" + kept[key]
    assert replay(world.house, name)[0].verdict is Verdict.INCONCLUSIVE


def test_a_held_out_customer_has_nothing_to_compare(world: World) -> None:
    name = names(world, DecisionStatus.HELD_OUT)[0]
    (found,) = replay(world.house, name)
    assert (found.verdict, found.score) == (Verdict.INCONCLUSIVE, None)


def test_a_decision_nobody_made_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no decision"):
        replay(world.house, "nobody")
