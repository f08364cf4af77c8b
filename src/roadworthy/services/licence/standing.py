"""Suspending, reinstating and retiring a version, and what that means for the endpoints it serves.

Whoever loses the right to serve loses its traffic in the same transaction: to the champion, else to another arm whose
own licence holds, else to the hold-out's policy. Each move is signed by whoever made it, or by the platform where it
follows from a date or a signature; so is the moved deployment.
"""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.lifecycle import Event, State, advance
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.serving import Arm, Deployment, Endpoint
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.evidence.statements import (
    Statement,
    reinstatement_statement,
    retirement_statement,
    suspension_statement,
)
from roadworthy.rollout import moves
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.composing.members import require_members
from roadworthy.services.facts import facts_of
from roadworthy.services.house import PLATFORM, House, need_reason
from roadworthy.services.licence.approval import require_current
from roadworthy.services.serve.deploy import put_in_force
from roadworthy.services.serve.plan import current_deployment
from roadworthy.services.serve.publish import publish

BY_HAND, BY_EXPIRY = "by hand", "expiry"
"""What suspended a version: a renewed approval lifts the second, never the first."""

EXPIRY = "expiry:"
"""How the source of a work item begins that was opened because an approval ended."""


@signed_ahead
def suspend(house: House, actor: Person, version_id: str, reason: str) -> ModelVersion:
    """Take an activated version out of service until it is reinstated.

    Raises:
        SettingError: no reason.
        IllegalTransitionError: it is not activated.
    """
    house.allow(actor, "suspend", facts_of(house, version=version_id))
    need_reason(f"{version_id} is suspended", reason)
    with house.store.begin() as tx:
        moved = put_aside(house, tx, tx.of(ModelVersion).get(version_id), actor.id, reason, BY_HAND)
    publish_case(house, moved.use_case)
    return moved


@signed_ahead
def reinstate(house: House, actor: Person, version_id: str, reason: str) -> ModelVersion:
    """Activate a suspended version again. It is deployed anew, like any other.

    Raises:
        SettingError: no reason.
        ConflictError: its approval has ended or is missing: it is renewed first.
        IllegalTransitionError: it is not suspended.
    """
    house.allow(actor, "reinstate", facts_of(house, version=version_id))
    need_reason(f"{version_id} is reinstated", reason)
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        state = advance(version.state, Event.REINSTATE, subject=version.id)
        require_current(tx, version.id, house.clock.now())
        if suspended_by(tx, version.id) == BY_EXPIRY:
            raise ConflictError(
                f"{version.id} was suspended because its approval ended",
                remedy=f"Validators renew it: `roadworthy licence renew {version.id}`.",
                version=version.id,
            )
        moved = _activate(house, tx, version, state, actor.id, reason)
    publish_case(house, moved.use_case)
    return moved


@signed_ahead
def retire(house: House, actor: Person, version_id: str, reason: str) -> ModelVersion:
    """End a version's life; nothing leads back.

    Raises:
        SettingError: no reason.
        ConflictError: it has traffic on an endpoint.
        IllegalTransitionError: a gate judges it just now, or it is retired already.
    """
    house.allow(actor, "retire", facts_of(house, version=version_id))
    need_reason(f"{version_id} is retired", reason)
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        state = advance(version.state, Event.RETIRE, subject=version.id)
        serving = [d.endpoint for d in _live(tx, version.use_case) if _has_traffic(d, version.id)]
        if serving:
            raise ConflictError(
                f"{version.id} answers on {', '.join(serving)}",
                remedy="Deploy another version there, roll it back, or suspend it first.",
                version=version.id,
            )
        signed = retirement_statement(version, person=actor.id, reason=reason, now=house.clock.now())
        told = {"evidence": _attest(house, tx, actor.id, EvidenceKind.RETIREMENT, signed)}
        moved = replace(version, state=state)
        tx.of(ModelVersion).replace(version, moved)
        house.record(tx, actor.id, "retired", version.id, reason, told)
    return moved


