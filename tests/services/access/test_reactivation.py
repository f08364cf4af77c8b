"""Coming back after a deactivation: a new key, the same roles, and no door that was shut opens again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import V1, World, at, days

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.errors import (
    ConflictError,
    ExpiredSignatureError,
    NotAllowedError,
    SettingError,
    UnauthenticatedError,
)
from roadworthy.domain.ports import Signer
from roadworthy.domain.trust import EvidenceKind, Role, SignOff
from roadworthy.evidence.envelope import make_evidence, open_envelope
from roadworthy.evidence.statements import sign_off_statement
from roadworthy.services.access.reactivation import reactivate_person
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import open_session, session_of
from roadworthy.services.access.tokens import TokenTerms, create_token, holder_of
from roadworthy.services.catalog.people import add_person, deactivate_person
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.licence.delegations import delegate
from roadworthy.services.watch.verify import evidence_of, trust_root, verify_changes

RULES = AccessRules()


@pytest.fixture
def world() -> World:
    return at("signed")


def left(world: World, name: str = "vera") -> None:
    deactivate_person(world.house, world.who("admin"), name, "left")
    world.clock.advance(days(1))


def back(world: World, name: str = "vera") -> None:
    world.clock.advance(days(1))
    reactivate_person(world.house, world.who("admin"), name, "back from abroad")


def test_whoever_comes_back_has_their_roles_a_new_key_and_signs_again(world: World) -> None:
    old = world.who("vera")
    left(world)
    back(world)
    now = world.who("vera")
    assert (now.active, now.roles, now.valid_until) == (True, old.roles, None)
    assert now.key_id != old.key_id
    assert [k.key_id for k in now.former] == [old.key_id]
    link = world.changes()[-1]
    assert (link.action, link.subject, link.why) == ("person-reactivated", "vera", "back from abroad")
    world.validate(V1)
    assert world.sign(V1).person == "vera"
    assert verify_changes(world.house) == len(world.changes())


def test_what_they_signed_before_stands_and_the_former_key_signs_nothing_more(world: World) -> None:
    stolen: Signer = world.house.keyring.signer("vera")
    left(world)
    back(world)
    (before,) = evidence_of(world.house, V1, EvidenceKind.SIGN_OFF)
    trust = trust_root(world.house)
    assert open_envelope(before.envelope, trust, now=None).person.id == "vera"
    forged = SignOff("x", V1, "run", before.subject, "vera", True, "sure", world.clock.now())
    made = make_evidence(
        sign_off_statement(forged, now=world.clock.now()), stolen, person="vera", now=world.clock.now()
    )
    with pytest.raises(ExpiredSignatureError):
        open_envelope(made.envelope, trust, now=None)


def test_tokens_and_sessions_of_before_let_nobody_in(world: World) -> None:
    secret = create_token(world.house, world.who("vera"), TokenTerms("vera", "laptop"), RULES, ACTIONS).secret
    cookie = open_session(world.house, "vera", "local-token", RULES).value
    left(world)
    back(world)
    with pytest.raises(UnauthenticatedError):
        holder_of(world.house, secret)
    with pytest.raises(UnauthenticatedError):
        session_of(world.house, cookie, RULES)
    assert world.changes()[-1].facts["tokens_revoked"]


def test_a_delegation_given_before_is_not_signed_under_after_the_comeback() -> None:
    world = at("validated")
    delegate(world.house, world.who("victor"), "rita", world.clock.now() + days(30), reason="on leave")
    left(world, "victor")
    back(world, "victor")
    with pytest.raises(NotAllowedError, match="not any more"):
        sign_off(world.house, world.who("rita"), V1, approved=True, reason="holds", in_place_of="victor")


def test_roles_a_group_lent_are_not_back_before_the_next_login(world: World) -> None:
    vera = world.who("vera")
    with world.house.store.begin() as tx:
        tx.of(type(vera)).replace(vera, replace(vera, roles=(*vera.roles, Role.AUDITOR), lent=(Role.AUDITOR,)))
    left(world)
    back(world)
    now = world.who("vera")
    assert (now.roles, now.lent) == (vera.roles, ())
    assert [f.role for f in now.former_roles] == [Role.AUDITOR]


def test_only_an_administrator_lets_somebody_back_with_a_reason_and_nobody_who_is_here(world: World) -> None:
    left(world)
    with pytest.raises(NotAllowedError):
        reactivate_person(world.house, world.who("omar"), "vera", "back")
    with pytest.raises(SettingError):
        reactivate_person(world.house, world.who("admin"), "vera", " ")
    with pytest.raises(NotAllowedError):
        reactivate_person(world.house, world.who("vera"), "vera", "back")
    assert not world.who("vera").active
    with pytest.raises(ConflictError):
        add_person(world.house, world.who("admin"), "vera", ["validator"])
    back(world)
    with pytest.raises(ConflictError, match="vera is active"):
        back(world)
