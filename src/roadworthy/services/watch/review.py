"""Reviewing an endpoint: is the licence still deserved, and what did the model earn?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import RE_ENTRY, DefectKind, WorkItem
from roadworthy.domain.review import LedgerEntry, ReviewRun, Signal, SignalKind
from roadworthy.domain.serving import Agent, Decision, DecisionStatus, Endpoint, Outcome
from roadworthy.domain.standing.protection import ProtectionTerms
from roadworthy.domain.storing.log import redacted_columns
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.agents import heard_of
from roadworthy.monitoring.conclude import Conclusion, conclude
from roadworthy.monitoring.protection.signals import signals as protection_signals
from roadworthy.monitoring.serving_health import failures
from roadworthy.monitoring.window import ReviewParams, ReviewWindow, review
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.catalog.looks import look
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.scoring import scorer
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.serve.deploy import deployment_in_force
from roadworthy.services.serve.plan import champion_of, current_deployment
from roadworthy.services.watch.ledger import ledger_entries
from roadworthy.services.watch.windows import decision_frame, due
from roadworthy.services.watch.work_items import close_quiet, open_item
from roadworthy.statistics.frame import Bools, Floats, Frame
from roadworthy.value.expression import compile_expression, evaluate
from roadworthy.value.movement import Cause, KpiWindow, Movement, explain

_VERDICTS = {
    Cause.HARMFUL: Verdict.FAIL,
    Cause.NOT_ATTRIBUTABLE: Verdict.WARN,
    Cause.ATTRIBUTABLE: Verdict.PASS,
    Cause.UNMOVED: Verdict.PASS,
    Cause.NOT_MEASURABLE: Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class _Subject:
    """Who is under review, and by what it is judged."""

    endpoint: Endpoint
    case: UseCase
    version: ModelVersion
    sealed: Dataset
    contract: KpiContract | None
    agents: Sequence[Agent]
    protection: ProtectionTerms | None


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What was looked at and what came out."""

    decisions: Sequence[Decision]
    outcomes: Mapping[str, Outcome]
    signals: tuple[Signal, ...]
    conclusion: Conclusion
    entries: Sequence[LedgerEntry]


def review_endpoint(
    house: House, actor: Person, endpoint_id: str, since: datetime | None = None, until: datetime | None = None
) -> ReviewRun:
    """Review the version that answers by default, over the decisions with since <= at < until.

    Opens a work item per proven defect, writes the ledger, and says what the KPI's movement is due to.

    Raises:
        ConflictError: nothing is deployed, or the window holds no decision of this version.
    """
    house.allow(actor, "review", facts_of(house, endpoint=endpoint_id))
    with house.store.read() as tx:
        subject = _subject(tx, endpoint_id)
        earlier = tx.of(ReviewRun).find(endpoint=endpoint_id)
    outcomes = {o.request_id: o for o in house.decisions.read_outcomes(endpoint_id)}
    life = house.decisions.read(endpoint_id, until=until)
    inside = [d for d in life if since is None or d.at >= since]
    mine = [d for d in inside if d.version in (subject.version.id, "")]
    if not mine:
        raise ConflictError(
            f"'{endpoint_id}' made no decision with {subject.version.id} in this window",
            remedy="Widen the window, or send traffic first.",
            endpoint=endpoint_id,
        )
    signals = _signals(house, subject, mine, outcomes, _first_window(earlier, life))
    entries = ledger_entries(house, subject.endpoint, subject.contract, subject.case, life, outcomes)
    judged = _Judgement(mine, outcomes, signals, conclude(signals), entries)
    with house.store.begin() as tx:
        return _record(house, tx, subject, judged)


def _subject(tx: Transaction, endpoint_id: str) -> _Subject:
    endpoint = tx.of(Endpoint).get(endpoint_id)
    reporting = [a for a in tx.of(Agent).find(endpoint=endpoint_id, newest_first=True) if a.ended_at is None]
    name = _answering(tx, endpoint_id, reporting)
    sealed = tx.of(Dataset).find(use_case=endpoint.use_case, role=DatasetRole.SEALED, newest_first=True)
    version = tx.of(ModelVersion).get(name)
    judged = next((d for d in sealed if d.created_at <= _validated_at(tx, version)), sealed[-1])
    signed = contract_in_force(tx, endpoint.use_case)
    case = tx.of(UseCase).get(endpoint.use_case)
    agents = [a for a in reporting if a.version == version.id]
    deployment = current_deployment(tx, endpoint_id)
    protection = deployment.protection if deployment else None
    return _Subject(endpoint, case, version, judged, signed[0] if signed else None, agents, protection)


