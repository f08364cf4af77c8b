"""Signing off: independent people say yes or no to exactly one gate run's evidence; a quorum of them decides.

The first round of signatures leads to `validated`. A renewal is another round over the same evidence: it takes the
same quorum, and brings back what was suspended because its approval had ended. One rejection sends a version back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    NotIndependentError,
    SettingError,
    shortlist,
)
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import Event, State, advance
from roadworthy.domain.model import DType, ModelVersion, Signature
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import Conditions, EvidenceKind, Person, SignOff
from roadworthy.evidence.statements import sign_off_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import version_facts
from roadworthy.services.house import House
from roadworthy.services.licence.approval import Approval, approval_of, validated
from roadworthy.services.licence.delegations import acting_for, require_in_force
from roadworthy.services.licence.standing import bring_back, publish_case, withdraw
from roadworthy.services.watch.work_items import close_signed, open_item

RENEWABLE = (State.VALIDATED, State.CANDIDATE, State.ACTIVATED, State.SUSPENDED)
"""States in which a version has an approval that may be renewed."""

_LISTABLE = (DType.BYTES, DType.INT64, DType.BOOL)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A yes or no, why, under which conditions, and in whose place (empty = one's own)."""

    approved: bool
    reason: str = ""
    conditions: Conditions = field(default_factory=Conditions)
    in_place_of: str = ""


@signed_ahead
def sign_off(
    house: House,
    actor: Person,
    version_id: str,
    *,
    approved: bool,
    reason: str,
    conditions: Conditions | None = None,
    in_place_of: str = "",
) -> SignOff:
    """Approve or reject the newest validation of a version; the quorum of approvals makes it `validated`.

    Raises:
        NotIndependentError: the actor developed the version or one of its ancestors; the attempt is recorded.
        NotAllowedError: the actor is no validator, or no delegation lets them sign in that place.
        SettingError: a rejection without a reason, or a condition that nobody could keep.
        ConflictError: the actor has signed it already.
        IllegalTransitionError: the version does not await a sign-off.
    """
    opinion = Opinion(approved, reason, conditions or Conditions(), in_place_of)
    delegation = _admitted(house, actor, version_id, opinion)
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        state = advance(version.state, Event.SIGN_OFF if approved else Event.REJECT, subject=version.id)
        decision, approval = _sign(house, tx, actor, version, opinion, delegation)
        if not approved or approval.licence is not None:
            tx.of(ModelVersion).replace(version, replace(version, state=state))
        if approval.licence is not None:
            close_signed(house, tx, version, decision.id)
    return decision


@signed_ahead
def renew(
    house: House,
    actor: Person,
    version_id: str,
    *,
    approved: bool,
    reason: str,
    conditions: Conditions | None = None,
    in_place_of: str = "",
) -> SignOff:
    """Sign the same evidence again, before or after the approval ended; a quorum renews it.

    What was suspended because its approval ended is activated again. A rejection recalls the version.

    Raises:
        IllegalTransitionError: the version has no approval to renew; else as `sign_off`.
    """
    opinion = Opinion(approved, reason, conditions or Conditions(), in_place_of)
    delegation = _admitted(house, actor, version_id, opinion)
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        if version.state not in RENEWABLE:
            raise IllegalTransitionError(
                f"{version.id} is {version.state.value}: there is no approval to renew",
                remedy=f"One renews what is {', '.join(s.value for s in RENEWABLE)}.",
                state=version.state.value,
                event="renew",
            )
        recalled = None if approved else advance(version.state, Event.RECALL, subject=version.id)
        before = approval_of(tx, version.id)
        decision, approval = _sign(house, tx, actor, version, opinion, delegation, before)
        if recalled is not None:
            tx.of(ModelVersion).replace(version, replace(version, state=recalled))
            withdraw(house, tx, version, f"the approval of {version.id} was withdrawn by {actor.id}: {reason}")
        elif approval.licence is not None and approval.licence.round == decision.round:
            house.record(tx, actor.id, "approval-renewed", version.id, reason, {"round": decision.round})
            bring_back(house, tx, version, decision.id)
    publish_case(house, version.use_case)
    return decision


def _admitted(house: House, actor: Person, version_id: str, opinion: Opinion) -> str:
    """Refuse who may not sign and what nobody could keep; the delegation's id when signing for another."""
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        facts = version_facts(tx, version)
        makers = facts["developers"]
        maker = next((who for who in (actor.id, opinion.in_place_of) if who in makers), "")
        if maker:
            house.record(tx, actor.id, "sign-off-refused", version.id, "not independent", {"makers": makers})
    if maker:
        raise NotIndependentError(
            f"{maker} developed {version.id} or a version it descends from",
            remedy="An independent validator signs: somebody who developed none of "
            f"{', '.join((version.id, *version.parents))}.",
            actor=maker,
            version=version.id,
        )
    delegation = ""
    if opinion.in_place_of:
        delegation = acting_for(house, actor, opinion.in_place_of, facts).id
    else:
        house.allow(actor, "sign-off", facts)
    if not opinion.approved and not opinion.reason.strip():
        raise SettingError(
            "a rejection needs a reason", remedy="Say what is wrong, for the developers.", field="reason"
        )
    check_conditions(opinion.conditions, version.signature, house.clock.now())
    return delegation


