"""Signing keys over time: a person's or the platform's gets a successor, or counts as compromised from a moment on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from roadworthy.domain.errors import ConflictError, LostUpdateError, NotFoundError, SettingError
from roadworthy.domain.ports import Signer, Transaction
from roadworthy.domain.trust import Evidence, EvidenceKind, FormerKey, Person
from roadworthy.evidence.checkpoints import checkpoint_in, verify_record
from roadworthy.evidence.envelope import key_of, open_envelope
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.house import PLATFORM, House, need_reason
from roadworthy.services.serve.publish import publish_trust
from roadworthy.services.watch.verify import MAX_LINKS, checkpoint, standing_checkpoints, verify_against


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One key of one person: from when to when it counts, and whether it signs now."""

    person: str
    key_id: str
    current: bool
    valid_from: datetime | None
    valid_until: datetime | None
    compromised_since: datetime | None = None
    proven: int = 0


def rotate_key(
    house: House, actor: Person, name: str, reason: str, compromised_since: datetime | None = None
) -> Person:
    """Give a person, or the platform, a new key. What the former one signed until now stands.

    With `compromised_since` the former key is revoked too, see `revoke_key`. The platform signs a checkpoint with its
    new key at once; when its own key is rotated in peace, one with the former key as well.

    Raises:
        SettingError: no reason, or a moment without time zone or in the future.
        ConflictError: they are deactivated.
        ChainBrokenError: a key is to be revoked, and the change record that would prove its earlier signatures does
            not hold; rotate without `compromised_since` at once, and revoke when the record is restored.
    """
    house.allow(actor, "manage-people", {"owner": name})
    need_reason(f"the key of {name} is rotated", reason)
    _check_moment(compromised_since, house.clock.now())
    if compromised_since is not None:
        verify_against(house)
    before = _of_active(house, name)
    if name == PLATFORM and compromised_since is None:
        checkpoint(house, "the platform's key is rotated")
    # Before the transaction: a key of another service is tried, and that takes as long as it takes.
    fresh = house.keyring.renew(name)
    rotated = _put_in_use(house, actor, before, fresh, reason, compromised_since)
    publish_trust(house)
    house.keyring.retire(name, before.key_id)
    return rotated


def _of_active(house: House, name: str) -> Person:
    person = house.person(name)
    if not person.active:
        raise ConflictError(
            f"{name} is deactivated",
            remedy=f"`roadworthy people reactivate {name}` gives them another key.",
            name=name,
        )
    return person


@signed_ahead
def _put_in_use(
    house: House, actor: Person, before: Person, fresh: Signer, reason: str, compromised_since: datetime | None
) -> Person:
    """The person with the fresh key, and the one before as a former one."""
    with house.store.begin() as tx:
        person = tx.of(Person).get(before.id)
        if person.key_id != before.key_id or not person.active:
            raise LostUpdateError(
                f"{before.id} got another key, or was deactivated, meanwhile",
                remedy="Look at `roadworthy people keys`, then decide again.",
                name=before.id,
            )
        now = house.clock.now()
        former = FormerKey(person.key_id, person.public_key, person.valid_from, now)
        if compromised_since is not None:
            former = _revoked(tx, person, former, compromised_since)
        rotated = replace(
            person,
            key_id=fresh.key_id,
            public_key=fresh.public_key,
            valid_from=now,
            former=(*person.former, former),
        )
        tx.of(Person).replace(person, rotated)
        facts = {"key": fresh.key_id, **_facts(former)}
        house.record(tx, actor.id, "key-rotated", person.id, reason, facts, checkpoint="a key was rotated")
    return rotated


def revoke_key(
    house: House, actor: Person, name: str, key_id: str, compromised_since: datetime, reason: str
) -> Person:
    """Somebody else may have held a key that is not in use any more: what it signed from that moment on is refused.

    Of what it signed before, that counts which the change record proves to have been there before, by a signed
    checkpoint from before that moment.

    Args:
        house: the parts.
        actor: who revokes it.
        name: whose key it is, or was.
        key_id: the key, or the beginning of its id as long as it means one.
        compromised_since: from when on; a later revocation may only move it back.
        reason: why; it goes into the change record.

    Raises:
        SettingError: no reason, or a moment without time zone or in the future.
        NotFoundError: they have no such key.
        ConflictError: it is the key they sign with, or is revoked from an earlier moment on.
        ChainBrokenError: the change record does not hold, so it proves nothing.
    """
    house.allow(actor, "manage-people", {"owner": name})
    need_reason(f"a key of {name} is revoked", reason)
    _check_moment(compromised_since, house.clock.now())
    verify_against(house)
    moved = _revoke(house, actor, name, key_id, compromised_since, reason)
    publish_trust(house)
    return moved


