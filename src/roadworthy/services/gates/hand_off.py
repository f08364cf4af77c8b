"""Hand-off: an operator accepts a candidate into operation, with an owner and a run book."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError, SettingError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import EvidenceKind, HandOff, Person
from roadworthy.evidence.statements import hand_off_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House


@signed_ahead
def accept_hand_off(house: House, actor: Person, version_id: str, *, service_owner: str, run_book: str) -> HandOff:
    """Record and sign that `actor` takes the version into operation.

    Raises:
        SettingError: no run book, or nobody owns the service.
        ConflictError: the version is no candidate.
    """
    house.allow(actor, "accept-hand-off", facts_of(house, version=version_id))
    for field, value in (("service_owner", service_owner), ("run_book", run_book)):
        if not value.strip():
            raise SettingError(f"the hand-off of {version_id} has no {field}", remedy="Name it.", field=field)
    with house.store.begin() as tx:
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
        )
        statement = hand_off_statement(accepted, version, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.HAND_OFF, statement, version.id)
        accepted = replace(accepted, statement=evidence.id)
        tx.of(HandOff).add(accepted)
        house.record(tx, actor.id, "hand-off-accepted", version.id, run_book, {"evidence": evidence.id})
    return accepted
