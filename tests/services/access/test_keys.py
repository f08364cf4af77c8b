"""Signing keys over time: what a former key signed stands, what a compromised one signed is refused and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from simulated_offers import simulate
from small_world import V1, World, at, days

from roadworthy.domain import faults
from roadworthy.domain.errors import (
    ConflictError,
    CouldNotVerifyError,
    ExpiredSignatureError,
    IntegrityError,
    NotAllowedError,
    NotFoundError,
    RoadworthyError,
    SettingError,
)
from roadworthy.domain.trust import Evidence, EvidenceKind, Person
from roadworthy.evidence.bundle import ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.envelope import open_envelope, seal
from roadworthy.evidence.trust import decode_trust, encode_trust
from roadworthy.services.access.keys import keys, revoke_key, rotate_key, settle_keys
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.house import PLATFORM
from roadworthy.services.watch.verify import bundle, checkpoint, trust_root, verify_against


@pytest.fixture
def world() -> World:
    made = at("serving")
    made.clock.advance(timedelta(hours=1))
    return made


def rotate(world: World, name: str, since: datetime | None = None) -> Person:
    return rotate_key(world.house, world.who("admin"), name, "as planned", since)


def evidence(world: World, kind: EvidenceKind) -> list[Evidence]:
    with world.house.store.read() as tx:
        return tx.of(Evidence).find(kind=kind)


def signed_by(world: World, name: str, kind: EvidenceKind) -> str:
    return next(str(e.envelope) for e in evidence(world, kind) if e.signer == name)


def opened(world: World, envelope: str) -> str:
    return open_envelope(envelope, trust_root(world.house), now=world.clock.now()).person.id


def answers(world: World) -> int:
    frame, _ = simulate(30, 5)
    gateway = world.gateway()
    try:
        found = world.ask(gateway, frame, [str(i) for i in range(30)])
        return sum(s is not None for a in found for s in a.scores)
    finally:
        gateway.close()


def bundle_items(world: World) -> dict[ItemStatus, list[str]]:
    """What an auditor's verification says, from bytes, with the trust root of now."""
    found = decode_bundle(encode_bundle(bundle(world.house, V1)))
    trust = decode_trust(encode_trust(trust_root(world.house)))
    artifact = world.house.artifacts.get(found.artifact)
    report = verify_bundle(found, trust, artifact, now=world.clock.now())
    return {status: [i.why for i in report.of(status)] for status in ItemStatus}


def dossier_problems(world: World) -> list[str]:
    return [p.why for p in prove(read_record(world.house, V1)).problems]


EVERYBODY = ("vera", "omar", "olga", PLATFORM)


@pytest.mark.parametrize("name", EVERYBODY)
def test_after_a_rotation_record_gateway_bundle_and_dossier_all_hold(world: World, name: str) -> None:
    before = world.who(name)
    after = rotate(world, name)
    assert after.key_id != before.key_id
    assert [(k.key_id, k.valid_until, k.compromised_since) for k in after.former] == [
        (before.key_id, world.clock.now(), None)
    ]
    verify_against(world.house)
    assert answers(world) > 0
    items = bundle_items(world)
    assert items[ItemStatus.WRONG] + items[ItemStatus.COULD_NOT_VERIFY] == []
    assert dossier_problems(world) == []


def test_the_new_key_signs_from_now_on_and_the_private_half_of_the_former_is_gone(world: World) -> None:
    former = world.who("vera").key_id
    rotate(world, "vera")
    with pytest.raises(NotFoundError, match=former[:12]):
        world.house.keyring.signer("vera", former)
    assert former in world.house.keyring.public_keys("vera")
    world.clock.advance(days(1))
    world.register()
    world.validate("offers:2")
    world.sign("offers:2")
    newest = evidence(world, EvidenceKind.SIGN_OFF)[-1]
    assert open_envelope(newest.envelope, trust_root(world.house), now=None).key_id == world.who("vera").key_id


def test_what_a_former_key_signs_after_its_rotation_is_expired(world: World) -> None:
    stolen = world.house.keyring.signer("vera")
    rotate(world, "vera")
    world.clock.advance(days(1))
    statement = open_envelope(
        signed_by(world, "vera", EvidenceKind.SIGN_OFF), trust_root(world.house), now=None
    ).statement
    late = resign(statement, stolen, world.clock.now())
    with pytest.raises(ExpiredSignatureError, match="counts only until"):
        opened(world, late)


