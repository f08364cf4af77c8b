"""Protections on their way: from the playbook into the signed deployment, and from the gateway into the review."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from functools import lru_cache

import pytest
from simulated_offers import table
from small_playbooks import WAIVED
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.errors import DataError
from roadworthy.domain.review import SignalKind
from roadworthy.domain.standing.protection import ProtectionTally, Sighting
from roadworthy.domain.trust import Evidence
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.statements import deployment_json
from roadworthy.monitoring.protection.profile import TrafficProfile
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.serve.protect import protection_for

WATCHED = b'\nprotection:\n  low: {detectors: [extraction, out-of-domain], reason: "as this test needs it"}\n'


@lru_cache(maxsize=1)
def _watched() -> World:
    world = at("registered")
    world.activate_fully(V1, WAIVED + WATCHED)
    world.deploy(V1)
    return world


@pytest.fixture
def world() -> World:
    return _watched().fork()


def test_the_terms_and_the_profile_s_digest_are_signed_with_the_deployment(world: World) -> None:
    deployment = world.deployment()
    assert deployment.protection.detectors == ("extraction", "out-of-domain")
    profile = TrafficProfile.from_json(world.house.artifacts.get(deployment.protection.profile))
    assert set(profile.limits) >= {"extraction", "out-of-domain"}
    (statement,) = [e for e in world.all(Evidence) if e.id == deployment.statement]
    assert deployment.protection.profile in _payload(statement)


def _payload(evidence: Evidence) -> str:
    return base64.b64decode(json.loads(evidence.envelope)["payload"]).decode()


def test_making_the_profile_again_gives_the_same_bytes(world: World) -> None:
    assert protection_for(world.house, V1, ENDPOINT) == world.deployment().protection


def test_a_deployment_without_protections_is_signed_as_before(world: World) -> None:
    bare = deployment_json(replace(world.deployment(), protection=None))
    assert "protection" not in bare
    assert "protection" in deployment_json(world.deployment())


def test_every_move_of_a_rollout_keeps_the_protections(world: World) -> None:
    world.register(by="dora")
    world.activate_fully("offers:2", WAIVED + WATCHED)
    canary = world.deploy("offers:2")
    assert canary.protection == world.deployment().protection
    back = roll_back(world.house, world.who("omar"), ENDPOINT, "enough")
    assert back.protection == canary.protection


def test_too_few_rows_to_be_watched_by_are_refused_with_what_to_do() -> None:
    world = at("prepared")
    few = world.data("train", table(250, 77))
    world.register(train_dataset=few.id)
    world.activate_fully(V1, WAIVED + WATCHED)
    with pytest.raises(DataError, match="cannot be watched for misuse") as refused:
        world.deploy(V1)
    assert "playbook" in refused.value.remedy


def test_what_gateways_saw_is_in_the_review_as_a_warning_and_opens_no_work(world: World) -> None:
    happened = world.live(300, 21, "m")
    now = world.clock.now()
    seen = Sighting("extraction", "shop", now, 0.9, 0.3, 100, "differs by 0.90")
    world.house.tallies.append(ProtectionTally(ENDPOINT, "mailing-d1", now, now, 100, 1, 0, {}, (seen,)))
    world.clock.advance(days(9))
    world.report(happened)
    review = world.review()
    found = {s.subject: s for s in review.signals if s.kind is SignalKind.PROTECTION}
    assert found["extraction"].verdict is Verdict.WARN
    assert "client shop" in found["extraction"].message
    assert found["out-of-domain"].verdict is Verdict.PASS
    assert not [w for w in world.work() if "protection" in w.source]


def test_where_no_gateway_told_anything_the_review_says_so(world: World) -> None:
    world.live(300, 22, "m")
    found = [s for s in world.review().signals if s.kind is SignalKind.PROTECTION]
    assert [s.verdict for s in found] == [Verdict.INCONCLUSIVE] * 2
    assert all("no gateway has told" in s.message for s in found)
