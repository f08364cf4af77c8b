"""Compositions on the road: made of approved versions, judged as one, and served while every member is approved."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from simulated_offers import artifact, simulate
from small_world import CASE, ENDPOINT, V1, World, at, days

from roadworthy.domain.errors import (
    ArtifactError,
    ConflictError,
    IntegrityError,
    NotIndependentError,
    UnavailableError,
)
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.serving import DeploymentState
from roadworthy.domain.trust import Conditions, Evidence, EvidenceKind
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.served import decode_served, encode_served, verify_served
from roadworthy.services.composing.compose import NewComposition, compose
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.licence.standing import retire, suspend
from roadworthy.services.serve.deploy import put_in_force
from roadworthy.services.serve.looking_back.replay import replay
from roadworthy.services.serve.plan import without_model
from roadworthy.services.serve.publish import publish
from roadworthy.services.watch.verify import trust_root

DOCUMENT = """
roadworthy: composition/1
kind: weighted
members:
  - {name: linear, version: "offers:1", weight: 3}
  - {name: trees, version: "forest:1"}
fallback: {member: linear}
"""


@lru_cache(maxsize=1)
def _approved() -> World:
    world = at("activated")
    world.register(artifact("overgrown"), name="forest")
    world.validate("forest:1")
    world.sign("forest:1")
    return world


@pytest.fixture
def world() -> World:
    return _approved().fork()


def composed(world: World, document: str = DOCUMENT, **about: Any) -> Any:
    return compose(world.house, world.who("dora"), NewComposition(CASE, "duo", document, threshold=0.4, **about))


def serving(world: World) -> World:
    composed(world)
    world.activate_fully("duo:1")
    world.deploy("duo:1")
    return world


def scored(world: World, version: str, rows: Any) -> Any:
    found = world.version(version)
    house = world.house
    loaded = house.workshop.load(house.artifacts.fetch(found.artifact, found.files), found.format, found.signature)
    return loaded.predict({n: rows[n] for n in found.signature.names})


def test_a_composition_goes_the_whole_road_and_answers_with_all_its_members(world: World) -> None:
    serving(world)
    version = world.version("duo:1")
    assert (version.format, version.state) == (ArtifactFormat.COMPOSITION, State.ACTIVATED)
    assert [m.version for m in version.members] == ["offers:1", "forest:1"]
    assert version.parents == ("offers:1", "forest:1")
    rows, _ = simulate(60, 5)
    gateway = world.gateway()
    (answer,) = world.ask(gateway, rows, [f"u{k}" for k in range(60)])
    gateway.close()
    expected = (3 * scored(world, "offers:1", rows) + scored(world, "forest:1", rows)) / 4
    given = np.array([np.nan if s is None else s for s in answer.scores])
    assert np.isfinite(given).sum() > 40
    np.testing.assert_allclose(given[np.isfinite(given)], expected[np.isfinite(given)], atol=1e-12)


def test_a_replayed_decision_tells_what_each_member_said(world: World) -> None:
    serving(world)
    rows, _ = simulate(5, 5)
    gateway = world.gateway()
    world.ask(gateway, rows, [f"u{k}" for k in range(5)])
    gateway.close()
    row, told = next((k, r) for k in range(5) for r in replay(world.house, f"u{k}") if r.score is not None)
    assert told.verdict in (Verdict.PASS, Verdict.WARN)
    alone = {v: scored(world, v, rows)[row] for v in ("offers:1", "forest:1")}
    assert told.members == pytest.approx(alone, abs=1e-12)
    assert told.score == pytest.approx((3 * alone["offers:1"] + alone["forest:1"]) / 4, abs=1e-12)


def test_who_developed_a_member_may_not_approve_the_composition(world: World) -> None:
    world.add("mia", "data-scientist", "validator")
    world.register(artifact("overgrown", seed=3), by="mia", name="forest")
    world.validate("forest:2")
    world.sign("forest:2")
    composed(world, DOCUMENT.replace("forest:1", "forest:2"))
    world.validate("duo:1")
    with pytest.raises(NotIndependentError):
        world.sign("duo:1", "mia")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (
            lambda w: suspend(w.house, w.who("rita"), V1, "looked wrong"),
            "offers:1 can be no member: it is suspended",
        ),
        (lambda w: w.register(artifact("overgrown", seed=2), name="forest"), "forest:2 is not approved"),
    ],
    ids=["suspended", "not approved"],
)
def test_only_versions_whose_approval_holds_become_members(world: World, spoil: Any, why: str) -> None:
    spoil(world)
    with pytest.raises(ConflictError, match=why):
        composed(world, DOCUMENT.replace("forest:1", "forest:2") if "forest:2" in why else DOCUMENT)


def test_a_composition_is_no_member(world: World) -> None:
    composed(world)
    with pytest.raises(ConflictError, match="duo:1 can be no member: it is itself a composition"):
        composed(world, DOCUMENT.replace("forest:1", "duo:1"))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("roadworthy: rules/1\n", "does not say"),
        (DOCUMENT.replace("weighted", "median"), "the kind 'median'"),
        (DOCUMENT.replace("weight: 3", "weigth: 3"), "weigth"),
        (DOCUMENT.replace("member: linear", "member: other"), "not there .other"),
        ("kind: [", "cannot be read"),
    ],
    ids=["another document", "an unknown kind", "an unknown field", "an unknown member", "no YAML"],
)
def test_a_document_that_cannot_be_meant_is_refused(world: World, document: str, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        composed(world, document)


def test_a_suspended_member_takes_the_composition_out_of_traffic_and_back_it_does_not_come(world: World) -> None:
    serving(world)
    suspend(world.house, world.who("rita"), V1, "looked wrong")
    now = world.deployment()
    assert now.state is DeploymentState.ROLLED_BACK
    assert without_model(now)
    with pytest.raises(ConflictError, match="duo:1 is refused: offers:1 can be no member: it is suspended"):
        world.deploy("duo:1")


def test_a_member_that_answers_in_a_composition_is_not_retired(world: World) -> None:
    serving(world)
    with pytest.raises(ConflictError, match=f"forest:1 answers on {ENDPOINT}"):
        retire(world.house, world.who("rita"), "forest:1", "old")


def test_a_members_end_of_approval_is_the_compositions_end_at_the_gateway(world: World) -> None:
    until = world.clock.now() + days(3)
    world.register(artifact("overgrown", seed=2), name="forest")
    world.validate("forest:2")
    sign_off(
        world.house, world.who("vera"), "forest:2", approved=True, reason="for now", conditions=Conditions(until)
    )
    composed(world, DOCUMENT.replace("forest:1", "forest:2"))
    world.activate_fully("duo:1")
    world.deploy("duo:1")
    gateway, (rows, _) = world.gateway(), simulate(4, 5)
    assert world.ask(gateway, rows, list("abcd"))
    world.clock.advance(days(4))
    with pytest.raises(UnavailableError, match="ended"):
        world.ask(gateway, rows, list("efgh"))
    gateway.close()


def test_a_document_without_a_members_approval_is_refused_naming_the_member(world: World) -> None:
    serving(world)
    served = decode_served(world.house.served.read(ENDPOINT) or b"")
    root = trust_root(world.house)
    assert [licence.version for licence in verify_served(served, root, now=None).licences] == ["duo:1"]
    forest = {e.envelope for e in world.all(Evidence, version="forest:1") if e.kind is EvidenceKind.GATE_RUN}
    bare = replace(served, envelopes=tuple(e for e in served.envelopes if e not in forest))
    with pytest.raises(IntegrityError, match="forest:1"):
        verify_served(decode_served(encode_served(bare)), root, now=None)


def test_an_artifact_whose_members_are_not_those_deployed_is_not_loaded(world: World) -> None:
    serving(world)
    house, now = world.house, world.deployment()
    arms = tuple(replace(a, members=a.members[:1]) for a in now.arms)
    with house.store.begin() as tx:
        put_in_force(house, tx, now, replace(now, arms=arms, revision=now.revision + 1), "omar", "forged")
    publish(house, ENDPOINT)
    gateway = world.gateway()
    with pytest.raises(UnavailableError, match="its artifact holds"):
        gateway.resolve(ENDPOINT)
    gateway.close()
