"""Gathering what a gate's checks may look at: data, scores, signatures, and a trial inside the perimeter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from roadworthy.checks.material import Labelled, Material, Score, TrafficSample
from roadworthy.domain.gate import Gate, GateRun, Playbook
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.ports import Transaction, Trial
from roadworthy.domain.review import Signal
from roadworthy.domain.serving import Endpoint, MonitorPlan
from roadworthy.domain.trust import Evidence, HandOff, Person, Role, SignOff
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.monitoring.window import ReviewParams, ReviewWindow, review
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.catalog.looks import charged_looks
from roadworthy.services.gates.scoring import retrainer, scorer
from roadworthy.services.house import House
from roadworthy.services.serve.plan import current_deployment, plan_deployment
from roadworthy.services.watch.monitors import MONITORS
from roadworthy.services.watch.work_items import ancestors
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.value.kpi import on_sealed

ARRIVED_AT = "arrived_at"
"""Column of a production sample that says when each request arrived."""

PROBE_ROWS = 200
"""Rows sent one by one through the real endpoint during a trial."""

TRANSPORT_ROWS = 500
"""Rows scored through every transport (release step R5)."""


def gather(house: House, run: GateRun, playbook: Playbook, stack: ExitStack) -> Material:
    """The material of one run; a trial it opens ends with `stack`."""
    with house.store.read() as tx:
        base = _records(tx, run, playbook, house)
        case, version, contract = base.use_case, base.version, base.contract
        train_set = tx.of(Dataset).get(run.inputs["train"])
        sealed_set = tx.of(Dataset).get(run.inputs["sealed"])
        production_set = tx.of(Dataset).get(run.inputs["production"]) if "production" in run.inputs else None
        champion = _champion(tx, version) if version else None
    if case is None or version is None or contract is None:
        return base
    score = scorer(house, version)
    train = _labelled(house, train_set, case)
    sealed = _labelled(house, sealed_set, case)
    material = replace(
        base,
        train=train,
        sealed=sealed,
        score=score,
        scan=house.workshop.scan(house.artifacts.get(version.artifact)),
        champion=scorer(house, champion) if champion else None,
        retrain=retrainer(house, version, train) if version.training else None,
    )
    scores = score(sealed.frame)
    if run.gate is Gate.VALIDATION:
        return replace(material, kpi=on_sealed(contract, sealed.frame, sealed.y, scores, version.threshold))
    if production_set is not None:
        material = _with_production(material, _labelled(house, production_set, case), version, contract)
    return _with_trial(house, run, material, version, stack)


def _records(tx: Transaction, run: GateRun, playbook: Playbook, house: House) -> Material:
    version = tx.of(ModelVersion).get(run.version)
    case = tx.of(UseCase).get(version.use_case)
    contract = tx.of(KpiContract).get(run.inputs["contract"])
    family = {*version.developers}
    for ancestor in ancestors(tx, version):
        family.update(tx.of(ModelVersion).get(ancestor).developers)
    judges = tuple(p.id for p in tx.of(Person).find() if Role.VALIDATOR in p.roles and p.id not in family)
    accepted = tx.of(HandOff).find(version=version.id, newest_first=True, limit=1)
    return Material(
        now=house.clock.now(),
        seed=run.seed,
        use_case=case,
        version=version,
        playbook=playbook,
        contract=contract,
        contract_evidence=tx.of(Evidence).get(run.inputs["contract-evidence"]),
        earlier_runs=tuple(r for r in tx.of(GateRun).find(version=version.id) if r.id != run.id),
        sign_offs=tuple(tx.of(SignOff).find(version=version.id)),
        evidence=tuple(tx.of(Evidence).find(version=version.id)),
        validators=judges,
        hand_off=accepted[0] if accepted else None,
        changes=tuple(tx.changes.read(subject=version.id)),
        looks=tuple(charged_looks(tx, run.inputs["sealed"], version)),
    )


def _champion(tx: Transaction, version: ModelVersion) -> ModelVersion | None:
    for endpoint in tx.of(Endpoint).find(use_case=version.use_case):
        deployment = current_deployment(tx, endpoint.id)
        arm = (
            next((a for a in deployment.arms if a.version and a.version != version.id), None)
            if deployment
            else None
        )
        if arm is not None:
            return tx.of(ModelVersion).get(arm.version)
    return None


def _labelled(house: House, dataset: Dataset, case: UseCase) -> Labelled:
    frame, y = load_dataset(house, dataset, case)
    return Labelled(frame=frame, y=y, dataset=dataset)


def _with_production(
    material: Material, sample: Labelled, version: ModelVersion, contract: KpiContract
) -> Material:
    # Sealed rows, not training rows: on those every model looks better than it is.
    reference, score = material.sealed, material.score
    if reference is None or score is None:
        return material
    names = version.signature.names
    scores = score(sample.frame)
    window = ReviewWindow(
        reference=reference.frame.select(names),
        reference_scores=score(reference.frame),
        reference_y=reference.y,
        inputs=sample.frame.select(names),
        scores=scores,
        y=sample.y,
        held_out=np.zeros(sample.frame.n_rows, dtype=np.bool_),
    )
    signals: tuple[Signal, ...] = review(window, ReviewParams(threshold=version.threshold))
    return replace(
        material,
        production=sample,
        traffic=traffic_sample(sample.frame, names),
        signals=signals,
        kpi=on_sealed(contract, sample.frame, sample.y, scores, version.threshold),
        monitor_plan=_plan(material, version),
    )


def traffic_sample(frame: Frame, names: tuple[str, ...]) -> TrafficSample | None:
    """Requests with their arrival times, when the sample says when they arrived."""
    if ARRIVED_AT not in frame:
        return None
    arrived = frame[ARRIVED_AT]
    if arrived.dtype.kind == "M":
        seconds = (arrived - arrived.min()).astype("timedelta64[us]").astype(np.float64) / 1e6
    else:
        seconds = frame.floats(ARRIVED_AT)
    return TrafficSample(frame=frame.select(names), arrivals_s=seconds)


def _plan(material: Material, version: ModelVersion) -> MonitorPlan:
    case, hand_off = material.use_case, material.hand_off
    told = tuple(p for p in (hand_off.service_owner if hand_off else "", case.owner if case else "") if p)
    rows = material.train.frame.n_rows if material.train else 0
    route = version.training.partition(":")[2] or f"by hand, by {', '.join(version.developers)}"
    return MonitorPlan(monitors=MONITORS, alerts_to=told, retrain_route=route, reference_rows=rows)


def _with_trial(
    house: House, run: GateRun, material: Material, version: ModelVersion, stack: ExitStack
) -> Material:
    rows = material.production or material.sealed
    if rows is None:
        return material
    trial = stack.enter_context(house.perimeter.open(version, house.artifacts.get(version.artifact)))
    pack = rows.frame.select(version.signature.names).take(np.arange(min(PROBE_ROWS, rows.frame.n_rows)))
    with house.store.read() as tx:
        endpoint = tx.of(Endpoint).get(run.inputs["endpoint"]) if "endpoint" in run.inputs else None
        plan = plan_deployment(house, tx, version, endpoint) if endpoint and run.gate is Gate.ACTIVATION else None
    material = replace(material, endpoint=endpoint, deployment=plan, transports=_transports(trial, version))
    if run.gate is Gate.ACTIVATION:
        material = replace(material, probe=trial.probe(pack.columns), drill=trial.drill(pack.columns))
    return material


def _transports(trial: Trial, version: ModelVersion) -> dict[str, Score]:
    names = version.signature.names

    def through(send: Callable[..., Floats]) -> Score:
        def score(frame: Frame) -> Floats:
            return np.asarray(send(frame.select(names).columns), dtype=np.float64)

        return score

    return {"rest": through(trial.rest), "in-code": through(trial.in_code), "batch": through(trial.batch)}
