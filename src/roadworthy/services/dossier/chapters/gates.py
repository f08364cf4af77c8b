"""Every gate run: verdict, findings with number, interval, threshold and parameters, their plots, and waivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.domain.documents.document import (
    Block,
    Cell,
    Facts,
    IntervalRow,
    Intervals,
    Prose,
    Section,
    Table,
    Tone,
)
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import EndingKind, Finding, Gate, GateRun, tally
from roadworthy.services.dossier.chapters.card import newest_runs, slug
from roadworthy.services.dossier.chapters.details import blocks_of
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, between, listed, said, when

QUESTIONS = {
    Gate.VALIDATION: "May the model leave the workshop?",
    Gate.RELEASE: "Does it hold inside a guarded perimeter?",
    Gate.ACTIVATION: "Can it be operated?",
}


def chapter(record: Record, proof: Proof) -> Section:
    """One part per gate: its newest run in full, earlier runs with what they concluded."""
    newest = {run.gate: run for run in newest_runs(record)}
    parts = tuple(_gate(gate, newest.get(gate), record, proof) for gate in Gate)
    return Section("gates", "Gates and findings", (_legend(),), parts)


def _legend() -> Prose:
    return Prose(
        "In the plots: dot, what was measured; bar, its interval; dashed line, the limit. A step without a check is "
        "inconclusive unless the playbook waives it by name, with a reason."
    )


def _gate(gate: Gate, run: GateRun | None, record: Record, proof: Proof) -> Section:
    title = f"{gate.value.capitalize()}: {QUESTIONS[gate]}"
    if run is None:
        return Section(f"gate-{gate.value}", title, (Prose(f"Run of this gate: {NOT_RECORDED}.", Tone.OPEN),))
    signed = proof.predicate(run.evidence)
    earlier = [r for r in record.runs if r.gate is gate and r is not run]
    blocks: list[Block] = [_about(run, signed), _measured(run), _findings(run), *_waivers(run)]
    if earlier:
        blocks.append(_earlier(earlier))
    parts = tuple(_finding(run, f, signed) for f in run.findings if f.check != "*")
    return Section(f"gate-{gate.value}", title, tuple(blocks), parts)


def _about(run: GateRun, signed: Mapping[str, Any]) -> Facts:
    verdict = run.verdict.value if run.verdict else "running"
    playbook = signed.get("playbook", {})
    tools = [f"{k} {v}" for k, v in signed.get("tools", {}).items()]
    return Facts(
        (
            ("Verdict", Cell(verdict, run.evidence, verdict)),
            ("Findings", Cell(listed([f"{n} {word}" for word, n in tally(run.findings).items()]), run.evidence)),
            ("Run", Cell(run.id, run.evidence, code=True)),
            ("Started by", Cell(run.actor, run.evidence)),
            *((("Ended", Cell(_ending(run), run.evidence, "inconclusive")),) if run.ending else ()),
            ("From, to", Cell(f"{when(run.started_at)} to {when(run.finished_at)}", run.evidence)),
            ("Playbook", Cell(f"{playbook.get('name', NOT_RECORDED)}, {run.playbook}", run.evidence, code=True)),
            ("Seed", Cell(str(run.seed), run.evidence)),
            ("What went in", Cell(listed([f"{k}: {v}" for k, v in run.inputs.items()], 20), run.evidence)),
            ("Computed with", said(listed(tools) if tools else "", run.evidence)),
        )
    )


def _measured(run: GateRun) -> Intervals:
    rows = tuple(
        IntervalRow(
            f"{f.step.name} {f.check}",
            f.statistic,
            f.interval.low if f.interval else None,
            f.interval.high if f.interval else None,
            f.threshold,
            f.verdict.value,
            f.unit,
        )
        for f in run.findings
        if f.statistic is not None
    )
    return Intervals(f"What {run.gate.value} measured, each on its own scale", rows)


def _findings(run: GateRun) -> Table:
    rows = tuple(
        (
            Cell(f"{f.step.name} {f.step.value}"),
            Cell(f"{f.check} v{f.check_version}" if f.check != "*" else "no check", to=_place(run, f)),
            Cell(f"{f.verdict.value}, waived" if f.waived else f.verdict.value, run.evidence, f.verdict.value),
            Cell(number(f.statistic, f.unit), number=True),
            Cell(between(f.interval), number=True),
            Cell(number(f.threshold) if f.threshold is not None else "none", number=True),
        )
        for f in run.findings
    )
    return Table(f"Findings of {run.id}", ("Step", "Check", "Verdict", "Measured", "Interval", "Limit"), rows)


def _place(run: GateRun, finding: Finding) -> str:
    return "" if finding.check == "*" else f"finding-{slug(run.gate.value)}-{slug(finding.check)}"


def _waivers(run: GateRun) -> tuple[Block, ...]:
    waived = [f for f in run.findings if f.waived]
    if not waived:
        return ()
    rows = tuple(
        (Cell(f"{f.step.name} {f.step.value}"), Cell(f.check), Cell(f.verdict.value, verdict=f.verdict.value),
         Cell(f.waived, run.evidence))
        for f in waived
    )  # fmt: skip
    return (Table("Waivers, each with its reason", ("Step", "Check", "Found", "Why it is accepted"), rows),)


def _earlier(runs: list[GateRun]) -> Table:
    rows = tuple(
        (
            Cell(r.id, r.evidence, code=True),
            Cell(r.verdict.value if r.verdict else "running", verdict=r.verdict.value if r.verdict else ""),
            Cell(when(r.started_at)),
            Cell(r.actor),
            Cell(listed([f"{n} {word}" for word, n in tally(r.findings).items()])),
            Cell(_ending(r), r.evidence),
        )
        for r in runs
    )
    return Table("Earlier runs", ("Run", "Verdict", "Started", "By", "Findings", "Ended"), rows)


def _ending(run: GateRun) -> str:
    """How a run ended other than by its findings: who cancelled it and why, or whose right to act had ended."""
    if run.ending is None:
        return "by its findings"
    how = "cancelled by" if run.ending.kind is EndingKind.CANCELLED else "given up, as it was started by"
    return f"{how} {run.ending.person}: {run.ending.reason}"


def _finding(run: GateRun, finding: Finding, signed: Mapping[str, Any]) -> Section:
    facts = Facts(
        (
            ("Verdict", Cell(finding.verdict.value, run.evidence, finding.verdict.value)),
            ("Measured", Cell(number(finding.statistic, finding.unit), run.evidence)),
            ("Interval", Cell(between(finding.interval, finding.unit), run.evidence)),
            ("Limit", Cell(number(finding.threshold, finding.unit) if finding.threshold is not None else "none")),
            ("Rows", Cell(f"{finding.rows:,}" if finding.rows else "none")),
            ("Parameters", Cell(_params(finding, signed), run.evidence)),
            *((("Reasons", Cell(listed(finding.reasons))),) if finding.reasons else ()),
            *((("Defect", Cell(finding.defect.value)),) if finding.defect and finding.blocks else ()),
        )
    )
    title = f"{finding.step.name} {finding.check}"
    return Section(_place(run, finding), title, (Prose(finding.message), facts, *blocks_of(finding)))


def _params(finding: Finding, signed: Mapping[str, Any]) -> str:
    """The parameters the playbook set, as signed; the check's own defaults hold for all others."""
    for planned in signed.get("checks", []):
        if planned.get("check") == finding.check and planned.get("step") == finding.step.value:
            params = planned.get("params", {})
            return listed([f"{k} = {v}" for k, v in params.items()], 40) if params else "defaults of the check"
    return NOT_RECORDED
