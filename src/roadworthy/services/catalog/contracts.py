"""Agreeing a KPI contract: the business owner says what counts as success and signs it before results exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from roadworthy.domain.errors import ConflictError, LostUpdateError, RefusedError, RoadworthyError, SettingError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Evidence, EvidenceKind, Person
from roadworthy.domain.use_case import KpiContract, KpiLimit, UseCase
from roadworthy.evidence.statements import contract_digest, contract_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.catalog.sealed import recorded
from roadworthy.services.catalog.use_cases import MAX_DELAY_DAYS
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.statistics.frame import Frame
from roadworthy.value.expression import compile_expression, evaluate
from roadworthy.value.terms import changed_terms

TRIED_ROWS = 50
"""Training rows on which an expression must compute before it is agreed."""


@dataclass(frozen=True, slots=True)
class KpiTerms:
    """What the business owner proposes; see `KpiContract` for the meaning of each field."""

    use_case: str
    unit: str
    value: str
    target: float
    holdout_share: float
    holdout_acts: bool
    guardrails: tuple[KpiLimit, ...] = ()
    unintended: tuple[KpiLimit, ...] = ()
    label_delay_days: float | None = None
    why: str = ""


@signed_ahead
def agree_contract(house: House, actor: Person, terms: KpiTerms) -> tuple[KpiContract, Evidence]:
    """Record and sign a contract as its business owner. A new one supersedes the last and is a new revision.

    A contract is locked once signed. Who tries to change it while it is being measured, or without saying why after it
    was, is refused, and so is who does not own it; the attempt is in the change record.

    Raises:
        ExpressionError: an expression does not parse, names an unknown column, or does not compute.
        SettingError: a share or a delay outside its range, or a new contract that does not say why.
        RefusedError: the actor is not the use case's owner, or results exist and no reason is given.
        ConflictError: no training data yet, a validation is under way, or nothing would change.
        LostUpdateError: another contract of the use case was agreed at the same time.
    """
    house.allow(actor, "agree-contract", facts_of(house, use_case=terms.use_case))
    with house.store.read() as tx:
        case = tx.of(UseCase).get(terms.use_case)
        trained = tx.of(Dataset).find(use_case=case.id, role=DatasetRole.TRAIN, limit=1)
        earlier = tx.of(KpiContract).find(use_case=case.id)
        obstacle = _obstacle(tx, actor, case, terms, earlier)
    if obstacle is not None:
        with house.store.begin() as tx:
            house.record(tx, actor.id, "kpi-contract-refused", case.id, obstacle.what)
        raise obstacle
    if not trained:
        raise ConflictError(
            f"'{case.id}' has no training data, so the names in the expressions cannot be checked",
            remedy="Register some first: `roadworthy register data FILE --role train`.",
            use_case=case.id,
        )
    _check_terms(terms, _tried(house, trained[0], case))
    contract = _next(house, case, terms, earlier)
    with house.store.begin() as tx:
        if tx.of(KpiContract).count(use_case=case.id) != len(earlier):
            raise LostUpdateError(
                f"somebody agreed another contract of '{case.id}' meanwhile",
                remedy="Read the one in force, then agree what still has to change.",
                use_case=case.id,
            )
        # Asked again: a validation may have begun, or ended, while the expressions were tried.
        obstacle = _obstacle(tx, actor, case, terms, earlier)
        if obstacle is not None:
            raise obstacle
        tx.of(KpiContract).add(contract)
        statement = contract_statement(contract, person=actor.id, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.KPI_CONTRACT, statement)
        facts: dict[str, Any] = {"digest": contract_digest(contract), "evidence": evidence.id}
        if contract.changes:
            facts["changes"] = [f"{c.term}: {c.old} -> {c.new}" for c in contract.changes]
            facts["to-validate-again"] = [version for version, _ in _validated(tx, case.id, _STANDING)]
        house.record(tx, actor.id, "kpi-contract-agreed", contract.id, contract.why, facts)
    return contract, evidence


def _obstacle(
    tx: Transaction, actor: Person, case: UseCase, terms: KpiTerms, earlier: list[KpiContract]
) -> RoadworthyError | None:
    """Why this person may not agree these terms now, whatever the terms are worth."""
    if actor.id != case.owner:
        return RefusedError(
            f"{actor.id} does not own the use case '{case.id}'",
            remedy=f"Its owner {case.owner} signs the KPI contract.",
            actor=actor.id,
        )
    if earlier and not terms.why.strip() and _validated(tx, case.id, (*_STANDING, State.RETURNED)):
        return RefusedError(
            f"'{earlier[-1].id}' is locked: results on sealed data were computed under it",
            remedy="A new contract is a new revision and says why (`--why`).",
            contract=earlier[-1].id,
        )
    return _running(tx, case.id)


def _next(house: House, case: UseCase, terms: KpiTerms, earlier: list[KpiContract]) -> KpiContract:
    """The next revision, with what it changes."""
    if earlier and not terms.why.strip():
        raise SettingError(
            f"'{case.id}' has the contract '{earlier[-1].id}', and the new one does not say why",
            remedy="Give a reason (`--why`): it goes into the signed contract.",
            field="why",
        )
    contract = KpiContract(
        id=f"{case.id}-kpi-{len(earlier) + 1}",
        use_case=case.id,
        revision=len(earlier) + 1,
        unit=terms.unit,
        value=terms.value,
        target=terms.target,
        guardrails=terms.guardrails,
        unintended=terms.unintended,
        holdout_share=terms.holdout_share,
        holdout_acts=terms.holdout_acts,
        created_at=house.clock.now(),
        label_delay_days=case.label_delay_days if terms.label_delay_days is None else terms.label_delay_days,
        why=terms.why.strip(),
    )
    if not earlier:
        return contract
    changes = changed_terms(earlier[-1], contract)
    if not changes:
        raise ConflictError(
            f"the new contract says what '{earlier[-1].id}' says",
            remedy="Leave that one in force, or change a term.",
            contract=earlier[-1].id,
        )
    return replace(contract, changes=changes)


def refuse_peek(house: House, actor: Person, use_case: str, attempt: str) -> None:
    """Refuse to compute anything on sealed data before the owner has signed what counts.

    Raises:
        ConflictError: no signed KPI contract; the attempt is recorded.
    """
    with house.store.read() as tx:
        case = tx.of(UseCase).get(use_case)
        signed = contract_in_force(tx, use_case)
    if signed is not None:
        return
    refusal = ConflictError(
        f"the use case '{case.id}' has no signed KPI contract",
        remedy=f"{case.owner} agrees one first: `roadworthy agree`. Results on sealed data come after it.",
        use_case=case.id,
    )
    raise recorded(house, actor, case.id, attempt, refusal)


def validate_again(tx: Transaction, use_case: str) -> tuple[tuple[str, str], ...]:
    """Versions whose newest validation was under another contract than the one in force, with that contract's id."""
    signed = contract_in_force(tx, use_case)
    if signed is None or signed[0].revision == 1:
        return ()
    return tuple((v, under) for v, under in _validated(tx, use_case, _STANDING) if under != signed[0].id)


