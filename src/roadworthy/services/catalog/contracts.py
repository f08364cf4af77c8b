"""Agreeing a KPI contract: the business owner says what counts as success and signs it before results exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from roadworthy.domain.errors import ConflictError, RefusedError, SettingError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Evidence, EvidenceKind, Person
from roadworthy.domain.use_case import KpiContract, KpiLimit, UseCase
from roadworthy.evidence.digest import digest_of
from roadworthy.evidence.statements import contract_statement
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.statistics.frame import Frame
from roadworthy.value.expression import compile_expression, evaluate

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


def agree_contract(house: House, actor: Person, terms: KpiTerms) -> tuple[KpiContract, Evidence]:
    """Record and sign a contract as its business owner. A new one supersedes the last and is a new revision.

    Raises:
        ExpressionError: an expression does not parse, names an unknown column, or does not compute.
        SettingError: a share outside 0..0.5.
        RefusedError: the actor is not the use case's owner.
        ConflictError: no training data yet, or a validation is under way.
    """
    house.allow(actor, "agree-contract", facts_of(house, use_case=terms.use_case))
    with house.store.read() as tx:
        case = tx.of(UseCase).get(terms.use_case)
        trained = tx.of(Dataset).find(use_case=case.id, role=DatasetRole.TRAIN)
        earlier = tx.of(KpiContract).find(use_case=case.id)
    if actor.id != case.owner:
        raise RefusedError(
            f"{actor.id} does not own the use case '{case.id}'",
            remedy=f"Its owner {case.owner} signs the KPI contract.",
            actor=actor.id,
        )
    if not trained:
        raise ConflictError(
            f"'{case.id}' has no training data, so the names in the expressions cannot be checked",
            remedy="Register some first: `roadworthy register data FILE --role train`.",
            use_case=case.id,
        )
    _check_terms(terms, _tried(house, trained[0], case))
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
    )
    with house.store.begin() as tx:
        _refuse_during_gate(tx, case.id)
        tx.of(KpiContract).add(contract)
        statement = contract_statement(contract, person=actor.id, now=house.clock.now())
        evidence = house.attest(tx, actor.id, EvidenceKind.KPI_CONTRACT, statement)
        facts: dict[str, Any] = {"digest": digest_of(contract), "evidence": evidence.id}
        house.record(tx, actor.id, "kpi-contract-agreed", contract.id, facts=facts)
    return contract, evidence


def contract_in_force(
    tx: Transaction, use_case: str, at: datetime | None = None
) -> tuple[KpiContract, Evidence] | None:
    """The newest contract of a use case (at a time, when given) with its signature, or None."""
    agreed = tx.of(KpiContract).find(use_case=use_case, newest_first=True)
    newest = next((c for c in agreed if at is None or c.created_at <= at), None)
    if newest is None:
        return None
    signed = tx.of(Evidence).find(kind=EvidenceKind.KPI_CONTRACT, subject=digest_of(newest))
    return (newest, signed[0]) if signed else None


def _tried(house: House, dataset: Dataset, case: UseCase) -> Frame:
    """A few training rows as decisions: what does not compute on them would never compute."""
    frame, y = load_dataset(house, dataset, case)
    rows, outcome = frame.take(np.arange(min(TRIED_ROWS, frame.n_rows))), y[:TRIED_ROWS]
    flags = np.arange(rows.n_rows) % 2 == 0
    return Frame({**rows.columns, "score": outcome * 0.5, "acted": flags, "outcome": outcome, "held_out": ~flags})


def _check_terms(terms: KpiTerms, tried: Frame) -> None:
    if not 0 <= terms.holdout_share <= 0.5:
        raise SettingError(
            f"holdout_share is {terms.holdout_share:g}", remedy="Allowed: 0 to 0.5.", field="holdout_share"
        )
    evaluate(compile_expression(terms.value, tried.names, "the KPI value"), tried)
    for limit in (*terms.guardrails, *terms.unintended):
        evaluate(compile_expression(limit.expression, tried.names, f"the limit '{limit.name}'"), tried)


def _refuse_during_gate(tx: Transaction, use_case: str) -> None:
    for version in tx.of(ModelVersion).find(use_case=use_case):
        for run in tx.of(GateRun).find(version=version.id, gate=Gate.VALIDATION):
            if run.verdict is None:
                raise ConflictError(
                    f"{version.id} is being validated under the present contract",
                    remedy="Wait until the gate has finished, then agree the new contract.",
                    run=run.id,
                )