def _answering(tx: Transaction, endpoint: str, reporting: Sequence[Agent]) -> str:
    """The version that answers by default: the champion; where nothing is deployed, what the newest agent reports."""
    if reporting and current_deployment(tx, endpoint) is None:
        return reporting[0].version
    arm = champion_of(deployment_in_force(tx, endpoint))
    if arm is None:
        raise ConflictError(f"no version answers on '{endpoint}'", remedy="Deploy one: `roadworthy deploy`.")
    return arm.version


def _validated_at(tx: Transaction, version: ModelVersion) -> datetime:
    links = [c for c in tx.changes.read(subject=version.id) if c.action == "validation-started"]
    return links[-1].at if links else version.created_at


def _signals(
    house: House,
    subject: _Subject,
    decisions: Sequence[Decision],
    outcomes: Mapping[str, Outcome],
    first: Sequence[Decision],
) -> tuple[Signal, ...]:
    window = _window(house, subject, decisions, outcomes)
    threshold = subject.version.threshold
    failed = sum(d.status is DecisionStatus.FAILED for d in decisions)
    asked = sum(d.status is not DecisionStatus.HELD_OUT for d in decisions)
    return (
        *review(window, ReviewParams(threshold=threshold)),
        failures(failed, asked),
        *(heard_of(agent, house.clock.now()) for agent in subject.agents),
        *_movements(house, subject, (first, decisions), outcomes),
        *_misuse(house, subject, decisions),
    )


def _misuse(house: House, subject: _Subject, decisions: Sequence[Decision]) -> tuple[Signal, ...]:
    """What the gateways' standing protections saw from the window's first decision on until now."""
    since = min(d.at for d in decisions)
    tallies = house.tallies.read(subject.endpoint.id, since=since) if house.tallies else []
    return protection_signals(subject.protection, tallies)


def _window(
    house: House, subject: _Subject, decisions: Sequence[Decision], outcomes: Mapping[str, Outcome]
) -> ReviewWindow:
    version, contract = subject.version, subject.contract
    frame, y = load_dataset(house, subject.sealed, subject.case)
    score = scorer(house, version)
    reference_scores = score(frame)
    validated = decided(frame, y, reference_scores, version.threshold)
    current, aged = decision_frame(decisions, outcomes), due(house, subject.case, contract, decisions)
    # A redacted column is compared with nothing: what the log lacks is no drift.
    hidden = {name for decision in decisions for name in redacted_columns(decision)}
    names = [name for name in version.signature.names if name not in hidden]
    inputs = current.select(names)
    held: Bools = current["held_out"]
    scores: Floats = current["score"].copy()
    if held.any() and not hidden:
        # Nobody acted on these scores: they only say how the model would have ordered the undecided units.
        scores[held] = score(inputs.take(held))
    known = [outcomes.get(d.request_id) for d in decisions]
    days = [
        np.nan if o is None else (o.observed_at - d.at) / timedelta(days=1)
        for d, o in zip(decisions, known, strict=True)
    ]
    return ReviewWindow(
        reference=frame.select(names),
        reference_scores=reference_scores,
        reference_y=y,
        inputs=inputs,
        scores=scores,
        y=current["outcome"],
        held_out=held,
        due=aged,
        delay_days=np.array(days, dtype=np.float64),
        values_reference=_values(contract, validated) if contract else None,
        # Beside the reference, which the model decided alone, stand only units that it decided and that are due.
        values=np.where(aged & ~held, _values(contract, current), np.nan) if contract else None,
        unit=contract.unit if contract else "",
    )


def _values(contract: KpiContract, frame: Frame) -> Floats:
    return evaluate(compile_expression(contract.value, frame.names, "the KPI value"), frame)


def _first_window(earlier: Sequence[ReviewRun], life: Sequence[Decision]) -> Sequence[Decision]:
    """The decisions of the endpoint's first reviewed window: what later movements are told against."""
    if not earlier:
        return ()
    first = earlier[0]
    return [d for d in life if first.since <= d.at < first.until]