def contract_of(tx: Transaction, version: str) -> str:
    """The contract under which a version was validated last; empty before its first validation."""
    runs = tx.of(GateRun).find(version=version, gate=Gate.VALIDATION, newest_first=True, limit=1)
    return runs[0].inputs.get("contract", "") if runs else ""


def refuse_outdated(tx: Transaction, version: ModelVersion, contract: str) -> None:
    """Refuse to take a version further whose validation was under an earlier contract.

    Raises:
        ConflictError: names both contracts.
    """
    under = contract_of(tx, version.id)
    if under and under != contract:
        raise ConflictError(
            f"{version.id} was validated and signed under contract '{under}', in force is '{contract}'",
            remedy=f"Validate it again: `roadworthy validate {version.id}`. If its results were known before "
            "the new contract was signed, that takes sealed rows nobody has seen.",
            version=version.id,
            contract=contract,
        )


_STANDING = (
    State.AWAITING_SIGN_OFF,
    State.VALIDATED,
    State.RELEASING,
    State.CANDIDATE,
    State.ACTIVATING,
    State.ACTIVATED,
    State.SUSPENDED,
)
"""Where a version stands by what a validation found."""


def _validated(tx: Transaction, use_case: str, states: Sequence[State]) -> list[tuple[str, str]]:
    """Versions in these states that were validated, and the contract of the newest validation."""
    found: list[tuple[str, str]] = []
    for state in states:
        for version in tx.of(ModelVersion).find(use_case=use_case, state=state):
            runs = tx.of(GateRun).find(version=version.id, gate=Gate.VALIDATION, newest_first=True, limit=1)
            if runs:
                found.append((version.id, runs[0].inputs.get("contract", "")))
    return found


def contract_in_force(
    tx: Transaction, use_case: str, at: datetime | None = None
) -> tuple[KpiContract, Evidence] | None:
    """The newest contract of a use case (at a time, when given) with its signature, or None."""
    agreed = tx.of(KpiContract).find(use_case=use_case, newest_first=True)
    newest = next((c for c in agreed if at is None or c.created_at <= at), None)
    if newest is None:
        return None
    signed = tx.of(Evidence).find(kind=EvidenceKind.KPI_CONTRACT, subject=contract_digest(newest))
    return (newest, signed[0]) if signed else None


def _tried(house: House, dataset: Dataset, case: UseCase) -> Frame:
    """A few training rows as decisions: what does not compute on them would never compute."""
    frame, y = load_dataset(house, dataset, case)
    rows, outcome = frame.take(np.arange(min(TRIED_ROWS, frame.n_rows))), y[:TRIED_ROWS]
    flags = np.arange(rows.n_rows) % 2 == 0
    return Frame({**rows.columns, "score": outcome * 0.5, "acted": flags, "outcome": outcome, "held_out": ~flags})


def _check_terms(terms: KpiTerms, tried: Frame) -> None:
    delay = terms.label_delay_days
    if delay is not None and not 0 <= delay <= MAX_DELAY_DAYS:
        raise SettingError(
            f"label_delay_days is {delay:g}",
            remedy=f"Allowed: 0 to {MAX_DELAY_DAYS} days.",
            field="label_delay_days",
        )
    if not 0 <= terms.holdout_share <= 0.5:
        raise SettingError(
            f"holdout_share is {terms.holdout_share:g}", remedy="Allowed: 0 to 0.5.", field="holdout_share"
        )
    evaluate(compile_expression(terms.value, tried.names, "the KPI value"), tried)
    for limit in (*terms.guardrails, *terms.unintended):
        evaluate(compile_expression(limit.expression, tried.names, f"the limit '{limit.name}'"), tried)


def _running(tx: Transaction, use_case: str) -> ConflictError | None:
    """What stands in the way while a version is being validated."""
    for version in tx.of(ModelVersion).find(use_case=use_case, state=State.VALIDATING):
        for run in tx.of(GateRun).find(version=version.id, gate=Gate.VALIDATION):
            if run.verdict is None:
                return ConflictError(
                    f"{version.id} is being validated under the present contract",
                    remedy="Wait until the gate has finished, then agree the new contract.",
                    run=run.id,
                )
    return None
