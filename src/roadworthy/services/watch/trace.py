"""Tracing: one id leads from a request to its version, the data and people behind it, its outcome and money."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import GateRun
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.serving import Decision, Endpoint, Outcome
from roadworthy.domain.trust import SignOff
from roadworthy.domain.use_case import KpiContract
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House
from roadworthy.services.watch.windows import decision_frame
from roadworthy.value.expression import compile_expression, evaluate


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything known about one decision. `money` is None while its outcome is unknown."""

    decision: Decision
    outcome: Outcome | None
    money: float | None
    unit: str
    version: ModelVersion | None
    train: Dataset | None
    gate_runs: tuple[GateRun, ...]
    sign_offs: tuple[SignOff, ...]


def trace(house: House, key: str) -> list[Trace]:
    """Traces of the decisions whose id or request id is `key`.

    Raises:
        NotFoundError: no such decision.
    """
    return [_trace(house, d) for d in decisions_of(house, key)]


def decisions_of(house: House, key: str) -> list[Decision]:
    """The decisions whose id or request id is `key`, at least one.

    Raises:
        NotFoundError: no such decision.
    """
    decisions = house.decisions.find(key)
    if not decisions:
        raise NotFoundError(
            f"no decision has the id or request id '{key}'",
            remedy="Use the `id` your application sent, or a decision id from an answer.",
            key=key,
        )
    return list(decisions)


def _trace(house: House, decision: Decision) -> Trace:
    outcome = next(
        (o for o in house.decisions.read_outcomes(decision.endpoint) if o.request_id == decision.request_id), None
    )
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(decision.version) if decision.version else None
        runs = tuple(tx.of(GateRun).find(version=version.id)) if version else ()
        signed = tuple(tx.of(SignOff).find(version=version.id)) if version else ()
        train = tx.of(Dataset).get(version.train_dataset) if version else None
        agreed = contract_in_force(tx, tx.of(Endpoint).get(decision.endpoint).use_case)
    contract = agreed[0] if agreed else None
    return Trace(
        decision=decision,
        outcome=outcome,
        money=_money(contract, decision, outcome) if contract else None,
        unit=contract.unit if contract else "",
        version=version,
        train=train,
        gate_runs=runs,
        sign_offs=signed,
    )


def _money(contract: KpiContract, decision: Decision, outcome: Outcome | None) -> float | None:
    if outcome is None:
        return None
    frame = decision_frame([decision], {decision.request_id: outcome})
    value = float(evaluate(compile_expression(contract.value, frame.names, "the KPI value"), frame)[0])
    return None if value != value else value  # noqa: PLR0124 - NaN is what differs from itself
