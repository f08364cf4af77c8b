"""Coming back: somebody who was deactivated may act again, under a new key; nothing they had opens a door any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from roadworthy.domain.errors import ConflictError, LostUpdateError
from roadworthy.domain.ports import Signer, Transaction
from roadworthy.domain.trust import FormerKey, FormerRole, Person, Session, Token
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.house import House, need_reason
from roadworthy.services.serve.publish import publish_trust


def reactivate_person(house: House, actor: Person, name: str, reason: str) -> Person:
    """Let a deactivated person act again, in the roles given to them here and with a fresh signing key.

    Their former key counts until they were deactivated, as before. Their tokens are revoked and their sessions ended
    for good; roles that groups lent them are lent again at their next login. Delegations they gave stay without
    effect: the key that signed those does not count any more.

    Raises:
        SettingError: no reason.
        ConflictError: they are active.
        LostUpdateError: somebody else let them come back at the same time.
    """
    house.allow(actor, "manage-people", {"owner": name})
    need_reason(f"{name} is reactivated", reason)
    before = house.person(name)
    if before.active:
        raise ConflictError(f"{name} is active", remedy="Nothing is left to do.", name=name)
    # Before the transaction: a key of another service is tried, and that takes as long as it takes.
    fresh = house.keyring.renew(name)
    back = _put_back(house, actor, before, fresh, reason)
    publish_trust(house)
    if before.key_id:
        house.keyring.retire(name, before.key_id)
    return back


@signed_ahead
def _put_back(house: House, actor: Person, before: Person, fresh: Signer, reason: str) -> Person:
    with house.store.begin() as tx:
        gone = tx.of(Person).get(before.id)
        if gone != before:
            raise LostUpdateError(f"{before.id} was changed meanwhile", remedy="Look again.", name=before.id)
        now = house.clock.now()
        ended = gone.valid_until or now
        former = FormerKey(gone.key_id, gone.public_key, gone.valid_from, ended)
        back = replace(
            gone,
            active=True,
            roles=tuple(r for r in gone.roles if r not in gone.lent),
            lent=(),
            former_roles=(*gone.former_roles, *(FormerRole(r, ended) for r in gone.lent)),
            key_id=fresh.key_id,
            public_key=fresh.public_key,
            valid_from=now,
            valid_until=None,
            former=(*gone.former, former) if gone.key_id else gone.former,
        )
        tx.of(Person).replace(gone, back)
        revoked = _shut(tx, back.id, now)
        facts = {"key": back.key_id, "former": gone.key_id, "roles": [r.value for r in back.roles]}
        told = {**facts, "tokens_revoked": revoked}
        house.record(tx, actor.id, "person-reactivated", back.id, reason, told, checkpoint="a key was rotated")
    return back


def _shut(tx: Transaction, person: str, now: datetime) -> list[str]:
    """Revoke every token and end every session from before; returns the tokens' ids."""
    for session in tx.of(Session).find(person=person):
        if session.ended_at is None:
            tx.of(Session).replace(session, replace(session, ended_at=now))
    living = [t for t in tx.of(Token).find(person=person) if t.revoked_at is None]
    for token in living:
        tx.of(Token).replace(token, replace(token, revoked_at=now))
    return [t.id for t in living]
