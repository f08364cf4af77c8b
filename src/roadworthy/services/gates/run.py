"""Running a gate: started in one transaction, carried out durably check by check, concluded in one transaction.

The process may die at any instant. What was recorded stays recorded: a restarted engine goes on with the first
check that has no finding yet, and a conclusion is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from roadworthy.domain.durable.work import Durable, WorkStanding
from roadworthy.domain.errors import ConflictError, ExpressionError, SettingError, UnavailableError
from roadworthy.domain.gate import Gate, GateRun, Playbook, check_key, steps_of
from roadworthy.domain.lifecycle import State, allowed_events
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.services.catalog.contracts import contract_in_force, refuse_outdated, refuse_peek
from roadworthy.services.catalog.sealed import refuse_sealed_as
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.conclude import EVENTS, conclude, move
from roadworthy.services.gates.judging.desk import Desk
from roadworthy.services.gates.playbooks import read_playbook
from roadworthy.services.house import House
from roadworthy.services.licence.approval import require_current
from roadworthy.value.expression import compile_expression

WORK = "gate"
"""The name under which the work engine knows `carry_out`."""

_INSIDE = (State.VALIDATING, State.RELEASING, State.ACTIVATING)
ACTIONS = {Gate.VALIDATION: "validate", Gate.RELEASE: "release", Gate.ACTIVATION: "activate"}
"""What one must be allowed to do to run a gate."""

MAX_ATTEMPTS = 1000
"""So often a run may be taken up anew."""


@dataclass(frozen=True, slots=True)
class GateOrder:
    """What to run. `production` names a production sample (release, activation); `endpoint` where it will serve.

    A `fresh` run measures everything anew, also what an earlier run has measured on the same inputs.
    """

    version: str
    gate: Gate
    playbook: bytes
    playbook_file: str = "playbook.yaml"
    production: str = ""
    endpoint: str = ""
    fresh: bool = False


def start_gate(house: House, actor: Person, order: GateOrder) -> GateRun:
    """Record a new run and move the version into the gate; checks follow in `carry_out`.

    Raises:
        PlaybookError: the playbook cannot be read; nothing is recorded.
        ConflictError: no signed KPI contract, or no sealed data; or, after validation, an approval that has ended.
        IllegalTransitionError: the version is not where this gate begins.
    """
    house.allow(actor, ACTIONS[order.gate], facts_of(house, version=order.version))
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(order.version)
        case = tx.of(UseCase).get(version.use_case)
    playbook = read_playbook(order.playbook, case.risk_tier, order.playbook_file)
    refuse_peek(house, actor, case.id, f"{order.gate.value} of {version.id}")
    if order.production:
        attempt = f"{order.gate.value} of {version.id} on sealed data as production"
        refuse_sealed_as(house, actor, order.production, DatasetRole.PRODUCTION, attempt)
    house.artifacts.put(order.playbook)
    with house.store.begin() as tx:
        if order.gate is not Gate.VALIDATION and EVENTS[order.gate][0] in allowed_events(version.state):
            require_current(tx, version.id, house.clock.now())
        inputs = _inputs(tx, version, case, order)
        if order.gate is not Gate.VALIDATION:
            refuse_outdated(tx, version, inputs["contract"])
        number = tx.of(GateRun).count(version=version.id, gate=order.gate) + 1
        run = GateRun(
            id=f"{order.gate.value}-{version.id}-{number}",
            version=version.id,
            gate=order.gate,
            playbook=playbook.digest,
            actor=actor.id,
            seed=house.seed + number,
            started_at=house.clock.now(),
            inputs=inputs,
            planned=_keys(playbook, order.gate),
            fresh=order.fresh,
        )
        move(tx, version, EVENTS[order.gate][0])
        tx.of(GateRun).add(run)
        house.record(tx, actor.id, f"{order.gate.value}-started", version.id, facts={"run": run.id})
    return run


def run_gate(house: House, actor: Person, order: GateOrder) -> GateRun:
    """Start a gate and wait for its conclusion."""
    run = start_gate(house, actor, order)
    house.engine.run(WORK, run.id, {"run": run.id})
    return gate_run(house, run.id)


def gate_run(house: House, run_id: str) -> GateRun:
    """A run as it stands, with the findings made so far."""
    with house.store.read() as tx:
        return tx.of(GateRun).get(run_id)


def resume_gates(house: House) -> None:
    """Take up runs that were started when a process died: run at start, after the engine's launch.

    Also those that another server on the same database left when it died; what a living one carries out is its own.
    """
    for run in _begun(house):
        if _standings(house, run)[-1] is not WorkStanding.ELSEWHERE:
            take_up(house, run.id)


def adopt_gates(house: House) -> list[str]:
    """Take up runs whose server is gone, or died before it had begun: run again and again while a server runs.

    Work that ended without a conclusion is left: it would break again. Returns the runs taken up.
    """
    alone = (WorkStanding.LEFT, WorkStanding.UNKNOWN)
    found = [run.id for run in _begun(house) if _standings(house, run)[-1] in alone]
    for run in found:
        take_up(house, run)
    return found


def _begun(house: House) -> list[GateRun]:
    """Runs that have no conclusion."""
    with house.store.read() as tx:
        inside = [v for state in _INSIDE for v in tx.of(ModelVersion).find(state=state)]
        return [run for v in inside for run in tx.of(GateRun).find(version=v.id) if run.verdict is None]


def _standings(house: House, run: GateRun) -> list[WorkStanding]:
    """Where each attempt at a run stands, newest last; one that is not known when there was none."""
    found: list[WorkStanding] = []
    for name in work_ids(run.id):
        standing = house.engine.standing(name)
        if standing is WorkStanding.UNKNOWN:
            break
        found.append(standing)
    return found or [WorkStanding.UNKNOWN]


def take_up(house: House, run_id: str) -> None:
    """Have the engine here carry a run out, unless it does already.

    Work that ended without a conclusion (the control store failed) or belongs to another engine is never run
    again under its own name: it goes on under the next one, and what is recorded of the run is not done again.

    Raises:
        ConflictError: it was taken up too often.
    """
    for name in work_ids(run_id):
        if house.engine.standing(name) in (WorkStanding.UNKNOWN, WorkStanding.HERE):
            house.engine.submit(WORK, name, {"run": run_id})
            return
    raise ConflictError(
        f"{run_id} was taken up {MAX_ATTEMPTS} times and never concluded",
        remedy="Cancel it, and look in the server's log for what breaks it.",
        run=run_id,
    )


def work_ids(run_id: str) -> Iterator[str]:
    """The names under which a run is carried out, first attempt first."""
    yield run_id
    yield from (f"{run_id}#{attempt}" for attempt in range(2, MAX_ATTEMPTS + 1))


def carry_out(house: House, durable: Durable, arguments: dict[str, Any]) -> Any:
    """The durable function: every planned check is one recorded step, the conclusion the last."""
    run = gate_run(house, str(arguments["run"]))
    with house.store.read() as tx:
        tier = tx.of(UseCase).get(tx.of(ModelVersion).get(run.version).use_case).risk_tier
    playbook = read_playbook(house.artifacts.get(run.playbook), tier)
    with Desk(house, run, playbook, durable) as desk:
        try:
            for step in steps_of(run.gate):
                planned = playbook.checks_of(step)
                if not planned:
                    durable.step(check_key(step, "*"), partial(desk.leave_open, step))
                for check in planned:
                    durable.step(check.key, partial(desk.judge, check))
        except UnavailableError as problem:
            durable.step("broke-off", partial(desk.break_off, problem))
        return durable.step("conclude", lambda: conclude(house, run.id, playbook))


def _keys(playbook: Playbook, gate: Gate) -> tuple[str, ...]:
    keys = {step: [c.key for c in playbook.checks_of(step)] or [check_key(step, "*")] for step in steps_of(gate)}
    return tuple(key for of_step in keys.values() for key in of_step)


def _refuse_unlogged(contract: KpiContract, version: ModelVersion) -> None:
    """The value must compute from what an endpoint logs: the version's inputs, the decision, the outcome."""
    try:
        compile_expression(contract.value, version.signature.names, "the KPI value")
    except ExpressionError as problem:
        raise ConflictError(
            f"the value of contract '{contract.id}' cannot be computed from what {version.id} takes in: {problem.what}",
            remedy="Make the column an input of the version, or agree a contract without it.",
            contract=contract.id,
        ) from problem


