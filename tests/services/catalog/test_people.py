"""People: who may act, with which roles; nobody gets the platform's."""

from __future__ import annotations

import pytest
from small_world import World, at

from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Role, SignOff
from roadworthy.evidence.trust import TRUST, decode_trust
from roadworthy.services.catalog.people import add_person, deactivate_person, found, people
from roadworthy.services.gates.sign_off import sign_off


def test_a_new_installation_has_the_platform_and_one_administrator() -> None:
    assert [(p.id, p.roles) for p in people(World.in_memory().house)] == [
        ("platform", (Role.PLATFORM,)),
        ("admin", (Role.ADMINISTRATOR,)),
    ]


def test_founding_twice_founds_once() -> None:
    world = World.in_memory()
    assert found(world.house, "admin") == world.who("admin")
    assert world.actions() == ["installation-founded"]


def test_a_new_person_has_a_key_of_their_own_which_gateways_learn_at_once() -> None:
    world = World.in_memory()
    nora = add_person(world.house, world.who("admin"), "nora", ["validator", "auditor"])
    assert nora.roles == (Role.VALIDATOR, Role.AUDITOR)
    document = world.house.trust.read(TRUST)
    assert document is not None
    assert decode_trust(document).person_of(nora.key_id) == nora
    assert world.changes()[-1].facts == {"roles": ["validator", "auditor"]}


def test_the_same_name_is_not_given_twice() -> None:
    world = at("prepared")
    before = len(world.changes())
    with pytest.raises(AlreadyExistsError, match="person 'dan' exists already"):
        add_person(world.house, world.who("admin"), "dan", ["auditor"])
    assert len(world.changes()) == before


ROLES = {
    "unknown": ["wizard"],
    "platform": ["platform"],
    "empty text": [""],
}


@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
def test_a_role_that_no_person_can_hold_is_refused_naming_those_there_are(roles: list[str]) -> None:
    world = World.in_memory()
    with pytest.raises(SettingError, match="Allowed: data-scientist, validator") as refused:
        add_person(world.house, world.who("admin"), "nora", roles)
    assert refused.value.fields["role"] == roles[0]


@pytest.mark.parametrize("name", ["", "a b", "../x", "x/y", "nora\n", "-"])
def test_a_name_that_cannot_name_a_person_is_refused(name: str) -> None:
    world = World.in_memory()
    with pytest.raises(SettingError, match="cannot name a person"):
        add_person(world.house, world.who("admin"), name, ["auditor"])


@pytest.mark.parametrize("who", ["olga", "dan", "vera", "rita", "omar", "ada"])
def test_only_an_administrator_adds_people(who: str) -> None:
    world = at("prepared")
    with pytest.raises(NotAllowedError, match=f"{who} .* may not manage-people"):
        add_person(world.house, world.who(who), "nora", ["auditor"])


def test_nobody_is_nobody() -> None:
    with pytest.raises(NotFoundError, match="there is no person 'nobody'"):
        World.in_memory().who("nobody")


# Deactivation


def test_whoever_is_deactivated_may_do_nothing_and_their_key_counts_until_then_only() -> None:
    world = at("prepared")
    deactivate_person(world.house, world.who("admin"), "vera", "left the company")
    gone = world.who("vera")
    assert (gone.active, gone.valid_until) == (False, world.clock.now())
    for action in ("read", "sign-off", "validate"):
        with pytest.raises(NotAllowedError, match="vera is deactivated"):
            world.house.allow(gone, action, {"developers": ["dan"]})
    document = world.house.trust.read(TRUST)
    assert document is not None
    assert decode_trust(document).person_of(gone.key_id) == gone
    assert (world.changes()[-1].action, world.changes()[-1].why) == ("person-deactivated", "left the company")


def test_somebody_deactivated_between_starting_and_finishing_is_refused_at_the_commit() -> None:
    world = at("validated")
    version = world.all(ModelVersion)[-1].id
    vera = world.who("vera")  # as the request began
    deactivate_person(world.house, world.who("admin"), "vera", "left the company")
    before = len(world.changes())
    with pytest.raises(NotAllowedError, match="vera is deactivated"):
        sign_off(world.house, vera, version, approved=True, reason="holds")
    assert len(world.changes()) == before
    assert world.version(version).state is State.AWAITING_SIGN_OFF
    assert world.all(SignOff) == []


REFUSED = {
    "the platform": ("platform", "gone", ConflictError),
    "oneself": ("admin", "gone", ConflictError),
    "nobody": ("nobody", "gone", NotFoundError),
    "without a reason": ("vera", " ", SettingError),
}


@pytest.mark.parametrize(("name", "reason", "error"), REFUSED.values(), ids=REFUSED)
def test_a_deactivation_that_cannot_be_is_refused(name: str, reason: str, error: type[Exception]) -> None:
    world = at("prepared")
    with pytest.raises(error):
        deactivate_person(world.house, world.who("admin"), name, reason)
    assert all(p.active for p in people(world.house))


def test_nobody_is_deactivated_twice_and_only_an_administrator_does_it() -> None:
    world = at("prepared")
    with pytest.raises(NotAllowedError, match="may not manage-people"):
        deactivate_person(world.house, world.who("omar"), "vera", "gone")
    deactivate_person(world.house, world.who("admin"), "vera", "gone")
    with pytest.raises(ConflictError, match="deactivated already"):
        deactivate_person(world.house, world.who("admin"), "vera", "gone")
