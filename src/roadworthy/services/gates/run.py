"""Running a gate: started in one transaction, carried out durably check by check, concluded in one transaction.

The process may die at any instant. What was recorded stays recorded: a restarted engine goes on with the first
check that has no finding yet, and a conclusion is drawn once.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any

import msgspec

from roadworthy.checks.material import Material
from roadworthy.checks.runner import broken, run_check, unchecked, with_waiver
from roadworthy.domain import faults
from roadworthy.domain.errors import ConflictError, DataError, ExpressionError, SettingError, UnavailableError
from roadworthy.domain.gate import (
    Finding,
    Gate,
    GateRun,
    PlannedCheck,
    Playbook,
    Step,
    gate_verdict,
    steps_of,
    tally,
)
from roadworthy.domain.lifecycle import Event, State, advance
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Durable, Transaction
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.evidence.statements import gate_run_statement
from roadworthy.services.catalog.contracts import contract_in_force, refuse_outdated, refuse_peek
from roadworthy.services.catalog.looks import look
from roadworthy.services.catalog.sealed import refuse_sealed_as
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.gather import gather
from roadworthy.services.gates.playbooks import read_playbook
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.watch.work_items import close_passed, open_for_findings
from roadworthy.value.expression import compile_expression

WORK = "gate"
"""The name under which the work engine knows `carry_out`."""

_EVENTS = {
    Gate.VALIDATION: (
        Event.START_VALIDATION,
        Event.VALIDATION_PASSED,
        Event.VALIDATION_FAILED,
        Event.VALIDATION_BLOCKED,
    ),
    Gate.RELEASE: (Event.START_RELEASE, Event.RELEASE_PASSED, Event.RELEASE_FAILED, Event.RELEASE_BLOCKED),
    Gate.ACTIVATION: (
        Event.START_ACTIVATION,
        Event.ACTIVATION_PASSED,
        Event.ACTIVATION_FAILED,
        Event.ACTIVATION_BLOCKED,
    ),
}
_INSIDE = (State.VALIDATING, State.RELEASING, State.ACTIVATING)
_ACTIONS = {Gate.VALIDATION: "validate", Gate.RELEASE: "release", Gate.ACTIVATION: "activate"}


@dataclass(frozen=True, slots=True)
class GateOrder:
    """What to run. `production` names a production sample (release, activation); `endpoint` where it will serve."""

    version: str
    gate: Gate
    playbook: bytes
    playbook_file: str = "playbook.yaml"
    production: str = ""
    endpoint: str = ""


def start_gate(house: House, actor: Person, order: GateOrder) -> GateRun:
    """Record a new run and move the version into the gate; checks follow in `carry_out`.

    Raises:
        PlaybookError: the playbook cannot be read; nothing is recorded.
        ConflictError: no signed KPI contract, or no sealed data.
        IllegalTransitionError: the version is not where this gate begins.
    """
    house.allow(actor, _ACTIONS[order.gate], facts_of(house, version=order.version))
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
        )
        _move(tx, version, _EVENTS[order.gate][0])
        tx.of(GateRun).add(run)
        house.record(tx, actor.id, f"{order.gate.value}-started", version.id, facts={"run": run.id})
        look(
            house, tx, actor.id, inputs["sealed"], version, run.id, f"{order.gate.value} of {version.id}",
            charged=order.gate is Gate.VALIDATION,
        )  # fmt: skip
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
    """Take up runs that were started when the process died: run at start, after the engine's launch."""
    with house.store.read() as tx:
        inside = [v for state in _INSIDE for v in tx.of(ModelVersion).find(state=state)]
        begun = [run for v in inside for run in tx.of(GateRun).find(version=v.id) if run.verdict is None]
    for run in begun:
        house.engine.submit(WORK, run.id, {"run": run.id})


def carry_out(house: House, durable: Durable, arguments: dict[str, Any]) -> Any:
    """The durable function: every planned check is one recorded step, the conclusion the last."""
    run = gate_run(house, str(arguments["run"]))
    with house.store.read() as tx:
        tier = tx.of(UseCase).get(tx.of(ModelVersion).get(run.version).use_case).risk_tier
    playbook = read_playbook(house.artifacts.get(run.playbook), tier)
    with ExitStack() as stack:
        desk = _Desk(house, run, playbook, stack)
        try:
            for step in steps_of(run.gate):
                planned = playbook.checks_of(step)
                if not planned:
                    durable.step(f"{step.name}:*", partial(desk.leave_open, step))
                for check in planned:
                    durable.step(f"{step.name}:{check.check}", partial(desk.judge, check))
        except UnavailableError as problem:
            durable.step("broke-off", partial(desk.break_off, problem))
        return durable.step("conclude", lambda: conclude(house, run.id, playbook))


