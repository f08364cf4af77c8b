"""Accepting a hand-off in an operator's place: who may, who may not, and what a verifier makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from small_world import V1, World, at, days

from roadworthy.domain.errors import NotAllowedError, NotIndependentError, SettingError
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import Delegation, Evidence, EvidenceKind, HandOff
from roadworthy.evidence.bundle import Bundle, BundleReport, ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.envelope import claimed_kind, make_evidence
from roadworthy.evidence.statements import hand_off_statement
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.gates.hand_off import accept_hand_off
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.licence.delegations import delegate, revoke_delegation
from roadworthy.services.watch.verify import bundle, trust_root

ACCEPT = "accept-hand-off"
NAME = "accepted in an operator's place"


@pytest.fixture
def world() -> World:
    return at("candidate")


def lent(world: World, taker: str = "rita", giver: str = "omar", action: str = ACCEPT) -> Delegation:
    """A delegation for a month."""
    until = world.clock.now() + days(30)
    return delegate(world.house, world.who(giver), taker, until, action=action, reason="on leave")


def accepted(world: World, by: str = "rita", place: str = "omar") -> HandOff:
    about = {"service_owner": "omar", "run_book": "call omar"}
    return accept_hand_off(world.house, world.who(by), V1, in_place_of=place, **about)


def judged(world: World, changed: Callable[[Bundle], Bundle] = lambda b: b) -> BundleReport:
    found = changed(bundle(world.house, V1))
    artifact = world.house.artifacts.get(found.artifact)
    return verify_bundle(decode_bundle(encode_bundle(found)), trust_root(world.house), artifact, now=None)


def test_who_was_given_it_accepts_and_the_version_goes_on_its_road(world: World) -> None:
    given = lent(world)
    hand_off = accepted(world)
    assert (hand_off.operator, hand_off.delegation) == ("rita", given.id)
    assert world.changes()[-1].facts["delegation"] == given.id
    world.gate(V1, Gate.ACTIVATION)
    report = judged(world)
    assert [i.why for i in report.items if i.name == NAME] == ["rita for omar"]
    assert report.holds
    assert prove(read_record(world.house, V1)).problems == ()


def test_without_a_delegation_in_force_nobody_accepts_in_anothers_place(world: World) -> None:
    lent(world, giver="vera", action="sign-off")
    with pytest.raises(NotAllowedError, match=f"has not delegated {ACCEPT}"):
        accepted(world)
    ended = lent(world)
    revoke_delegation(world.house, world.who("omar"), ended.id)
    with pytest.raises(NotAllowedError, match="not any more"):
        accepted(world)


def test_who_made_the_version_does_not_accept_it_in_anothers_place(world: World) -> None:
    lent(world, taker="dan")
    with pytest.raises(NotIndependentError, match="dan made offers:1"):
        accepted(world, by="dan")
    assert world.all(HandOff) == []


def test_nobody_lends_what_they_may_not_do_themselves_nor_what_is_not_to_be_lent(world: World) -> None:
    with pytest.raises(NotAllowedError):
        lent(world, giver="vera", action=ACCEPT)
    with pytest.raises(NotAllowedError):
        lent(world, giver="omar", action="sign-off")
    for action in ("deploy", "agree-contract", "manage-people"):
        with pytest.raises(SettingError, match=f"'{action}' cannot be delegated"):
            lent(world, action=action)


def test_a_delegation_of_accepting_is_none_of_signing_off() -> None:
    world = at("validated")
    lent(world, taker="rita")
    with pytest.raises(NotAllowedError):
        sign_off(world.house, world.who("rita"), V1, approved=True, reason="holds", in_place_of="omar")


def test_a_verifier_needs_the_delegation_and_refuses_one_of_another_action_or_a_maker(world: World) -> None:
    lent(world)
    accepted(world)
    without = judged(
        world,
        lambda b: replace(b, envelopes=tuple(e for e in b.envelopes if claimed_kind(e) != "delegation")),
    )
    assert [(i.name, i.status) for i in without.items if i.name == NAME] == [(NAME, ItemStatus.COULD_NOT_VERIFY)]
    signing = lent(world, giver="vera", action="sign-off")
    for taker, delegation, why in (
        ("rita", signing.id, "of vera, who may not do it themselves"),
        ("dan", lent(world, "dan").id, "made it"),
    ):
        forged = forge(world, taker, delegation)
        (item,) = [i for i in judged(world, with_hand_off(world, forged)).items if i.name == NAME]
        assert (item.status, why in item.why) == (ItemStatus.WRONG, True), item.why


def forge(world: World, by: str, delegation: str) -> Evidence:
    """A hand-off signed past the service."""
    now = world.clock.now()
    made = HandOff("hand-off-x", V1, by, "omar", "none", now, delegation=delegation)
    key = world.house.keyring.signer(by, world.who(by).key_id)
    return make_evidence(hand_off_statement(made, world.version(V1), now=now), key, person=by, now=now)


def with_hand_off(world: World, one: Evidence) -> Callable[[Bundle], Bundle]:
    """A bundle with this hand-off in the place of the genuine one, and every delegation there is."""
    lendings = [e.envelope for e in world.all(Evidence) if e.kind is EvidenceKind.DELEGATION]

    def changed(whole: Bundle) -> Bundle:
        kept = [e for e in whole.envelopes if claimed_kind(e) not in ("hand-off", "delegation")]
        return replace(whole, envelopes=(*kept, one.envelope, *lendings))

    return changed
