"""Delegations: somebody lets another person sign off, or accept a hand-off, in their place, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from roadworthy.domain.errors import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
    NotIndependentError,
    SettingError,
)
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Delegation, EvidenceKind, Person, Role
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.approval import ACCEPT, SIGN_OFF
from roadworthy.evidence.statements import delegation_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House

DELEGABLE = (SIGN_OFF, ACCEPT)
"""What may be delegated: what takes one person's own judgement, is signed by them, and cannot wait for them.

A KPI contract is a promise of its owner alone. What operates a model (deploy, roll back, suspend) every operator may
do, and gateways believe it by the role of whoever signed it, with no other paper at hand.
"""


@signed_ahead
def delegate(
    house: House,
    actor: Person,
    taker: str,
    until: datetime,
    *,
    action: str = SIGN_OFF,
    use_case: str = "",
    reason: str = "",
) -> Delegation:
    """Let `taker` act in the actor's place until a time; in one use case, or in all.

    What was delegated is not delegated on: only who may do it by a role of their own can give it.

    Raises:
        NotAllowedError: the actor may not do that themselves, or the taker may not take it.
        SettingError: no such action, an end that is past or has no zone, or oneself as taker.
        NotFoundError: no such person or use case.
    """
    facts = facts_of(house, use_case=use_case) if use_case else {}
    house.allow(actor, "delegate", facts)
    _refuse(action, taker, until, actor, house.clock.now())
    # Who made the version is not known yet, so nobody who gives or takes is among these.
    house.allow(actor, action, {**facts, "developers": ["somebody else"]})
    with house.store.begin() as tx:
        receiver = tx.of(Person).get(taker)
        if use_case:
            tx.of(UseCase).get(use_case)
        if not receiver.active or {Role.AUDITOR, Role.PLATFORM} & set(receiver.roles):
            raise NotAllowedError(
                f"{taker} cannot take a delegation",
                remedy="Name somebody active who is neither the platform nor an auditor: those change nothing.",
                actor=taker,
                action=action,
            )
        granted = Delegation(
            id=f"delegation-{tx.of(Delegation).count() + 1}",
            giver=actor.id,
            taker=taker,
            action=action,
            use_case=use_case,
            reason=reason,
            created_at=house.clock.now(),
            until=until,
        )
        statement = delegation_statement(granted, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.DELEGATION, statement)
        granted = replace(granted, statement=evidence.id)
        tx.of(Delegation).add(granted)
        told = {"to": taker, "action": action, "until": until.isoformat(), "use_case": use_case}
        house.record(tx, actor.id, "delegated", granted.id, reason, {**told, "evidence": evidence.id})
    return granted


@signed_ahead
def revoke_delegation(house: House, actor: Person, delegation_id: str, reason: str = "") -> Delegation:
    """End a delegation now. What was signed under it before stands.

    Raises:
        NotAllowedError: the actor neither gave it nor is an administrator.
        ConflictError: it is revoked already.
    """
    with house.store.read() as tx:
        found = tx.of(Delegation).get(delegation_id)
    house.allow(actor, "revoke-delegation", {"owner": found.giver})
    with house.store.begin() as tx:
        found = tx.of(Delegation).get(delegation_id)
        if found.revoked_at is not None:
            raise ConflictError(f"{found.id} is revoked already", remedy="Nothing is left to do.", id=found.id)
        ended = replace(found, revoked_at=house.clock.now())
        statement = delegation_statement(ended, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.DELEGATION, statement)
        tx.of(Delegation).replace(found, ended)
        house.record(tx, actor.id, "delegation-revoked", found.id, reason, {"evidence": evidence.id})
    return ended


def delegations(house: House, person: str = "") -> list[Delegation]:
    """Delegations given or taken by somebody (or by anybody), newest first."""
    with house.store.read() as tx:
        found = tx.of(Delegation).find(newest_first=True)
    return [d for d in found if person in ("", d.giver, d.taker)]


def acting_for(
    house: House, taker: Person, giver: str, facts: Mapping[str, Any], action: str = SIGN_OFF
) -> Delegation:
    """The delegation under which `taker` may do this in the place of `giver` now.

    The giver must still be able to do it themselves. Nobody takes the place of another for a version they made.

    Raises:
        NotIndependentError: the taker made the version or one it descends from.
        NotAllowedError: there is none in force, or either of the two may not do this with this version.
    """
    if giver == taker.id:
        raise SettingError("nobody signs in their own place", remedy="Leave out for whom.", field="in_place_of")
    owner = house.person(giver)
    with house.store.read() as tx:
        found = in_force(tx, giver, taker.id, action, str(facts["use_case"]), house.clock.now())
    if found is None:
        raise NotAllowedError(
            f"{giver} has not delegated {action} of '{facts['use_case']}' to {taker.id}, or not any more",
            remedy=f"{giver} can: `roadworthy delegate {taker.id} --action {action} --until DATE --as {giver}`.",
            actor=taker.id,
            action=action,
        )
    if taker.id in facts["developers"]:
        raise NotIndependentError(
            f"{taker.id} made {facts['version']} or a version it descends from",
            remedy="Delegate to somebody who made none of them.",
            actor=taker.id,
            action=action,
        )
    house.allow(owner, action, facts)
    # The taker acts with what the giver holds, and the rules about who made the version apply to the taker.
    house.allow(replace(taker, roles=owner.roles), action, facts)
    return found


def require_in_force(tx: Transaction, delegation_id: str, now: datetime) -> None:
    """Refuse to sign under a delegation that was revoked, or whose giver was deactivated or got another key, since.

    Raises:
        NotAllowedError: it does not hold in this transaction.
    """
    found = tx.of(Delegation).get(delegation_id)
    giver = tx.of(Person).get(found.giver)
    outlived = giver.valid_from is not None and found.created_at < giver.valid_from
    if found.revoked_at is not None or now >= found.until or outlived or not giver.active:
        raise NotAllowedError(
            f"{found.id} of {found.giver} to {found.taker} does not hold any more",
            remedy=f"Let {found.giver}, or somebody else with their role, do it.",
            actor=found.taker,
            action=found.action,
        )


def in_force(
    tx: Transaction, giver: str, taker: str, action: str, use_case: str, now: datetime
) -> Delegation | None:
    """The newest delegation of this action from one to the other that holds now.

    What the giver signed with a key they have no more does not: no verifier would take it.
    """
    since = tx.of(Person).get(giver).valid_from
    return next(
        (
            d
            for d in tx.of(Delegation).find(giver=giver, taker=taker, newest_first=True)
            if d.action == action
            and d.use_case in ("", use_case)
            and (since is None or d.created_at >= since)
            and d.created_at <= now < d.until
            and d.revoked_at is None
        ),
        None,
    )


def _refuse(action: str, taker: str, until: datetime, actor: Person, now: datetime) -> None:
    if action not in DELEGABLE:
        raise SettingError(
            f"'{action}' cannot be delegated", remedy=f"Allowed: {', '.join(DELEGABLE)}.", field="action"
        )
    if taker == actor.id:
        raise SettingError(f"{taker} cannot stand in for themselves", remedy="Name another person.", field="taker")
    if until.tzinfo is None or until <= now:
        raise SettingError(
            f"the delegation would end at {until.isoformat()}, and it is {now.isoformat()}",
            remedy="Give a time to come, with its zone, like 2027-03-31T00:00:00Z.",
            field="until",
        )
    if not taker:
        raise NotFoundError("nobody is named", remedy="Name who may sign in your place.", field="taker")
