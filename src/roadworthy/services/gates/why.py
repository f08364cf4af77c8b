"""What stands between a version and its next state, in one list that command line, API and page show alike.

`obstacles` is pure: it is given everything as it stands and says what blocks, why, and who can do what about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from roadworthy.domain.gate import Finding, Gate, GateRun, check_key
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import HandOff, Person, Role, SignOff
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.facts import makers
from roadworthy.services.house import House
from roadworthy.services.licence.approval import readable_approval


class ObstacleKind(Enum):
    """What can stand in the way."""

    GATE_RUNNING = "gate-running"
    FINDING = "finding"
    CANCELLED = "cancelled"
    ACTOR_REVOKED = "actor-revoked"
    NO_CONTRACT = "no-contract"
    NO_SEALED_DATA = "no-sealed-data"
    NO_PRODUCTION_SAMPLE = "no-production-sample"
    NO_ENDPOINT = "no-endpoint"
    NO_HAND_OFF = "no-hand-off"
    NO_SIGN_OFF = "no-sign-off"
    APPROVAL_ENDED = "approval-ended"
    APPROVAL_UNPROVEN = "approval-unproven"
    NO_VALIDATOR = "no-validator"
    WORK_ITEM = "work-item"
    SENT_BACK = "sent-back"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way: `subject` names it (a check's key, a run, a work item), `remedy` what removes it."""

    kind: ObstacleKind
    subject: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Why:
    """Where a version stands, what blocks it, and what to do next when nothing does."""

    version: str
    state: State
    obstacles: tuple[Obstacle, ...]
    next_step: str

    @property
    def blocked(self) -> bool:
        """Whether anything stands in the way."""
        return bool(self.obstacles)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the answer depends on. `runs` are the version's, oldest first; `work` its open work items.

    `validators` are the active people who may judge it; `signatures_needed` how many of them must approve,
    `approval_ended_at` when an approval they gave has ended, `approval_unproven` why its evidence cannot be read.
    """

    version: ModelVersion
    case: UseCase
    has_contract: bool
    has_sealed: bool
    has_sample: bool
    has_endpoint: bool
    runs: tuple[GateRun, ...]
    sign_offs: tuple[SignOff, ...]
    hand_offs: tuple[HandOff, ...]
    work: tuple[WorkItem, ...]
    validators: tuple[str, ...]
    signatures_needed: int = 1
    approval_ended_at: datetime | None = None
    approval_unproven: str = ""


NEXT_GATE = {
    State.REGISTERED: Gate.VALIDATION,
    State.VALIDATED: Gate.RELEASE,
    State.CANDIDATE: Gate.ACTIVATION,
    State.VALIDATING: Gate.VALIDATION,
    State.RELEASING: Gate.RELEASE,
    State.ACTIVATING: Gate.ACTIVATION,
}
"""The gate a version stands before, or in."""

_COMMANDS = {Gate.VALIDATION: "validate", Gate.RELEASE: "release", Gate.ACTIVATION: "activate"}


def why(house: House, version_id: str) -> Why:
    """What stands between a version and its next state. Raises NotFoundError."""
    with house.store.read() as tx:
        return explain(standing(tx, tx.of(ModelVersion).get(version_id), house.clock.now()))


def standing(tx: Transaction, version: ModelVersion, now: datetime) -> Standing:
    """Everything as it stands now."""
    case = tx.of(UseCase).get(version.use_case)
    family = makers(tx, version)
    approval, unproven = readable_approval(tx, version.id)
    licence = approval.licence if approval else None

    def has(role: DatasetRole) -> bool:
        return tx.of(Dataset).count(use_case=case.id, role=role) > 0

    return Standing(
        version=version,
        case=case,
        has_contract=contract_in_force(tx, case.id) is not None,
        has_sealed=has(DatasetRole.SEALED),
        has_sample=has(DatasetRole.PRODUCTION),
        has_endpoint=tx.of(Endpoint).count(use_case=case.id) > 0,
        runs=tuple(tx.of(GateRun).find(version=version.id)),
        sign_offs=tuple(tx.of(SignOff).find(version=version.id)),
        hand_offs=tuple(tx.of(HandOff).find(version=version.id)),
        work=tuple(tx.of(WorkItem).find(version=version.id, state=WorkItemState.OPEN)),
        validators=tuple(
            p.id for p in tx.of(Person).find() if p.active and Role.VALIDATOR in p.roles and p.id not in family
        ),
        signatures_needed=approval.terms.quorum if approval else 1,
        approval_ended_at=licence.until if licence is not None and licence.expired(now) else None,
        approval_unproven=unproven,
    )


def explain(now: Standing) -> Why:
    """What blocks, most fundamental first, and what comes next when nothing does."""
    state = now.version.state
    found = (*_ended(now), *_BY_STATE[state](now))
    return Why(now.version.id, state, found, "" if found else _next_step(now))


def _ended(now: Standing) -> list[Obstacle]:
    """An approval that has ended or cannot be proven, where the next step asks for one."""
    if now.version.state not in _RESTS_ON_APPROVAL:
        return []
    if now.approval_unproven:
        what = f"The evidence of its approval cannot be read: {now.approval_unproven}."
        remedy = "`roadworthy verify` names what was damaged; restore it, or validate and sign again."
        return [Obstacle(ObstacleKind.APPROVAL_UNPROVEN, now.version.id, what, remedy)]
    if now.approval_ended_at is None:
        return []
    said = f"Its approval ended on {now.approval_ended_at:%Y-%m-%d %H:%M}."
    remedy = (
        f"Validators ({', '.join(now.validators) or 'nobody yet'}) renew it: `roadworthy renew {now.version.id}`."
    )
    return [Obstacle(ObstacleKind.APPROVAL_ENDED, now.version.id, said, remedy)]


_RESTS_ON_APPROVAL = (State.VALIDATED, State.CANDIDATE, State.ACTIVATED, State.SUSPENDED)


def _before_gate(now: Standing) -> list[Obstacle]:
    gate = NEXT_GATE[now.version.state]
    newest = next((r for r in reversed(now.runs) if r.gate is gate), None)
    found = _prerequisites(now, gate)
    if newest is not None and newest.verdict is not None and not newest.verdict.lets_through:
        found += _of_run(now, newest)
    return found


def _prerequisites(now: Standing, gate: Gate) -> list[Obstacle]:
    case, owner = now.case.id, now.case.owner
    asked = [
        (
            now.has_contract,
            ObstacleKind.NO_CONTRACT,
            f"The use case '{case}' has no signed KPI contract.",
            f"{owner} agrees one: `roadworthy agree {case}`.",
        ),
        (
            now.has_sealed,
            ObstacleKind.NO_SEALED_DATA,
            f"The use case '{case}' has no sealed test data.",
            f"Register some: `roadworthy register data FILE --use-case {case} --role sealed`.",
        ),
    ]
    if gate is not Gate.VALIDATION:
        asked += [
            (
                now.has_sample,
                ObstacleKind.NO_PRODUCTION_SAMPLE,
                f"The use case '{case}' has no production sample.",
                f"Register one: `roadworthy register data FILE --use-case {case} --role production`.",
            ),
            (
                now.has_endpoint,
                ObstacleKind.NO_ENDPOINT,
                f"The use case '{case}' has no endpoint.",
                f"An operator registers one: `roadworthy endpoint NAME --use-case {case}`.",
            ),
        ]
    if gate is Gate.ACTIVATION:
        asked.append(
            (
                bool(now.hand_offs),
                ObstacleKind.NO_HAND_OFF,
                "No operator has accepted it into operation.",
                f"An operator does: `roadworthy accept {now.version.id} --run-book TEXT`.",
            )
        )
    return [Obstacle(kind, now.version.id, what, remedy) for there, kind, what, remedy in asked if not there]


def _of_run(now: Standing, run: GateRun) -> list[Obstacle]:
    """What kept a concluded run shut."""
    command = _COMMANDS[run.gate]
    again = f"Then `roadworthy retry {run.id}`, or `roadworthy {command} {now.version.id}` with other inputs."
    if run.ending is not None:
        kind = ObstacleKind(run.ending.kind.value)
        said = {
            ObstacleKind.CANCELLED: f"{run.ending.person} cancelled {run.id}: {run.ending.reason}.",
            ObstacleKind.ACTOR_REVOKED: f"{run.id} let nothing through: {run.ending.reason}.",
        }[kind]
        return [Obstacle(kind, run.id, said, f"Run it again: `roadworthy retry {run.id}`.")]
    return [_finding(now, f, again) for f in run.findings if f.blocks]


def _finding(now: Standing, finding: Finding, again: str) -> Obstacle:
    key = check_key(finding.step, finding.check)
    items = [w.id for w in now.work if w.source == f"{finding.step.name} {finding.check}"]
    if finding.verdict is Verdict.FAIL:
        remedy = f"Mend it ({', '.join(items)}) and register a successor." if items else "Mend it."
    elif finding.check == "*":
        remedy = f"Configure a check for {finding.step.name}, or waive the step by name with a reason. {again}"
    elif finding.verdict is Verdict.INCONCLUSIVE:
        remedy = f"Give what was missing, or waive it by name with a reason. {again}"
    else:
        remedy = f"Remove what kept it from being measured. {again}"
    return Obstacle(ObstacleKind.FINDING, key, f"{key}: {finding.verdict.value}. {finding.message}", remedy)


def _in_gate(now: Standing) -> list[Obstacle]:
    gate = NEXT_GATE[now.version.state]
    run = next((r for r in reversed(now.runs) if r.gate is gate and r.verdict is None), None)
    if run is None:
        return []
    left, all_ = run.left, len(run.planned)
    running = [k for k, t in run.times.items() if t.finished_at is None and k in left]
    doing = f", running now: {', '.join(running)}" if running else ""
    waiting = [k for k in left if k not in running]
    more = f", waiting: {', '.join(waiting)}" if waiting else ""
    return [
        Obstacle(
            ObstacleKind.GATE_RUNNING,
            run.id,
            f"{run.id} is running: {all_ - len(left)} of {all_} checks done{doing}{more}.",
            f"Wait for it. If nothing moves: `roadworthy retry {run.id}` takes it up again, "
            f"`roadworthy cancel {run.id} --reason TEXT` ends it.",
        )
    ]


def _awaiting(now: Standing) -> list[Obstacle]:
    newest = next((r for r in reversed(now.runs) if r.gate is Gate.VALIDATION and r.evidence), None)
    binding = newest.evidence if newest else ""
    signed = sorted({s.person for s in now.sign_offs if s.approved and s.evidence == binding})
    needed = now.signatures_needed
    found = [
        Obstacle(
            ObstacleKind.NO_SIGN_OFF,
            newest.id if newest else now.version.id,
            f"{len(signed)} of {needed} signatures{f' ({chr(44).join(signed)})' if signed else ''}.",
            f"An independent validator ({', '.join(now.validators) or 'nobody yet'}) signs: "
            f"`roadworthy sign {now.version.id} --approve`.",
        )
    ]
    if len(now.validators) < needed:
        found.append(
            Obstacle(
                ObstacleKind.NO_VALIDATOR,
                now.version.id,
                f"Only {len(now.validators)} active validator(s) developed neither it nor its ancestors.",
                "An administrator adds one: `roadworthy people add NAME --role validator`.",
            )
        )
    return found


def _returned(now: Standing) -> list[Obstacle]:
    remedy = (
        f"Mend it and register a version that descends from it: `roadworthy register model FILE --use-case "
        f"{now.case.id} --parent {now.version.id}`."
    )
    items = [
        Obstacle(ObstacleKind.WORK_ITEM, w.id, f"{w.id}: {w.defect.value} -> {w.step.value} ({w.source}).", remedy)
        for w in now.work
    ]
    return items or [Obstacle(ObstacleKind.SENT_BACK, now.version.id, "It was sent back to development.", remedy)]


def _suspended(now: Standing) -> list[Obstacle]:
    items = [
        Obstacle(ObstacleKind.WORK_ITEM, w.id, f"{w.id}: {w.defect.value} ({w.source}).", "Mend it.")
        for w in now.work
    ]
    said = "It is suspended and answers nothing."
    return [Obstacle(ObstacleKind.SUSPENDED, now.version.id, said, "Somebody who may reinstates it."), *items]


def _retired(now: Standing) -> list[Obstacle]:
    return [
        Obstacle(ObstacleKind.RETIRED, now.version.id, "It is retired; this state is final.", "Register another.")
    ]


def _nothing(_: Standing) -> list[Obstacle]:
    return []


_BY_STATE: dict[State, Callable[[Standing], list[Obstacle]]] = {
    State.REGISTERED: _before_gate,
    State.VALIDATED: _before_gate,
    State.CANDIDATE: _before_gate,
    State.VALIDATING: _in_gate,
    State.RELEASING: _in_gate,
    State.ACTIVATING: _in_gate,
    State.AWAITING_SIGN_OFF: _awaiting,
    State.ACTIVATED: _nothing,
    State.RETURNED: _returned,
    State.SUSPENDED: _suspended,
    State.RETIRED: _retired,
}


def _next_step(now: Standing) -> str:
    gate = NEXT_GATE.get(now.version.state)
    if gate is not None:
        return f"roadworthy {_COMMANDS[gate]} {now.version.id}"
    return f"roadworthy deploy {now.version.id} --endpoint NAME"
