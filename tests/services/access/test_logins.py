"""Which person an account is: linked by an administrator, or by a verified address where the rules say so."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from small_world import V1, World, at, days

from roadworthy.apps.settings import read_settings
from roadworthy.domain.errors import (
    IntegrityError,
    NotAllowedError,
    NotFoundError,
    SettingError,
    UnauthenticatedError,
)
from roadworthy.domain.trust import Evidence, EvidenceKind, Identity, Login, Person, Role
from roadworthy.evidence.bundle import ItemStatus, verify_bundle
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.licence import check_signer
from roadworthy.evidence.trust import TRUST, TrustRoot, decode_trust
from roadworthy.services.access.logins import follow_groups, link_login, logins, person_of
from roadworthy.services.access.rules import AccessRules, lent_roles
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.house import PLATFORM
from roadworthy.services.watch.verify import bundle, trust_root

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


GROUPS = AccessRules(oidc_roles="risk=validator, risk = risk-reviewer, ops=operator, root=administrator")


def follow(world: World, name: str, *groups: str, rules: AccessRules = GROUPS) -> Person:
    return follow_groups(world.house, name, Identity(ISSUER, "s1", groups=groups), rules)


def test_groups_lend_exactly_the_roles_that_are_written_and_those_given_here_stay(world: World) -> None:
    dan = follow(world, "dan", "risk", "staff", "administrator")
    assert set(dan.roles) == {Role.DATA_SCIENTIST, Role.VALIDATOR, Role.RISK_REVIEWER}
    assert set(dan.lent) == {Role.VALIDATOR, Role.RISK_REVIEWER}
    link = world.changes()[-1]
    assert (link.actor, link.action, link.subject) == (PLATFORM, "roles-followed-groups", "dan")
    assert (link.facts["groups"], link.facts["lent"]) == (["risk"], ["validator", "risk-reviewer"])
    assert decode_trust(world.house.trust.read(TRUST) or b"") == trust_root(world.house)


@pytest.mark.parametrize("rules", [GROUPS, AccessRules()], ids=["another group", "no rule any more"])
def test_a_role_whose_group_is_gone_is_taken_back_at_the_next_login(world: World, rules: AccessRules) -> None:
    follow(world, "dan", "risk")
    dan = follow(world, "dan", "ops" if rules is GROUPS else "risk", rules=rules)
    kept = {Role.DATA_SCIENTIST, Role.OPERATOR} if rules is GROUPS else {Role.DATA_SCIENTIST}
    assert set(dan.roles) == kept
    assert {f.role for f in dan.former_roles} == {Role.VALIDATOR, Role.RISK_REVIEWER}
    assert set(world.changes()[-1].facts["taken back"]) == {"validator", "risk-reviewer"}


def test_a_role_held_here_already_is_neither_lent_nor_taken_back(world: World) -> None:
    before = world.changes()
    assert follow(world, "vera", "risk").lent == (Role.RISK_REVIEWER,)
    assert follow(world, "vera").roles == (Role.VALIDATOR,)
    assert len(world.changes()) == len(before) + 2


def test_a_login_that_changes_nothing_records_nothing(world: World) -> None:
    follow(world, "dan", "risk")
    before = world.changes()
    follow(world, "dan", "risk", "staff")
    assert world.changes() == before


def test_administrator_is_lent_only_by_a_group_that_says_so(world: World) -> None:
    assert Role.ADMINISTRATOR not in follow(world, "dan", "administrator", "admin").roles
    assert Role.ADMINISTRATOR in follow(world, "dan", "root").roles
    assert Role.ADMINISTRATOR not in follow(world, "dan").roles


def test_whoever_is_deactivated_is_lent_nothing(world: World) -> None:
    deactivate_person(world.house, world.who("admin"), "dan", "left")
    assert follow(world, "dan", "risk").lent == ()


@pytest.mark.parametrize("text", ["risk", "=validator", "risk=", "risk=boss", "risk=platform", "a=validator,b"])
def test_a_rule_that_lends_no_known_role_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="'oidc_roles' has"):
        lent_roles(text)
    with pytest.raises(SettingError, match="'oidc_roles' has"):
        read_settings(Path("nowhere"), {"ROADWORTHY_OIDC_ROLES": text})


def test_what_somebody_signed_in_a_lent_role_stands_when_it_is_taken_back_and_nothing_after() -> None:
    world = at("validated")
    world.add("zoe", "auditor")
    world.add("mia", "business-owner")
    follow(world, "mia", "risk")
    world.sign(V1, by="mia")
    world.clock.advance(days(1))
    follow(world, "mia")
    with world.house.store.read() as tx:
        signed = tx.of(Evidence).find(kind=EvidenceKind.SIGN_OFF)[-1]
    opened = open_envelope(signed.envelope, trust_root(world.house), now=None)
    check_signer(opened)
    world.clock.advance(days(1))
    later = replace(opened, statement={**opened.statement, "predicate": {**opened.predicate, "at": stamp(world)}})
    with pytest.raises(IntegrityError, match="mia, who is no validator"):
        check_signer(later)
    assert (
        verify_bundle(bundle(world.house, V1), trust_root(world.house), None, now=None).of(ItemStatus.WRONG) == ()
    )


def stamp(world: World) -> str:
    return world.clock.now().isoformat().replace("+00:00", "Z")


def test_a_bundle_of_before_a_role_was_taken_back_still_agrees_with_the_trust_root_of_today() -> None:
    world = at("validated")
    follow(world, "olga", "risk")
    before = bundle(world.house, V1)
    follow(world, "olga")
    report = verify_bundle(before, trust_root(world.house), None, now=None)
    assert report.items[0].status is ItemStatus.OK
    stranger = replace(before.trust.people[0], roles=(Role.PLATFORM, Role.VALIDATOR))
    forged = replace(before, trust=TrustRoot((stranger, *before.trust.people[1:])))
    assert verify_bundle(forged, trust_root(world.house), None, now=None).items[0].status is ItemStatus.WRONG