def resign(statement: dict, signer: object, moment: datetime) -> str:
    told = {**statement["predicate"], "at": moment.isoformat().replace("+00:00", "Z")}
    return seal({**statement, "predicate": told}, signer)


def test_the_platforms_rotation_is_checkpointed_under_both_keys(world: World) -> None:
    former = world.who(PLATFORM).key_id
    rotate(world, PLATFORM)
    trust = trust_root(world.house)
    signed = [open_envelope(e.envelope, trust, now=None) for e in evidence(world, EvidenceKind.CHECKPOINT)]
    assert [o.key_id == former for o in signed[-2:]] == [True, False]
    assert "key-rotated" in world.actions()
    assert verify_against(world.house).open_links == 0


def test_a_rotation_says_who_why_and_which_keys_in_the_change_record(world: World) -> None:
    former = world.who("vera").key_id
    after = rotate(world, "vera")
    link = world.changes()[-1]
    assert (link.actor, link.action, link.subject, link.why) == ("admin", "key-rotated", "vera", "as planned")
    assert (link.facts["key"], link.facts["former"]) == (after.key_id, former)


def test_of_a_key_compromised_now_everything_under_a_checkpoint_before_stands(world: World) -> None:
    checkpoint(world.house, "kept")
    world.clock.advance(timedelta(hours=1))
    after = rotate(world, "vera", world.clock.now())
    assert after.former[-1].proven
    assert answers(world) > 0
    assert bundle_items(world)[ItemStatus.WRONG] == []
    assert dossier_problems(world) == []


def test_what_a_compromised_key_signed_since_is_refused_by_name_everywhere(world: World) -> None:
    signed = evidence(world, EvidenceKind.SIGN_OFF)[0]
    rotate(world, "vera", signed.created_at)
    with pytest.raises(ExpiredSignatureError, match=r"revoked key: the sign-off statement of vera"):
        opened(world, signed.envelope)
    with pytest.raises(RoadworthyError, match="revoked key"):
        answers(world)
    assert any("revoked key" in why for why in bundle_items(world)[ItemStatus.WRONG])
    assert any("revoked key" in why for why in dossier_problems(world))
    verify_against(world.house)


def test_a_statement_dated_before_the_compromise_that_nothing_proves_could_not_be_verified(world: World) -> None:
    genuine = signed_by(world, "vera", EvidenceKind.SIGN_OFF)
    stolen = world.house.keyring.signer("vera")
    checkpoint(world.house, "kept")
    since = world.clock.now() + timedelta(hours=1)
    world.clock.advance(timedelta(hours=2))
    rotate(world, "vera", since)
    assert opened(world, genuine) == "vera"
    said = open_envelope(genuine, trust_root(world.house), now=None).statement
    backdated = resign(said, stolen, since - timedelta(minutes=59))
    with pytest.raises(CouldNotVerifyError, match="nothing proves that this sign-off statement is as old"):
        opened(world, backdated)


def test_what_no_checkpoint_covered_before_the_compromise_is_not_proven(world: World) -> None:
    world.register()
    world.validate("offers:2")
    world.clock.advance(timedelta(minutes=5))
    world.sign("offers:2")
    late = evidence(world, EvidenceKind.SIGN_OFF)[-1]
    world.clock.advance(timedelta(minutes=5))
    rotate(world, "vera", world.clock.now())
    with pytest.raises(CouldNotVerifyError, match="nothing proves"):
        opened(world, late.envelope)


def test_the_record_holds_though_the_platforms_own_key_was_compromised(world: World) -> None:
    since = world.clock.now()
    world.clock.advance(days(1))
    checkpoint(world.house, "signed while the key was in other hands")
    world.add("zoe", "auditor")
    void = checkpoint(world.house, "the newest one").envelope
    rotate(world, PLATFORM, since)
    with pytest.raises(ExpiredSignatureError, match="revoked key: the checkpoint statement of platform"):
        opened(world, void)
    assert verify_against(world.house, [void]).open_links == 0
    assert answers(world) > 0
    items = bundle_items(world)
    assert items[ItemStatus.WRONG] + items[ItemStatus.COULD_NOT_VERIFY] == []
    assert dossier_problems(world) == []


