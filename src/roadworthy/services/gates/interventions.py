"""Cancelling a gate run, and trying again: one that could not conclude, or one that nobody carries out any more."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.checks.runner import with_waiver
from roadworthy.domain import faults
from roadworthy.domain.durable.work import WorkStanding
from roadworthy.domain.errors import ConflictError, SettingError
from roadworthy.domain.gate import Ending, EndingKind, GateRun, check_key
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.conclude import conclude_in
from roadworthy.services.gates.judging.desk import not_judged
from roadworthy.services.gates.playbooks import read_playbook
from roadworthy.services.gates.run import ACTIONS, GateOrder, gate_run, start_gate, take_up, work_ids
from roadworthy.services.house import House


@signed_ahead
def cancel_gate(house: House, actor: Person, run_id: str, reason: str) -> GateRun:
    """End a run that has not concluded: it lets nothing through, and the version stands where it stood before.

    What was measured stays recorded and signed; a defect that was found still opens its work item, so that nobody
    escapes one by cancelling. Whoever judges the run's checks leaves them within a second.

    Raises:
        NotAllowedError: the actor may not cancel gates.
        SettingError: no reason is given.
        ConflictError: the run has concluded.
    """
    house.allow(actor, "cancel-gate", facts_of(house, version=gate_run(house, run_id).version))
    if not reason.strip():
        raise SettingError(
            "cancelling a gate needs a reason", remedy="Say why, for those who look later.", field="reason"
        )
    with house.store.begin() as tx:
        run = tx.of(GateRun).get(run_id)
        if run.verdict is not None:
            raise ConflictError(
                f"{run.id} has concluded: {run.verdict.value}",
                remedy="There is nothing left to cancel; `roadworthy why` says what comes next.",
                run=run.id,
            )
        tier = tx.of(UseCase).get(tx.of(ModelVersion).get(run.version).use_case).risk_tier
        playbook = read_playbook(house.artifacts.get(run.playbook), tier)
        known = {check_key(f.step, f.check) for f in run.findings}
        missing = [f for f in not_judged(playbook, run) if check_key(f.step, f.check) not in known]
        full = replace(run, findings=(*run.findings, *(with_waiver(f, playbook) for f in missing)))
        tx.of(GateRun).replace(run, full)
        done = conclude_in(house, tx, full, playbook, Ending(EndingKind.CANCELLED, actor.id, reason.strip()))
    faults.reach("gate.cancelled")
    return done


def retry_gate(house: House, actor: Person, run_id: str, *, fresh: bool = False) -> GateRun:
    """Try again what a run did not bring to an end.

    A run without a verdict is taken up where it stands, when nobody carries it out any more. One that
    concluded without letting through or sending back is started again as a new run of the same playbook and data,
    which takes over what still holds (unless `fresh`).

    Raises:
        NotAllowedError: the actor may not run this gate.
        ConflictError: it is being carried out, it let the version through, or it is not the newest of its gate.
        IllegalTransitionError: the version is not where this gate begins (a defect was found).
    """
    with house.store.read() as tx:
        run = tx.of(GateRun).get(run_id)
        newest = tx.of(GateRun).find(version=run.version, gate=run.gate, newest_first=True, limit=1)[0]
    house.allow(actor, ACTIONS[run.gate], facts_of(house, version=run.version))
    if run.verdict is None:
        carried = (WorkStanding.HERE, WorkStanding.ELSEWHERE)
        if any(house.engine.standing(name) in carried for name in work_ids(run.id)):
            raise ConflictError(
                f"{run.id} is being carried out", remedy="Wait for it, or cancel it first.", run=run.id
            )
        take_up(house, run.id)
        return run
    if newest.id != run.id or run.verdict.lets_through:
        why = "let the version through" if run.verdict.lets_through else f"was followed by {newest.id}"
        raise ConflictError(
            f"{run.id} {why}",
            remedy=f"To run the gate anew: `roadworthy {ACTIONS[run.gate]} {run.version}`.",
            run=run.id,
        )
    order = GateOrder(
        version=run.version,
        gate=run.gate,
        playbook=house.artifacts.get(run.playbook),
        production=run.inputs.get("production", ""),
        endpoint=run.inputs.get("endpoint", ""),
        fresh=fresh,
    )
    again = start_gate(house, actor, order)
    take_up(house, again.id)
    return again
