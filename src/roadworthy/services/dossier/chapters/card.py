"""The model card: what the model is for, what it takes in, what it was made of, and its known limits."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.domain.documents.document import Block, Cell, Facts, Prose, Section, Table, Tone
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.model import ColumnSpec
from roadworthy.domain.verdict import Verdict
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, listed, said, when


def chapter(record: Record, proof: Proof) -> Section:
    """The card. Version and use case are proven by the newest gate run, which signed their digests."""
    by = described_by(record, proof)
    return Section(
        "model-card",
        "Model card",
        (Prose(record.version.description or f"Description: {NOT_RECORDED}."), _purpose(record, by)),
        (
            Section("made-of", "What it was made of", (_making(record, by),)),
            Section("inputs", "What it takes in and answers", (_inputs(record), _answer(record))),
            Section("environment", "Environment", (_environment(record),)),
            Section("limits", "Known limits", _limits(record)),
        ),
    )


def described_by(record: Record, proof: Proof) -> str:
    """The evidence that digested the version and its use case: the newest gate run that verifies; else empty."""
    return next((r.evidence for r in reversed(record.runs) if r.evidence in proof.opened), "")


def newest_runs(record: Record) -> tuple[GateRun, ...]:
    """The newest run of every gate, in the gates' order."""
    newest = {run.gate: run for run in record.runs}
    return tuple(newest[gate] for gate in Gate if gate in newest)


def known_limits(record: Record) -> tuple[str, ...]:
    """What the record itself says the model cannot do: findings that are no plain pass, conditions, ranges."""
    return tuple(_known(record))


def _known(record: Record) -> Iterator[str]:
    for run in newest_runs(record):
        for f in run.findings:
            if f.waived:
                yield f"{f.step.name} {f.check} ({f.verdict.value}) was waived: {f.waived}"
            elif f.verdict is not Verdict.PASS:
                yield f"{f.step.name} {f.check} ({f.verdict.value}): {f.message}"
    for s in record.sign_offs:
        for column, values in s.conditions.only.items():
            yield f"{s.person} approved it only for {column} in {listed(values)}."
        if s.conditions.until:
            yield f"{s.person} approved it until {when(s.conditions.until)}."
    ranged = [c for c in record.version.signature.inputs if c.low is not None]
    if ranged:
        seen = listed([f"{c.name} {number(c.low)} to {number(c.high)}" for c in ranged])
        yield f"Trained on rows within these ranges; beyond them nothing was learnt: {seen}."


def _purpose(record: Record, by: str) -> Facts:
    case, version = record.case, record.version
    points = listed([f"{p.name} ({p.kind.value}, for {p.consumer})" for p in case.decision_points])
    return Facts(
        (
            ("Purpose", said(case.objective, by)),
            ("Intended use", Cell(f"Decisions at: {points}", by)),
            ("Owner", Cell(case.owner, by)),
            ("Risk tier", Cell(case.risk_tier.value, by)),
            ("State", Cell(version.state.value)),
            ("Predicts", Cell(f"whether {case.target} is {case.positive_label}", by)),
            ("Acts when", Cell(f"score is at least {number(version.threshold)}", by)),
            ("Outcome known after", Cell(f"{number(case.label_delay_days)} days", by)),
            ("Sensitive attributes", Cell(listed(case.sensitive) if case.sensitive else "none declared", by)),
            ("Segments", Cell(listed(case.segments) if case.segments else "none declared", by)),
        )
    )


def _making(record: Record, by: str) -> Facts:
    v = record.version
    train = next((d for d in record.datasets if d.id == v.train_dataset), None)
    source = f"{train.source}, {train.rows:,} rows" if train else f"{v.train_dataset} ({NOT_RECORDED})"
    return Facts(
        (
            ("Version", Cell(f"{v.id}, number {v.number} of {v.name}", by)),
            ("Developers", Cell(listed(v.developers), by)),
            ("Descends from", Cell(listed(record.family), by)),
            ("Artifact", Cell(v.artifact, by, code=True)),
            ("Format", Cell(v.format.value, by)),
            ("Training data", Cell(source, by, to=f"data-{slug(train.id)}" if train else "")),
            ("Original variables", said(listed(v.original_variables, 60) if v.original_variables else "", by)),
            ("Code revision", said(v.code_revision, by, code=True)),
            ("Training entry point", said(v.training, by, code=True)),
            ("Registered", Cell(when(v.created_at), by)),
        )
    )


def _inputs(record: Record) -> Table:
    rows = tuple(
        (Cell(c.name), Cell(c.dtype.value), Cell("yes" if c.missing_allowed else "no"), Cell(_seen(c)))
        for c in record.version.signature.inputs
    )
    return Table("Inputs", ("Column", "Type", "May be missing", "Seen in training"), rows)


def _seen(column: ColumnSpec) -> str:
    if column.low is not None or column.high is not None:
        return f"{number(column.low)} to {number(column.high)}"
    return listed(column.categories) if column.categories else "any"


def _answer(record: Record) -> Prose:
    return Prose(f"It answers {record.version.signature.output}: one number from 0 to 1 per row.")


def _environment(record: Record) -> Block:
    if not record.version.environment:
        return Prose(f"Environment: {NOT_RECORDED}.", Tone.OPEN)
    rows = tuple((Cell(name), Cell(version)) for name, version in sorted(record.version.environment.items()))
    return Table("Libraries it was made with", ("Library", "Version"), rows)


def _limits(record: Record) -> tuple[Block, ...]:
    known = known_limits(record)
    if not known:
        return (Prose(f"Limits: {NOT_RECORDED}. No gate has run, and nobody has set a condition.", Tone.OPEN),)
    return tuple(Prose(limit) for limit in known)


def slug(name: str) -> str:
    """A name as part of a section's id: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