def check_conditions(conditions: Conditions, signature: Signature, now: datetime) -> None:
    """Refuse conditions that a gateway could not keep.

    Raises:
        SettingError: a column the version does not take, or one without a list of values; no value, or one the
            column never has; an end that is past or has no zone.
    """
    known = {c.name: c for c in signature.inputs}
    for column, allowed in conditions.only.items():
        spec = known.get(column)
        if spec is None or spec.dtype not in _LISTABLE:
            listable = [c.name for c in signature.inputs if c.dtype in _LISTABLE]
            raise SettingError(
                f"the version takes no column '{column}' whose values could be listed",
                remedy=f"Name one of its inputs: {shortlist(listable, 20) or 'none can be'}.",
                field="only",
                column=column,
            )
        strange = [v for v in allowed if spec.categories and v not in spec.categories]
        if not allowed or strange:
            raise SettingError(
                f"column '{column}' is never {shortlist(strange) if strange else 'one of no values'}",
                remedy=f"Known values: {shortlist(spec.categories, 20) or 'any text'}.",
                field="only",
                column=column,
            )
    until = conditions.until
    if until is not None and (until.tzinfo is None or until <= now):
        raise SettingError(
            f"the approval would end at {until.isoformat()}, and it is {now.isoformat()}",
            remedy="Give a time to come, with its zone, like 2027-03-31T00:00:00Z.",
            field="until",
        )


def _sign(
    house: House,
    tx: Transaction,
    actor: Person,
    version: ModelVersion,
    opinion: Opinion,
    delegation: str,
    before: Approval | None = None,
) -> tuple[SignOff, Approval]:
    if delegation:
        require_in_force(tx, delegation, house.clock.now())
    run = validated(tx, version.id)
    if run is None:
        raise ConflictError(f"{version.id} has no validation to sign", remedy="Run `roadworthy validate` first.")
    earlier = tx.of(SignOff).find(gate_run=run.id)
    number = _round(earlier, before)
    _refuse_twice(earlier, actor, opinion, number)
    decision = SignOff(
        id=f"sign-off-{run.id}-{len(earlier) + 1}",
        version=version.id,
        gate_run=run.id,
        evidence=run.evidence,
        person=actor.id,
        approved=opinion.approved,
        reason=opinion.reason,
        created_at=house.clock.now(),
        conditions=opinion.conditions,
        delegation=delegation,
        round=number,
    )
    statement = sign_off_statement(decision, now=house.clock.now())
    evidence = house.attest(tx, actor.id, EvidenceKind.SIGN_OFF, statement, version.id)
    decision = replace(decision, statement=evidence.id)
    tx.of(SignOff).add(decision)
    approval = approval_of(tx, version.id)
    if approval is None:
        raise ConflictError(f"{version.id} has no validation to sign", remedy="Run `roadworthy validate` first.")
    _tell(house, tx, actor, version, decision, approval)
    return decision, approval


def _tell(
    house: House, tx: Transaction, actor: Person, version: ModelVersion, decision: SignOff, approval: Approval
) -> None:
    """The change record, and the way back of a rejection."""
    facts: dict[str, object] = {
        "run": decision.gate_run,
        "approved": decision.approved,
        "evidence": decision.statement,
        "quorum": approval.terms.quorum,
        "round": decision.round,
    }
    if decision.delegation:
        facts["delegation"] = decision.delegation
    if not decision.approved:
        open_item(
            house,
            tx,
            version,
            DefectKind.BEHAVIOUR,
            f"sign-off by {actor.id}",
            decision.reason,
            Gate.VALIDATION.value,
        )
    house.record(
        tx, actor.id, "signed-off" if decision.approved else "rejected", version.id, decision.reason, facts
    )


def _round(earlier: list[SignOff], before: Approval | None) -> int:
    """The round under way: a new one as soon as the last one is complete."""
    newest = max((s.round for s in earlier), default=1)
    complete = before is not None and before.licence is not None and before.licence.round == newest
    return newest + 1 if complete else newest


def _refuse_twice(earlier: list[SignOff], actor: Person, opinion: Opinion, number: int) -> None:
    for known in earlier:
        if (
            known.round == number
            and known.person == actor.id
            and bool(known.delegation) == bool(opinion.in_place_of)
        ):
            raise ConflictError(
                f"{actor.id} has signed {known.version} already ({known.id})",
                remedy="A person counts once: let another validator sign.",
                sign_off=known.id,
            )


def sign_offs_of(house: House, version_id: str) -> list[Mapping[str, object]]:
    """Every sign-off of a version, oldest first, with whether it counts: a void one stays in the record."""
    with house.store.read() as tx:
        tx.of(ModelVersion).get(version_id)
        found = tx.of(SignOff).find(version=version_id)
        newest = tx.of(GateRun).find(version=version_id, gate=Gate.VALIDATION, newest_first=True, limit=1)
        approval = approval_of(tx, version_id)
    licence = approval.licence if approval else None
    current = newest[0].id if newest else ""
    return [{"sign_off": s, "standing": _standing(s, current, licence.round if licence else 0)} for s in found]


def _standing(signed: SignOff, current: str, counting: int) -> str:
    if signed.gate_run != current:
        return "void: newer evidence"
    if not signed.approved:
        return "rejects"
    if not counting or signed.round > counting:
        return "waits for the quorum"
    return "counts" if signed.round == counting else "renewed since"
