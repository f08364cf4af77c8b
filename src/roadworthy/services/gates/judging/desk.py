"""One run's checks on their way to findings: begun on the bench, kept one by one as they come.

The run in the control store is the truth: what has a finding there is not judged again, whoever kept it, and a run
that was ended there (cancelled) is left at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from roadworthy.checks.registry import check_named
from roadworthy.checks.runner import broken, unchecked, with_waiver
from roadworthy.domain import faults
from roadworthy.domain.durable.bench import CheckEvent, Judging
from roadworthy.domain.durable.work import Durable
from roadworthy.domain.errors import DataError, UnavailableError
from roadworthy.domain.gate import (
    CheckTimes,
    Finding,
    GateRun,
    PlannedCheck,
    Playbook,
    Step,
    check_key,
    steps_of,
)
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind, WorkItem, WorkItemState, may_reuse
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.services.gates.judging.gather import Records, gather
from roadworthy.services.gates.judging.looking import note_look
from roadworthy.services.gates.judging.reuse import Inputs, reusable, sources
from roadworthy.services.gates.judging.tools import tool_versions
from roadworthy.services.house import House
from roadworthy.services.watch.work_items import ancestors

TICK_S = 0.25
"""Seconds between two looks at the store while nothing happens: how soon a cancelled run is left."""


def planned_checks(playbook: Playbook, run: GateRun) -> tuple[PlannedCheck, ...]:
    """Every check the playbook asks of this gate, in the order of its steps."""
    return tuple(check for step in steps_of(run.gate) for check in playbook.checks_of(step))


def not_judged(playbook: Playbook, run: GateRun) -> list[Finding]:
    """What a run says of its checks when it is cancelled before they are judged."""
    said = "Not judged: the run was cancelled."
    findings = [unchecked(step) for step in steps_of(run.gate) if not playbook.checks_of(step)]
    for planned in planned_checks(playbook, run):
        check = check_named(planned.check)
        findings.append(check.finding(Verdict.INCONCLUSIVE, said, reasons=("cancelled",)))
    return findings


class Desk:
    """Judges the checks of one run; use it as a context, which stops whatever still runs."""

    def __init__(self, house: House, run: GateRun, playbook: Playbook, durable: Durable) -> None:
        self._house = house
        self._run = run
        self._playbook = playbook
        self._durable = durable
        self._stack = ExitStack()
        self._judging: Judging | None = None
        self._inputs: Inputs | None = None
        self._problem: Exception | None = None
        self._begun: list[str] = []

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def judge(self, planned: PlannedCheck) -> Any:
        """See to it that a check has its finding (unless the run was ended meanwhile); others come along."""
        while (found := self._found(planned.key)) is None and self._run.verdict is None:
            self._advance(planned)
        if self._run.verdict is not None:
            self._stack.close()
        return {"verdict": found.verdict.value if found else None}

    def leave_open(self, step: Step) -> Any:
        """Say that a step has no check; it blocks unless the playbook waives it by name."""
        self._keep(unchecked(step))
        return {"verdict": None}

    def break_off(self, problem: Exception) -> None:
        """Say of every check without a finding that the run broke off before it; the gate then gives nothing."""
        self._stack.close()
        for step in steps_of(self._run.gate):
            planned = self._playbook.checks_of(step)
            if not planned:
                self.leave_open(step)
            for check in planned:
                self._keep(broken(check, problem))

    def _found(self, key: str) -> Finding | None:
        return next((f for f in self._run.findings if check_key(f.step, f.check) == key), None)

    def _advance(self, wanted: PlannedCheck) -> None:
        # The version would stay in the gate for ever if an exception left this step: every one is a finding.
        if self._judging is None and self._problem is None:
            try:
                self._open()
            except UnavailableError:
                raise
            except Exception as problem:  # noqa: BLE001 - a damaged record or file may raise anything
                self._problem = problem
            return
        if self._judging is None:
            self._done(broken(wanted, self._problem or RuntimeError("nothing was gathered")))
            return
        event = self._judging.next(0)
        if event is None:
            self._note_begun()
            self._durable.go_on()
            event = self._judging.next(TICK_S)
        if event is not None:
            self._heard(event)
        else:
            self._run = _stored(self._house, self._run.id)

    def _heard(self, event: CheckEvent) -> None:
        if event.finding is None:
            self._begun.append(event.check.key)
            return
        self._done(self._sound(event.check, event.finding))

    def _done(self, finding: Finding) -> None:
        faults.reach("gate.check-done")
        self._keep(finding)
        faults.reach("gate.finding-kept")

    def _open(self) -> None:
        wanted = [c for c in planned_checks(self._playbook, self._run) if self._found(c.key) is None]
        records, taken = self._taken(wanted)
        anew = [c for c in wanted if c.key not in taken]
        if note_look(self._house, self._run, records.version, anew, self._earlier(records.version)):
            faults.reach("gate.look-counted")
            records, taken = self._taken(wanted)  # what rests on the number of looks holds no longer
        self._keep(*taken.values())
        wanted = [c for c in wanted if c.key not in taken]
        faults.reach("gate.gathered")
        self._judging = self._stack.enter_context(self._house.bench.judge(records, wanted))

    def _taken(self, wanted: Sequence[PlannedCheck]) -> tuple[Records, dict[str, Finding]]:
        """What is recorded now, and the earlier findings that hold under it."""
        records = gather(self._house, self._run, self._playbook)
        self._inputs = Inputs(records, f"installation seed {self._house.seed}", tool_versions())
        if self._run.fresh:
            return records, {}
        with self._house.store.read() as tx:
            earlier = _sources(tx, self._run, records.version)
            defects = _open_defects(tx, records.version)
        held = reusable(wanted, earlier, self._inputs.of)
        # A failure on unchanged inputs stands, whatever a re-entry rule wants measured anew: nobody draws again
        # until it passes.
        return records, {
            key: f for key, f in held.items() if f.verdict is Verdict.FAIL or may_reuse(defects, f.step.name)
        }

    def _earlier(self, version: ModelVersion) -> list[GateRun]:
        """The version's own runs whose findings may count."""
        if self._run.fresh:
            return []
        with self._house.store.read() as tx:
            return [r for r in _sources(tx, self._run, version) if r.version == version.id]

    def _sound(self, planned: PlannedCheck, finding: Finding) -> Finding:
        """The finding with the digest of its inputs, or the reason why it cannot be signed."""
        try:
            canonical(to_json(finding))
            digest = self._inputs.of(planned, finding.looked_at) if self._inputs else ""
        except DataError as problem:
            return broken(planned, problem)
        return replace(finding, inputs=digest)

    def _note_begun(self) -> None:
        if self._begun:
            self._keep()
            faults.reach("gate.begun-noted")

    def _keep(self, *findings: Finding) -> None:
        """Store findings with their run, each once, and which checks were begun; an ended run stays as it is."""
        now = self._house.clock.now()
        with self._house.store.begin() as tx:
            run = tx.of(GateRun).get(self._run.id)
            if run.verdict is None:
                known = {check_key(f.step, f.check) for f in run.findings}
                new = [f for f in findings if check_key(f.step, f.check) not in known]
                kept = replace(
                    run,
                    findings=(*run.findings, *(with_waiver(f, self._playbook) for f in new)),
                    times=_times(run, self._begun, new, now),
                )
                if kept != run:
                    tx.of(GateRun).replace(run, kept)
                run = kept
        self._run, self._begun = run, []


def _times(run: GateRun, begun: Iterable[str], done: Iterable[Finding], now: Any) -> dict[str, CheckTimes]:
    times = dict(run.times)
    for key in begun:
        times.setdefault(key, CheckTimes(now))
    for finding in done:
        key = check_key(finding.step, finding.check)
        times[key] = replace(times.get(key, CheckTimes(now)), finished_at=now)
    return times


def _stored(house: House, run_id: str) -> GateRun:
    with house.store.read() as tx:
        return tx.of(GateRun).get(run_id)


def _open_defects(tx: Transaction, version: ModelVersion) -> list[DefectKind]:
    """The defects this version is to mend: their re-entry rules say what must be measured anew."""
    family = {version.id, *ancestors(tx, version)}
    items = tx.of(WorkItem).find(use_case=version.use_case, state=WorkItemState.OPEN)
    return [item.defect for item in items if item.version in family]


def _sources(tx: Transaction, run: GateRun, version: ModelVersion) -> list[GateRun]:
    own = [r for r in tx.of(GateRun).find(version=version.id) if r.id != run.id]
    inherited = [r for a in reversed(ancestors(tx, version)) for r in tx.of(GateRun).find(version=a)]
    return sources(run.gate, own, inherited)
