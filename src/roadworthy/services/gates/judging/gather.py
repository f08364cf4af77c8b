"""Gathering what a gate's checks may look at, in two parts: what is recorded, read here in one transaction; and what
is made of it (data frames, a loaded model, a trial), which `assembly.py` does where the checks are judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from roadworthy.checks.material import Material
from roadworthy.domain.gate import Gate, GateRun, Playbook
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Agent, Arm, ArmRole, Deployment, Endpoint, MonitorPlan
from roadworthy.domain.trust import Evidence, HandOff, Person, Role, SignOff
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.services.catalog.looks import charged_looks
from roadworthy.services.facts import makers
from roadworthy.services.house import House
from roadworthy.services.serve.plan import current_deployment, plan_deployment
from roadworthy.services.watch.monitors import MONITORS


@dataclass(frozen=True, slots=True)
class Records:
    """What is recorded about one run: plain values that can be sent to another process.

    `plain` holds the fields of the material that need no making. `gate` says which fields `assembly.py` makes.
    """

    gate: Gate
    plain: Material
    case: UseCase
    version: ModelVersion
    contract: KpiContract
    train: Dataset
    sealed: Dataset
    production: Dataset | None = None
    champion: ModelVersion | None = None


def gather(house: House, run: GateRun, playbook: Playbook) -> Records:
    """The records of one run, read in one transaction."""
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(run.version)
        case = tx.of(UseCase).get(version.use_case)
        contract = tx.of(KpiContract).get(run.inputs["contract"])
        train = tx.of(Dataset).get(run.inputs["train"])
        production = tx.of(Dataset).get(run.inputs["production"]) if "production" in run.inputs else None
        plain = _plain(tx, run, version, house)
        plain = replace(plain, use_case=case, playbook=playbook, contract=contract)
        if run.gate is not Gate.VALIDATION:
            plain = _with_serving(house, tx, run, plain, version)
        if production is not None and run.gate is not Gate.VALIDATION:
            plain = replace(plain, monitor_plan=_plan(plain.hand_off, case, version, train))
        return Records(
            gate=run.gate,
            plain=plain,
            case=case,
            version=version,
            contract=contract,
            train=train,
            sealed=tx.of(Dataset).get(run.inputs["sealed"]),
            production=production,
            champion=_champion(tx, version),
        )


def _plain(tx: Transaction, run: GateRun, version: ModelVersion, house: House) -> Material:
    family = makers(tx, version)
    able = [p.id for p in tx.of(Person).find() if p.active and Role.VALIDATOR in p.roles]
    judges = tuple(person for person in able if person not in family)
    accepted = tx.of(HandOff).find(version=version.id, newest_first=True, limit=1)
    return Material(
        now=house.clock.now(),
        seed=run.seed,
        version=version,
        contract_evidence=tx.of(Evidence).get(run.inputs["contract-evidence"]),
        earlier_runs=tuple(r for r in tx.of(GateRun).find(version=version.id) if r.id != run.id),
        sign_offs=tuple(tx.of(SignOff).find(version=version.id)),
        evidence=tuple(tx.of(Evidence).find(version=version.id)),
        validators=judges,
        hand_off=accepted[0] if accepted else None,
        changes=tuple(tx.changes.read(subject=version.id)),
        looks=tuple(charged_looks(tx, run.inputs["sealed"], version)),
        agents=tuple(tx.of(Agent).find(version=version.id)),
    )


def _with_serving(house: House, tx: Transaction, run: GateRun, plain: Material, version: ModelVersion) -> Material:
    if "endpoint" not in run.inputs:
        return plain
    endpoint = tx.of(Endpoint).get(run.inputs["endpoint"])
    plan = plan_deployment(house, tx, version, endpoint) if run.gate is Gate.ACTIVATION else None
    return replace(plain, endpoint=endpoint, deployment=plan)


def _champion_first(deployment: Deployment) -> list[Arm]:
    """The arms that answer: what answers now before what answered earlier and is kept to go back to."""
    return sorted((a for a in deployment.arms if a.role.answers), key=lambda a: a.role is not ArmRole.CHAMPION)


def _champion(tx: Transaction, version: ModelVersion) -> ModelVersion | None:
    for endpoint in tx.of(Endpoint).find(use_case=version.use_case):
        deployment = current_deployment(tx, endpoint.id)
        arm = (
            next((a for a in _champion_first(deployment) if a.version != version.id), None) if deployment else None
        )
        if arm is not None:
            return tx.of(ModelVersion).get(arm.version)
    return None


def _plan(hand_off: HandOff | None, case: UseCase, version: ModelVersion, train: Dataset) -> MonitorPlan:
    told = tuple(p for p in (hand_off.service_owner if hand_off else "", case.owner) if p)
    route = version.training.partition(":")[2] or f"by hand, by {', '.join(version.developers)}"
    return MonitorPlan(monitors=MONITORS, alerts_to=told, retrain_route=route, reference_rows=train.rows)
