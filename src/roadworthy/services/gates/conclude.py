"""Concluding a gate run: verdict, evidence, next state, work items, all in one transaction, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from roadworthy.domain import faults
from roadworthy.domain.gate import Ending, EndingKind, Gate, GateRun, Playbook, gate_verdict, tally
from roadworthy.domain.lifecycle import Event, advance
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict, worst
from roadworthy.evidence.statements import gate_run_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import makers
from roadworthy.services.gates.judging.tools import tool_versions
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.watch.work_items import close_passed, open_for_findings

EVENTS = {
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
"""What happens to a version when a gate starts, passes, fails, or gives nothing."""


@signed_ahead
def conclude(house: House, run_id: str, playbook: Playbook) -> Any:
    """Draw the conclusion of a run whose checks are all recorded: verdict, evidence, next state, work items."""
    faults.reach("gate.before-conclude")
    with house.store.begin() as tx:
        run = tx.of(GateRun).get(run_id)
        if run.verdict is None:
            run = conclude_in(house, tx, run, playbook, _revoked(tx, run))
    faults.reach("gate.after-conclude")
    return {"run": run.id, "verdict": run.verdict.value if run.verdict else None}


def conclude_in(
    house: House, tx: Transaction, run: GateRun, playbook: Playbook, ending: Ending | None = None
) -> GateRun:
    """The same inside a transaction; with an `ending` the run lets nothing through, whatever was measured."""
    version = tx.of(ModelVersion).get(run.version)
    case = tx.of(UseCase).get(version.use_case)
    done = replace(run, verdict=_verdict(run, ending), finished_at=house.clock.now(), ending=ending)
    now, people = house.clock.now(), sorted(makers(tx, version))
    statement = gate_run_statement(done, version, case, playbook, tools=tool_versions(), now=now, makers=people)
    evidence = house.attest(tx, PLATFORM, EvidenceKind.GATE_RUN, statement, version.id)
    done = replace(done, evidence=evidence.id)
    tx.of(GateRun).replace(run, done)
    moved = move(tx, version, _outcome(done))
    if done.verdict is not None and done.verdict.lets_through:
        close_passed(house, tx, version, done)
    else:
        open_for_findings(house, tx, version, done)
    facts = {
        "run": run.id,
        "verdict": done.verdict.value if done.verdict else None,
        "findings": tally(done.findings),
        "state": moved.state.value,
        "evidence": evidence.id,
    }
    if ending is not None and ending.kind is EndingKind.CANCELLED:
        house.record(
            tx,
            ending.person,
            f"{run.gate.value}-cancelled",
            version.id,
            ending.reason,
            facts,
            checkpoint="a gate ended",
        )
    else:
        facts |= {"ending": ending.kind.value, "person": ending.person} if ending else {}
        why = ending.reason if ending else ""
        house.record(
            tx, PLATFORM, f"{run.gate.value}-concluded", version.id, why, facts, checkpoint="a gate concluded"
        )
    return done


def move(tx: Transaction, version: ModelVersion, event: Event) -> ModelVersion:
    """The version after `event`. Raises IllegalTransitionError."""
    moved = replace(version, state=advance(version.state, event, subject=version.id))
    tx.of(ModelVersion).replace(version, moved)
    return moved


def _revoked(tx: Transaction, run: GateRun) -> Ending | None:
    """An ending, when who started the run may not act any more: what was measured stands, and leads nowhere."""
    if tx.of(Person).get(run.actor).active:
        return None
    return Ending(EndingKind.ACTOR_REVOKED, run.actor, f"{run.actor}, who started it, may not act any more")


def _verdict(run: GateRun, ending: Ending | None) -> Verdict:
    found = gate_verdict(run.findings)
    if ending is None or (found is Verdict.FAIL and ending.kind is not EndingKind.CANCELLED):
        return found
    return worst((Verdict.INCONCLUSIVE, found))


def _outcome(run: GateRun) -> Event:
    _, passed, failed, blocked = EVENTS[run.gate]
    if run.ending is not None and run.ending.kind is EndingKind.CANCELLED:
        return blocked
    if any(f.blocks and f.verdict is Verdict.FAIL for f in run.findings):
        return failed
    return passed if run.verdict is not None and run.verdict.lets_through else blocked
