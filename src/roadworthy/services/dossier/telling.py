"""The whole dossier as one document, and as the inventory a bill of materials is made from. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from roadworthy import __version__
from roadworthy.domain.documents.document import Cell, Document, Facts, Prose, Tone
from roadworthy.domain.documents.inventory import GroupFinding, Inventory, Metric
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.use_case import Interval
from roadworthy.services.dossier.chapters import card, data, frameworks, gates, people, serving, value, watching
from roadworthy.services.dossier.chapters.details import is_number
from roadworthy.services.dossier.chapters.records import changes_chapter, evidence_chapter
from roadworthy.services.dossier.clauses import Item
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import when

CHAPTERS = (
    card.chapter,
    data.chapter,
    gates.chapter,
    people.chapter,
    serving.chapter,
    watching.chapter,
    value.chapter,
    changes_chapter,
)
"""In the order in which the dossier tells them; the index by framework and the evidence follow."""


def tell(record: Record, proof: Proof, items: Sequence[Item], issuer: str) -> Document:
    """The dossier. Whether its record holds is said before anything else."""
    sections = tuple(chapter(record, proof) for chapter in CHAPTERS)
    return Document(
        title=f"Dossier of {record.version.id}",
        subtitle=record.case.objective,
        issued_at=record.at,
        about=_about(record, issuer),
        standing=_standing(proof),
        sections=(*sections, frameworks.chapter(items), evidence_chapter(record, proof)),
    )


def inventory(record: Record) -> Inventory:
    """What the bill of materials lists."""
    findings = [f for run in card.newest_runs(record) for f in run.findings]
    return Inventory(
        version=record.version,
        case=record.case,
        datasets=record.datasets,
        metrics=tuple(_metrics(findings)),
        limits=card.known_limits(record),
        groups=tuple(
            GroupFinding(", ".join(record.case.sensitive), f.message) for f in findings if _is_fairness(f)
        ),
        evidence=record.evidence,
        at=record.at,
        tool=__version__,
    )


def _about(record: Record, issuer: str) -> Facts:
    head = record.links[-1] if record.links else None
    return Facts(
        (
            ("Version", Cell(record.version.id)),
            ("Use case", Cell(record.case.id)),
            ("Owner", Cell(record.case.owner)),
            ("Risk tier", Cell(record.case.risk_tier.value)),
            ("State", Cell(record.version.state.value)),
            ("Issued", Cell(f"{when(record.at)}, asked for by {issuer}")),
            ("Change record", Cell(f"link {head.seq:,}, {head.digest}" if head else "empty", code=True)),
        )
    )


def _standing(proof: Proof) -> tuple[Prose, ...]:
    if proof.holds:
        told = (
            f"The record holds. When this dossier was issued, all {proof.links:,} links of the change record and all "
            f"{len(proof.opened)} signatures verified, and what is stored is what was signed. Reviews, the value "
            "ledger, work items and data sheets are records: they are in the store, not signed one by one."
        )
        return (Prose(told, Tone.GOOD),)
    first = Prose(
        f"THE RECORD DOES NOT HOLD: {len(proof.wrong)} wrong, {len(proof.problems) - len(proof.wrong)} could not be "
        "verified. Do not rely on what follows before each is explained.",
        Tone.BAD,
    )
    each = (Prose(f"{p.name}: {p.status.value}. {p.why}", Tone.BAD) for p in proof.problems)
    return (first, *each)


def _metrics(findings: Sequence[Finding]) -> Iterator[Metric]:
    for f in findings:
        if f.statistic is not None:
            yield Metric(f"{f.step.name} {f.check}", f.statistic, f.unit, f.interval)
        if f.step is Step.V2:
            yield from _slices(f)


def _slices(finding: Finding) -> Iterator[Metric]:
    for row in finding.details.get("slices", []):
        if is_number(row.get("gap")) and is_number(row.get("low")) and is_number(row.get("high")):
            interval = Interval(float(row["low"]), float(row["high"]))
            yield Metric(
                f"{finding.step.name} {finding.check} gap", float(row["gap"]), "AUC", interval, str(row["slice"])
            )


def _is_fairness(finding: Finding) -> bool:
    return finding.step is Step.V5 and finding.check != "*"
