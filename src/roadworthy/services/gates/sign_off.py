"""Signing off: an independent person says yes or no to exactly one gate run's evidence."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError, NotIndependentError, SettingError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import Event, advance
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import EvidenceKind, Person, SignOff
from roadworthy.evidence.statements import sign_off_statement
from roadworthy.services.facts import version_facts
from roadworthy.services.house import House
from roadworthy.services.watch.work_items import close_signed, open_item


def sign_off(house: House, actor: Person, version_id: str, *, approved: bool, reason: str) -> SignOff:
    """Approve or reject the newest validation of a version.

    Raises:
        NotIndependentError: the actor developed the version or one of its ancestors; the attempt is recorded.
        NotAllowedError: the actor is no validator.
        SettingError: a rejection without a reason.
        IllegalTransitionError: the version does not await a sign-off.
    """
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        facts = version_facts(tx, version)
        makers = facts["developers"]
        if actor.id in makers:
            house.record(tx, actor.id, "sign-off-refused", version.id, "not independent", {"makers": makers})
    if actor.id in makers:
        raise NotIndependentError(
            f"{actor.id} developed {version.id} or a version it descends from",
            remedy="An independent validator signs: somebody who developed none of "
            f"{', '.join((version.id, *version.parents))}.",
            actor=actor.id,
            version=version.id,
        )
    house.allow(actor, "sign-off", facts)
    if not approved and not reason.strip():
        raise SettingError(
            "a rejection needs a reason", remedy="Say what is wrong, for the developers.", field="reason"
        )
    with house.store.begin() as tx:
        return _sign(house, tx, actor, version_id, approved=approved, reason=reason)


def _sign(house: House, tx: Transaction, actor: Person, version_id: str, *, approved: bool, reason: str) -> SignOff:
    version = tx.of(ModelVersion).get(version_id)
    state = advance(version.state, Event.SIGN_OFF if approved else Event.REJECT, subject=version.id)
    runs = tx.of(GateRun).find(version=version.id, gate=Gate.VALIDATION, newest_first=True, limit=1)
    if not runs or not runs[0].evidence:
        raise ConflictError(f"{version.id} has no validation to sign", remedy="Run `roadworthy validate` first.")
    run = runs[0]
    decision = SignOff(
        id=f"sign-off-{run.id}-{tx.of(SignOff).count(gate_run=run.id) + 1}",
        version=version.id,
        gate_run=run.id,
        evidence=run.evidence,
        person=actor.id,
        approved=approved,
        reason=reason,
        created_at=house.clock.now(),
    )
    statement = sign_off_statement(decision, now=house.clock.now())
    evidence = house.attest(tx, actor.id, EvidenceKind.SIGN_OFF, statement, version.id)
    decision = replace(decision, statement=evidence.id)
    tx.of(SignOff).add(decision)
    tx.of(ModelVersion).replace(version, replace(version, state=state))
    if approved:
        close_signed(house, tx, version, decision.id)
    else:
        open_item(
            house, tx, version, DefectKind.BEHAVIOUR, f"sign-off by {actor.id}", reason, Gate.VALIDATION.value
        )
    facts = {"run": run.id, "approved": approved, "evidence": evidence.id}
    house.record(tx, actor.id, "signed-off" if approved else "rejected", version.id, reason, facts)
    return decision
