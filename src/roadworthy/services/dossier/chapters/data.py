"""Data sheets: every data set the version was made of or judged on, and every look at sealed rows."""

from __future__ import annotations

from roadworthy.domain.documents.document import Block, Cell, Facts, Prose, Section, Table, Tone
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.services.dossier.chapters.card import slug
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import listed, when


def chapter(record: Record, proof: Proof) -> Section:
    """One sheet per data set. A data set's digest stands in the gate runs that used it; its sheet is a record."""
    return Section(
        "data",
        "Data sheets",
        (
            Prose(
                "A data set is named by the SHA-256 of its bytes and never changes. Gate runs name the ones they used."
            ),
        ),
        tuple(_sheet(record, d, proof) for d in record.datasets),
    )


def _sheet(record: Record, data: Dataset, proof: Proof) -> Section:
    runs = [r for r in record.runs if data.id in r.inputs.values()]
    by = next((r.evidence for r in reversed(runs) if r.evidence in proof.opened), "")
    facts = Facts(
        (
            ("Role", Cell(data.role.value)),
            ("Name", Cell(data.id, by, code=True)),
            ("Source", Cell(data.source)),
            ("SHA-256", Cell(data.digest, code=True)),
            ("Rows", Cell(f"{data.rows:,}")),
            ("Columns", Cell(f"{len(data.columns)}: {listed(data.columns, 60)}")),
            ("Synthetic", Cell("yes: marked, and no proof of a KPI" if data.synthetic else "no")),
            ("Registered", Cell(when(data.created_at))),
            ("Used by", Cell(listed([r.id for r in runs]) if runs else "training", by)),
        )
    )
    return Section(
        f"data-{slug(data.id)}", f"{data.role.value.capitalize()}: {data.source}", (facts, *_looks(record, data))
    )


def _looks(record: Record, data: Dataset) -> tuple[Block, ...]:
    if data.role is not DatasetRole.SEALED:
        return ()
    looks = [look for look in record.looks if look.dataset == data.id]
    told = f"Sealed rows were read {data.reads} time(s) in all."
    if not looks:
        return (Prose(told, Tone.OPEN if data.reads > 1 else Tone.PLAIN),)
    rows = tuple(
        (
            Cell(str(k.number), number=True),
            Cell(k.version),
            Cell(k.gate_run),
            Cell(k.actor),
            Cell(when(k.at)),
            Cell(k.why),
        )
        for k in looks
    )
    columns = ("Look of its lineage", "Version", "Gate run", "By", "At", "Why")
    again = max(k.number for k in looks) > 1
    return (Prose(told, Tone.OPEN if again else Tone.PLAIN), Table("Looks at these sealed rows", columns, rows))