def _movements(
    house: House,
    subject: _Subject,
    windows: tuple[Sequence[Decision], Sequence[Decision]],
    outcomes: Mapping[str, Outcome],
) -> tuple[Signal, ...]:
    """Is a change of the business result the model's doing? Asked of the event's rate and of the money."""
    contract = subject.contract
    if not windows[0] or contract is None:
        return ()
    rates: list[KpiWindow] = []
    values: list[KpiWindow] = []
    for decisions in windows:
        frame, aged = decision_frame(decisions, outcomes), due(house, subject.case, contract, decisions)
        # Early outcomes are mostly of one class, and a unit nobody acted on has its value at once.
        held = frame["held_out"][aged]
        rates.append(KpiWindow(frame["outcome"][aged], held))
        values.append(KpiWindow(_values(contract, frame)[aged], held))
    asked = (("conversion", "share", rates), ("value per unit", contract.unit, values))
    return tuple(_movement_signal(name, unit, explain(name, unit, *pair)) for name, unit, pair in asked)


def _movement_signal(name: str, unit: str, movement: Movement) -> Signal:
    # A rate that moved with the market harms nobody; money lost against the hold-out does.
    harmful = movement.cause is Cause.HARMFUL and unit != "share"
    verdict = _VERDICTS[movement.cause]
    if movement.cause is Cause.HARMFUL and not harmful:
        verdict = Verdict.WARN
    model = movement.contrast_after
    return Signal(
        monitor="value",
        kind=SignalKind.VALUE,
        subject=name,
        verdict=verdict,
        message=movement.sentence,
        statistic=model.value if model else None,
        interval=model.interval if model else None,
        unit=unit,
        rows=model.n if model else 0,
        defect=DefectKind.KPI_NOT_MET if verdict is Verdict.FAIL else None,
        details={"cause": movement.cause.value, "before": movement.before, "after": movement.after},
    )


def _record(house: House, tx: Transaction, subject: _Subject, judged: _Judgement) -> ReviewRun:
    endpoint, conclusion, decisions = subject.endpoint.id, judged.conclusion, judged.decisions
    items = _work(house, tx, subject, judged.signals, conclusion)
    lines = tx.of(LedgerEntry).count(endpoint=endpoint)
    for number, entry in enumerate(judged.entries, lines + 1):
        tx.of(LedgerEntry).add(replace(entry, id=f"{endpoint}-ledger-{number}"))
    run = ReviewRun(
        id=f"review-{endpoint}-{tx.of(ReviewRun).count(endpoint=endpoint) + 1}",
        endpoint=endpoint,
        use_case=subject.case.id,
        version=subject.version.id,
        since=min(d.at for d in decisions),
        until=max(d.at for d in decisions) + timedelta(microseconds=1),
        at=house.clock.now(),
        decisions=len(decisions),
        outcomes=sum(d.request_id in judged.outcomes for d in decisions),
        verdict=conclusion.verdict,
        signals=judged.signals,
        conclusion=conclusion.sentence,
        work_items=tuple(i.id for i in items),
    )
    tx.of(ReviewRun).add(run)
    why = f"review of {subject.version.id} on '{endpoint}'"
    look(house, tx, PLATFORM, subject.sealed.id, subject.version, run.id, why, charged=False)
    close_quiet(house, tx, subject.version, run)
    facts = {"review": run.id, "version": subject.version.id, "verdict": conclusion.verdict.value}
    house.record(tx, PLATFORM, "reviewed", endpoint, conclusion.sentence, facts)
    return run


def _work(
    house: House, tx: Transaction, subject: _Subject, signals: Sequence[Signal], conclusion: Conclusion
) -> list[WorkItem]:
    """One work item per proven defect, with the sentence of the signal that proves it best."""
    items: list[WorkItem] = []
    for defect in conclusion.defects:
        proof = next(s for s in signals if s.defect is defect and s.verdict is Verdict.FAIL)
        summary = f"{proof.subject}: {proof.message}"
        source, gate = f"review: {proof.monitor}", RE_ENTRY[defect].gate
        items.append(open_item(house, tx, subject.version, defect, source, summary, gate))
    return items


def decided(frame: Frame, y: Floats, scores: Floats, threshold: float) -> Frame:
    """Rows with known answers as decisions the model would have made."""
    columns = {"score": scores, "acted": scores >= threshold, "outcome": y}
    return Frame({**frame.columns, **columns, "held_out": np.zeros(len(y), dtype=np.bool_)})