def _inputs(tx: Transaction, version: ModelVersion, case: UseCase, order: GateOrder) -> dict[str, str]:
    signed = contract_in_force(tx, case.id)
    if signed is None:
        raise ConflictError(
            f"the use case '{case.id}' has no signed KPI contract",
            remedy=f"{case.owner} agrees one first: `roadworthy agree`. Results on sealed data come after it.",
            use_case=case.id,
        )
    _refuse_unlogged(signed[0], version)
    sealed = tx.of(Dataset).find(use_case=case.id, role=DatasetRole.SEALED, newest_first=True, limit=1)
    if not sealed:
        raise ConflictError(
            f"the use case '{case.id}' has no sealed test data",
            remedy="Register some: `roadworthy register data FILE --role sealed`.",
            use_case=case.id,
        )
    inputs = {
        "artifact": version.artifact,
        "train": version.train_dataset,
        "sealed": sealed[0].id,
        "contract": signed[0].id,
        "contract-evidence": signed[1].id,
    }
    if order.production:
        sample = tx.of(Dataset).get(order.production)
        if (sample.role, sample.use_case) != (DatasetRole.PRODUCTION, case.id):
            raise SettingError(
                f"'{sample.id}' is {sample.role.value} data of '{sample.use_case}'",
                remedy=f"Name a production sample of '{case.id}': `roadworthy register data FILE --role production`.",
                field="production",
            )
        inputs["production"] = sample.id
    if order.endpoint:
        inputs["endpoint"] = tx.of(Endpoint).get(order.endpoint).id
    return inputs
