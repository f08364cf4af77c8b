"""Which person an account is: linked by an administrator, or by a verified address where the rules say so."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from small_world import World

from roadworthy.domain.errors import NotAllowedError, NotFoundError, SettingError, UnauthenticatedError
from roadworthy.domain.trust import Identity, Login
from roadworthy.services.access.logins import link_login, logins, person_of
from roadworthy.services.access.rules import AccessRules

ISSUER = "https://id.example"
BY_EMAIL = AccessRules(oidc_by_email=True)


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    made.add("eve@example.com", "validator")
    return made


def test_a_linked_account_is_its_person_and_the_link_is_recorded(world: World) -> None:
    made = link_login(world.house, world.who("admin"), "vera", ISSUER, "s1")
    assert made.id == sha256(b"https://id.example\ns1").hexdigest()
    assert person_of(world.house, Identity(ISSUER, "s1"), AccessRules()) == "vera"
    last = world.changes()[-1]
    assert (last.action, last.actor, last.subject) == ("login-linked", "admin", "vera")
    assert logins(world.house) == [made]


def test_the_same_subject_of_another_provider_is_somebody_else(world: World) -> None:
    link_login(world.house, world.who("admin"), "vera", ISSUER, "s1")
    with pytest.raises(UnauthenticatedError, match="is nobody here"):
        person_of(world.house, Identity("https://evil.example", "s1"), BY_EMAIL)


def test_a_second_link_of_an_account_takes_the_place_of_the_first(world: World) -> None:
    for name in ("vera", "victor"):
        link_login(world.house, world.who("admin"), name, ISSUER, "s1")
    assert person_of(world.house, Identity(ISSUER, "s1"), AccessRules()) == "victor"
    assert len(world.all(Login)) == 1


IDENTITIES: dict[str, tuple[dict[str, Any], AccessRules, str]] = {
    "verified and allowed": ({"email": "eve@example.com", "email_verified": True}, BY_EMAIL, "eve@example.com"),
    "not verified": ({"email": "eve@example.com"}, BY_EMAIL, ""),
    "not allowed": ({"email": "eve@example.com", "email_verified": True}, AccessRules(), ""),
    "nobody's": ({"email": "x@example.com", "email_verified": True}, BY_EMAIL, ""),
    "no address": ({"email_verified": True}, BY_EMAIL, ""),
    "the platform's name": ({"email": "platform", "email_verified": True}, BY_EMAIL, ""),
}


@pytest.mark.parametrize(("about", "rules", "person"), IDENTITIES.values(), ids=IDENTITIES)
def test_an_address_counts_when_it_is_verified_and_the_rules_say_so(
    world: World, about: dict[str, Any], rules: AccessRules, person: str
) -> None:
    identity = Identity(ISSUER, "s9", **about)
    if person:
        assert [person_of(world.house, identity, rules) for _ in range(2)] == [person] * 2
        assert [(c.actor, c.subject) for c in world.changes() if c.action == "login-linked"] == [
            ("platform", person)
        ]
    else:
        with pytest.raises(UnauthenticatedError, match=r"account 's9' of https://id\.example is nobody here"):
            person_of(world.house, identity, rules)


BAD: dict[str, tuple[str, str, str, str, type[Exception]]] = {
    "not an administrator": ("vera", "vera", ISSUER, "s1", NotAllowedError),
    "nobody": ("admin", "nobody", ISSUER, "s1", NotFoundError),
    "the platform": ("admin", "platform", ISSUER, "s1", SettingError),
    "no subject": ("admin", "vera", ISSUER, " ", SettingError),
    "no issuer": ("admin", "vera", "", "s1", SettingError),
    "a long subject": ("admin", "vera", ISSUER, "s" * 256, SettingError),
}


@pytest.mark.parametrize(("by", "person", "issuer", "subject", "error"), BAD.values(), ids=BAD)
def test_a_link_that_may_not_be_is_not_made(
    world: World, by: str, person: str, issuer: str, subject: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        link_login(world.house, world.who(by), person, issuer, subject)
    assert world.all(Login) == []