@signed_ahead
def _revoke(
    house: House, actor: Person, name: str, key_id: str, compromised_since: datetime, reason: str
) -> Person:
    with house.store.begin() as tx:
        person = tx.of(Person).get(name)
        old = _former(person, key_id)
        if old.compromised_since is not None and old.compromised_since <= compromised_since:
            raise ConflictError(
                f"key {old.key_id[:12]}... of {name} is revoked from {old.compromised_since.isoformat()} on",
                remedy="A revocation is only moved to an earlier moment.",
                name=name,
            )
        revoked = _revoked(tx, person, old, compromised_since)
        others = tuple(k for k in person.former if k.key_id != old.key_id)
        moved = replace(person, former=(*others, revoked))
        if person.key_id == old.key_id:
            moved = replace(moved, key_id="", public_key="")
        tx.of(Person).replace(person, moved)
        house.record(tx, actor.id, "key-revoked", name, reason, _facts(revoked), checkpoint="a key was revoked")
    return moved


def settle_keys(house: House) -> None:
    """Destroy private keys that have a successor: left by a process that died at the end of a rotation."""
    with house.store.read() as tx:
        everybody = tx.of(Person).find()
    for person in everybody:
        kept = house.keyring.public_keys(person.id) if person.former else {}
        for old in person.former:
            if old.key_id in kept:
                house.keyring.retire(person.id, old.key_id)


def keys(house: House) -> tuple[KnownKey, ...]:
    """Every key of everybody, by person, the one in use first."""
    with house.store.read() as tx:
        everybody = tx.of(Person).find()
    return tuple(key for person in everybody for key in _keys(person))


def _keys(person: Person) -> Iterator[KnownKey]:
    if person.key_id:
        yield KnownKey(person.id, person.key_id, person.active, person.valid_from, person.valid_until)
    for old in reversed(person.former):
        bounds = (old.valid_from, old.valid_until, old.compromised_since)
        yield KnownKey(person.id, old.key_id, False, *bounds, len(old.proven))


def _former(person: Person, key_id: str) -> FormerKey:
    found = [old for old in person.former if key_id and old.key_id.startswith(key_id)]
    if key_id and person.key_id.startswith(key_id) and person.active:
        raise ConflictError(
            f"{person.id} signs with key {person.key_id[:12]}... now",
            remedy=f"Rotate it: `roadworthy people rotate {person.id} --compromised-since TIME`.",
            name=person.id,
        )
    if key_id and person.key_id.startswith(key_id) and person.valid_until is not None:
        found.append(FormerKey(person.key_id, person.public_key, person.valid_from, person.valid_until))
    if len(found) != 1:
        raise NotFoundError(
            f"{person.id} had {len(found)} keys whose id begins with '{key_id[:64]}'",
            remedy="`roadworthy people keys` lists them.",
            name=person.id,
        )
    return found[0]


def _revoked(tx: Transaction, person: Person, key: FormerKey, since: datetime) -> FormerKey:
    """The key as compromised, with the envelopes that the change record proves to be older than that."""
    links = tx.changes.read(limit=MAX_LINKS)
    trust = TrustRoot(tuple(tx.of(Person).find()))
    opened = [open_envelope(e.envelope, trust, now=None) for e in standing_checkpoints(tx)]
    known = [checkpoint_in(o) for o in opened]
    # The platform's own key vouches for its own past: a rewritten past shows against a checkpoint kept elsewhere.
    before = [
        c.seq
        for c, o in zip(known, opened, strict=True)
        if datetime.fromisoformat(c.at) < since and (o.key_id != key.key_id or person.id == PLATFORM)
    ]
    verify_record(links, known)
    covered = links[: max(before, default=0)]
    there = {str(value) for link in covered for value in link.facts.values()} | {link.digest for link in covered}
    signed = (e for e in tx.of(Evidence).find() if key_of(e.envelope) == key.key_id)
    return replace(key, compromised_since=since, proven=tuple(_there(signed, there)))


def _there(signed: Iterable[Evidence], there: set[str]) -> Iterator[str]:
    """Ids of evidence that a link names, or of checkpoints that are about a link."""
    for one in signed:
        if one.id in there or (one.kind is EvidenceKind.CHECKPOINT and one.subject in there):
            yield one.id


def _facts(key: FormerKey) -> dict[str, object]:
    since = key.compromised_since
    told = {"compromised_since": since.isoformat(), "proven": len(key.proven)} if since else {}
    return {"former": key.key_id, **told}


def _check_moment(since: datetime | None, now: datetime) -> None:
    if since is not None and (since.tzinfo is None or since > now):
        raise SettingError(
            f"`compromised_since` is {since.isoformat()}",
            remedy="Give a moment with a time zone, for example 2026-11-20T08:00:00Z, that is not in the future.",
            field="compromised_since",
        )