def test_a_former_key_is_revoked_later_and_only_ever_to_an_earlier_moment(world: World) -> None:
    checkpoint(world.house, "kept")
    world.clock.advance(days(1))
    former = rotate(world, "vera").former[0].key_id
    world.clock.advance(days(1))
    admin, first = world.who("admin"), world.clock.now() - days(1)
    revoked = revoke_key(world.house, admin, "vera", former[:10], first, "a laptop was lost")
    assert revoked.former[0].compromised_since == first
    with pytest.raises(ConflictError, match="is revoked from"):
        revoke_key(world.house, admin, "vera", former, world.clock.now(), "later after all")
    earlier = revoke_key(world.house, admin, "vera", former, first - days(30), "it was lost in winter")
    assert (earlier.former[0].compromised_since, earlier.former[0].proven) == (first - days(30), ())


def test_the_key_of_somebody_who_is_gone_can_be_revoked_and_the_key_in_use_cannot(world: World) -> None:
    admin, now = world.who("admin"), world.clock.now()
    with pytest.raises(ConflictError, match="signs with key"):
        revoke_key(world.house, admin, "vera", world.who("vera").key_id, now, "lost")
    deactivate_person(world.house, admin, "vera", "left")
    with pytest.raises(ConflictError, match="is deactivated"):
        rotate(world, "vera")
    gone = revoke_key(world.house, admin, "vera", world.who("vera").key_id, now, "lost")
    assert (gone.key_id, len(gone.former)) == ("", 1)
    verify_against(world.house)


REFUSED: dict[str, tuple[Callable[[World], object], type[Exception], str]] = {
    "no reason": (lambda w: rotate_key(w.house, w.who("admin"), "vera", " "), SettingError, "without a reason"),
    "the future": (lambda w: rotate(w, "vera", w.clock.now() + days(1)), SettingError, "not in the future"),
    "no time zone": (lambda w: rotate(w, "vera", datetime(2026, 1, 1)), SettingError, "time zone"),  # noqa: DTZ001
    "nobody": (lambda w: rotate(w, "nobody"), NotFoundError, "nobody"),
    "no such key": (
        lambda w: revoke_key(w.house, w.who("admin"), "vera", "zz", w.clock.now(), "lost"),
        NotFoundError,
        "had 0 keys",
    ),
    "no id": (
        lambda w: revoke_key(w.house, w.who("admin"), "vera", "", w.clock.now(), "lost"),
        NotFoundError,
        "had 0 keys",
    ),
    "not an administrator": (lambda w: rotate_key(w.house, w.who("vera"), "vera", "mine"), NotAllowedError, "vera"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_asked_wrongly_changes_nothing(world: World, case: str) -> None:
    act, kind, said = REFUSED[case]
    before = world.changes()
    with pytest.raises(kind, match=said):
        act(world)
    assert world.changes() == before
    assert len(world.house.keyring.public_keys("vera")) == 1


class Crash(BaseException):
    """Stands for the end of the process."""


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("name", ["vera", PLATFORM])
@pytest.mark.parametrize("point", ["store.before-commit", "store.after-commit"])
def test_a_crash_in_the_middle_of_a_rotation_leaves_one_key_that_signs(world: World, name: str, point: str) -> None:
    before = world.who(name).key_id
    faults.arm(point, crash)
    with pytest.raises(Crash):
        rotate(world, name)
    faults.disarm_all()
    settle_keys(world.house)
    now = world.who(name)
    assert (now.key_id == before) is (point == "store.before-commit")
    world.house.keyring.signer(name, now.key_id)
    if now.key_id != before:
        with pytest.raises(NotFoundError):
            world.house.keyring.signer(name, before)
    world.add("zoe", "auditor")
    checkpoint(world.house, "afterwards")
    verify_against(world.house)
    assert bundle_items(world)[ItemStatus.WRONG] == []


def test_a_former_platform_key_that_the_keyring_never_had_is_an_intrusion(world: World) -> None:
    strange = world.house.keyring.create("intruder")
    former = rotate(world, PLATFORM).former[0]
    with world.house.store.begin() as tx:
        stored = tx.of(Person).get(PLATFORM)
        forged = replace(former, key_id=strange.key_id, public_key=strange.public_key)
        tx.of(Person).replace(stored, replace(stored, former=(former, forged)))
    with pytest.raises(IntegrityError, match="the keyring holds"):
        verify_against(world.house)


def test_every_key_is_listed_with_its_times(world: World) -> None:
    first = world.who("vera").key_id
    after = rotate(world, "vera")
    mine = [k for k in keys(world.house) if k.person == "vera"]
    assert [(k.key_id, k.current) for k in mine] == [(after.key_id, True), (first, False)]
    assert (mine[0].valid_from, mine[1].valid_until) == (world.clock.now(), world.clock.now())
