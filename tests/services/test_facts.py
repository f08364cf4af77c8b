"""What the policy is told of the object of an action."""

from __future__ import annotations

from typing import Any

import pytest
from small_world import CASE, ENDPOINT, World, at

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.ports import Policy
from roadworthy.domain.trust import Person
from roadworthy.services.facts import facts_of

CASE_FACTS = {"use_case": CASE, "owner": "olga", "risk_tier": "low"}


def test_a_version_is_known_with_its_state_its_makers_and_its_use_case() -> None:
    world = at("prepared")
    first = world.register(by="dan")
    second = world.register(by="dora", parents=(first.id,))
    third = world.register(by="dora", parents=(second.id,))
    assert facts_of(world.house, version=third.id) == {
        "version": third.id,
        "state": "registered",
        "developers": ["dan", "dora"],
        **CASE_FACTS,
    }


def test_use_case_and_endpoint_are_known_with_owner_and_risk_tier() -> None:
    world = at("prepared")
    assert facts_of(world.house, use_case=CASE) == CASE_FACTS
    assert facts_of(world.house, endpoint=ENDPOINT) == {"endpoint": ENDPOINT, **CASE_FACTS}
    with pytest.raises(NotFoundError, match="no endpoint 'nowhere'"):
        facts_of(world.house, endpoint="nowhere")


class Listening:
    """The shipped policy, and what it was asked."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.asked: dict[str, dict[str, Any]] = {}

    def permits(self, person: Person, action: str, facts: Any) -> bool:
        """Remember and pass on."""
        self.asked[action] = dict(facts)
        return self.policy.permits(person, action, facts)


def test_every_step_of_the_road_tells_the_policy_tier_use_case_and_where_the_version_stands() -> None:
    listening = Listening(World.in_memory().house.policy)
    world = World.in_memory(policy=listening).prepare()
    version = world.register().id
    world.activate_fully(version)
    world.deploy(version)
    for action in set(listening.asked) - {"manage-people", "read"}:
        told = listening.asked[action]
        assert {k: told.get(k) for k in CASE_FACTS} == CASE_FACTS, action
    states = {"validate": "registered", "release": "validated", "activate": "candidate", "deploy": "activated"}
    assert {a: listening.asked[a]["state"] for a in states} == states
    assert listening.asked["sign-off"]["developers"] == ["dan"]