class _Desk:
    """Gathers the material once per process, when the first check needs it."""

    def __init__(self, house: House, run: GateRun, playbook: Playbook, stack: ExitStack) -> None:
        self._house = house
        self._run = run
        self._playbook = playbook
        self._stack = stack
        self._material: Material | None = None
        self._problem: Exception | None = None

    def judge(self, planned: PlannedCheck) -> Any:
        """Run one check and keep its finding."""
        finding = with_waiver(self._finding(planned), self._playbook)
        faults.reach("gate.check-done")
        return _keep(self._house, self._run.id, finding)

    def leave_open(self, step: Step) -> Any:
        """Say that a step has no check; it blocks unless the playbook waives it by name."""
        return _keep(self._house, self._run.id, with_waiver(unchecked(step), self._playbook))

    def break_off(self, problem: Exception) -> None:
        """Say of every check without a finding that the run broke off before it; the gate then gives nothing."""
        for step in steps_of(self._run.gate):
            planned = self._playbook.checks_of(step)
            if not planned:
                self.leave_open(step)
            for check in planned:
                _keep(self._house, self._run.id, broken(check, problem))

    def _finding(self, planned: PlannedCheck) -> Finding:
        # The version would stay in the gate for ever if an exception left this step: every one is a finding.
        if self._material is None and self._problem is None:
            try:
                self._material = gather(self._house, self._run, self._playbook, self._stack)
            except Exception as problem:  # noqa: BLE001 - a model or a file may raise anything
                self._problem = problem
        if self._material is None:
            return broken(planned, self._problem or RuntimeError("nothing was gathered"))
        finding = run_check(planned, self._material)
        try:
            canonical(to_json(finding))
        except DataError as problem:
            return broken(planned, problem)
        return finding


def _keep(house: House, run_id: str, finding: Finding) -> Any:
    """Store a finding with its run, once: a repeated step finds it there already."""
    with house.store.begin() as tx:
        run = tx.of(GateRun).get(run_id)
        known = [f for f in run.findings if (f.step, f.check) == (finding.step, finding.check)]
        if not known:
            tx.of(GateRun).replace(run, replace(run, findings=(*run.findings, finding)))
    return msgspec.to_builtins(known[0] if known else finding)


def conclude(house: House, run_id: str, playbook: Playbook) -> Any:
    """Draw the conclusion of a run whose checks are all recorded: verdict, evidence, next state, work items."""
    faults.reach("gate.before-conclude")
    with house.store.begin() as tx:
        run = tx.of(GateRun).get(run_id)
        if run.verdict is None:
            run = _conclude(house, tx, run, playbook)
    faults.reach("gate.after-conclude")
    return {"run": run.id, "verdict": run.verdict.value if run.verdict else None}


def _conclude(house: House, tx: Transaction, run: GateRun, playbook: Playbook) -> GateRun:
    version = tx.of(ModelVersion).get(run.version)
    case = tx.of(UseCase).get(version.use_case)
    done = replace(run, verdict=gate_verdict(run.findings), finished_at=house.clock.now())
    statement = gate_run_statement(done, version, case, playbook, tools=tool_versions(), now=house.clock.now())
    evidence = house.attest(tx, PLATFORM, EvidenceKind.GATE_RUN, statement, version.id)
    done = replace(done, evidence=evidence.id)
    tx.of(GateRun).replace(run, done)
    moved = _move(tx, version, _outcome(done))
    if done.verdict is not None and done.verdict.lets_through:
        close_passed(house, tx, version, done)
    else:
        open_for_findings(house, tx, version, done)
    house.record(
        tx,
        PLATFORM,
        f"{run.gate.value}-concluded",
        version.id,
        facts={
            "run": run.id,
            "verdict": done.verdict.value if done.verdict else None,
            "findings": tally(done.findings),
            "state": moved.state.value,
            "evidence": evidence.id,
        },
        checkpoint="a gate concluded",
    )
    return done


def tool_versions() -> dict[str, str]:
    """The versions of what computed the findings; they go into the evidence."""
    return {
        name: metadata.version(name) for name in ("roadworthy", "numpy", "scipy", "scikit-learn", "onnxruntime")
    }


def _outcome(run: GateRun) -> Event:
    _, passed, failed, blocked = _EVENTS[run.gate]
    if any(f.blocks and f.verdict is Verdict.FAIL for f in run.findings):
        return failed
    return passed if run.verdict is not None and run.verdict.lets_through else blocked


def _move(tx: Transaction, version: ModelVersion, event: Event) -> ModelVersion:
    moved = replace(version, state=advance(version.state, event, subject=version.id))
    tx.of(ModelVersion).replace(version, moved)
    return moved


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
