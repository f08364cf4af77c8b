"""Hand-off: an operator accepts a candidate into operation, with an owner and a run book."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError, SettingError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import EvidenceKind, HandOff, Person
from roadworthy.evidence.approval import ACCEPT
from roadworthy.evidence.statements import hand_off_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.services.licence.delegations import acting_for, require_in_force


@signed_ahead
def accept_hand_off(
    house: House,
    actor: Person,
    version_id: str,
    *,
    service_owner: str,
    run_book: str,
    in_place_of: str = "",
) -> HandOff:
    """Record and sign that `actor` takes the version into operation.

    Raises:
        SettingError: no run book, or nobody owns the service.
        ConflictError: the version is no candidate.
        NotAllowedError: the actor may not accept it, nor in the place of `in_place_of`.
        NotIndependentError: the actor wants to accept in another's place what they made themselves.
    """
    facts, delegation = facts_of(house, version=version_id), ""
    if in_place_of:
        delegation = acting_for(house, actor, in_place_of, facts, ACCEPT).id
    else:
        house.allow(actor, ACCEPT, facts)
    for field, value in (("service_owner", service_owner), ("run_book", run_book)):
        if not value.strip():
            raise SettingError(f"the hand-off of {version_id} has no {field}", remedy="Name it.", field=field)
    with house.store.begin() as tx:
        if delegation:
            require_in_force(tx, delegation, house.clock.now())
        version = tx.of(ModelVersion).get(version_id)
        if version.state is not State.CANDIDATE:
            raise ConflictError(
                f"{version.id} is {version.state.value}",
                remedy="Only a candidate is handed off: it becomes one by passing release.",
                version=version.id,
            )
        tx.of(Person).get(service_owner)
        accepted = HandOff(
            id=f"hand-off-{version.id}-{tx.of(HandOff).count(version=version.id) + 1}",
            version=version.id,
            operator=actor.id,
            service_owner=service_owner,
            run_book=run_book,
            accepted_at=house.clock.now(),
            delegation=delegation,
        )
        statement = hand_off_statement(accepted, version, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.HAND_OFF, statement, version.id)
        accepted = replace(accepted, statement=evidence.id)
        tx.of(HandOff).add(accepted)
        told = {"evidence": evidence.id, **({"delegation": delegation} if delegation else {})}
        house.record(tx, actor.id, "hand-off-accepted", version.id, run_book, told)
    return accepted