def put_aside(
    house: House, tx: Transaction, version: ModelVersion, actor: str, reason: str, cause: str
) -> ModelVersion:
    """Suspend a version and take its traffic away, inside a transaction; publishing follows the commit."""
    moved = replace(version, state=advance(version.state, Event.SUSPEND, subject=version.id))
    now = house.clock.now()
    signed = suspension_statement(version, person=actor, reason=reason, cause=cause, now=now)
    evidence = _attest(house, tx, actor, EvidenceKind.SUSPENSION, signed)
    tx.of(ModelVersion).replace(version, moved)
    house.record(tx, actor, "suspended", version.id, reason, {"cause": cause, "evidence": evidence})
    withdraw(house, tx, moved, f"{version.id} is suspended: {reason}")
    return moved


def withdraw(house: House, tx: Transaction, version: ModelVersion, reason: str) -> list[Deployment]:
    """Take a version's traffic away wherever it has some. The platform signs: it follows from what was decided."""
    moved: list[Deployment] = []
    for deployment in _live(tx, version.use_case):
        if _has_traffic(deployment, version.id):
            gone = {a.version for a in deployment.arms if a.version and not _may_serve(house, tx, a.version)}
            plan = moves.withdraw(deployment, gone | {version.id}, house.clock.now(), reason)
            moved.append(put_in_force(house, tx, deployment, plan, PLATFORM, reason))
    return moved


def bring_back(house: House, tx: Transaction, version: ModelVersion, sign_off: str) -> ModelVersion:
    """What a renewed approval lifts: the suspension by expiry, and the work it had opened."""
    for item in tx.of(WorkItem).find(version=version.id, state=WorkItemState.OPEN):
        if item.source.startswith(EXPIRY):
            now = house.clock.now()
            closed = replace(item, state=WorkItemState.CLOSED, closed_by=sign_off, closed_at=now)
            tx.of(WorkItem).replace(item, closed)
            house.record(tx, PLATFORM, "work-item-closed", version.id, facts={"item": item.id, "by": sign_off})
    if version.state is not State.SUSPENDED or suspended_by(tx, version.id) != BY_EXPIRY:
        return version
    state = advance(version.state, Event.REINSTATE, subject=version.id)
    return _activate(house, tx, version, state, PLATFORM, f"its approval was renewed ({sign_off})", sign_off)


def suspended_by(tx: Transaction, version: str) -> str:
    """What suspended a version last: `BY_HAND`, `BY_EXPIRY`, or empty when nothing ever did."""
    causes = [str(c.facts.get("cause", "")) for c in tx.changes.read(subject=version) if c.action == "suspended"]
    return causes[-1] if causes else ""


def publish_case(house: House, use_case: str) -> None:
    """Put in force what was decided, on every endpoint of a use case."""
    with house.store.read() as tx:
        names = [e.id for e in tx.of(Endpoint).find(use_case=use_case)]
    for name in names:
        publish(house, name)


def _activate(
    house: House, tx: Transaction, version: ModelVersion, state: State, actor: str, reason: str, sign_off: str = ""
) -> ModelVersion:
    moved = replace(version, state=state)
    now = house.clock.now()
    signed = reinstatement_statement(version, person=actor, reason=reason, sign_off=sign_off, now=now)
    evidence = _attest(house, tx, actor, EvidenceKind.REINSTATEMENT, signed)
    tx.of(ModelVersion).replace(version, moved)
    house.record(tx, actor, "reinstated", version.id, reason, {"evidence": evidence})
    return moved


def _attest(house: House, tx: Transaction, signer: str, kind: EvidenceKind, statement: Statement) -> str:
    """Sign what moves a version in or out of service; returns the evidence's id."""
    return house.attest(tx, signer, kind, statement, str(statement["predicate"]["version"])).id


def _may_serve(house: House, tx: Transaction, version: str) -> bool:
    found = tx.of(ModelVersion).get(version)
    if not found.state.may_serve:
        return False
    try:
        require_current(tx, version, house.clock.now())
        require_members(house, tx, found)
    except ConflictError:
        return False
    return True


def _live(tx: Transaction, use_case: str) -> list[Deployment]:
    found = [current_deployment(tx, e.id) for e in tx.of(Endpoint).find(use_case=use_case)]
    return [d for d in found if d is not None]


def _has_traffic(deployment: Deployment, version: str) -> bool:
    only_hold_out = any(not a.version and a.weight >= 1.0 for a in deployment.arms)
    return not only_hold_out and any(_answers(a, version) for a in deployment.arms)


def _answers(arm: Arm, version: str) -> bool:
    """Whether a version answers traffic of an arm, by itself or inside a composition."""
    return arm.weight > 0 and version in (arm.version, *(member.version for member in arm.members))
