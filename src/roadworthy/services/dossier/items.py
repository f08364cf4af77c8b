"""The pieces of recorded evidence, each with the clauses it speaks to. What is not recorded is no item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from roadworthy.domain.trust import EvidenceKind
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.licence import STANDING
from roadworthy.services.dossier.chapters.card import described_by, newest_runs, slug
from roadworthy.services.dossier.chapters.frameworks import NOT_COVERED, SPOKEN_TO
from roadworthy.services.dossier.chapters.serving import incidents
from roadworthy.services.dossier.chapters.value import signed_contract
from roadworthy.services.dossier.clauses import ClauseMap, Item, frameworks, mapping
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record

_SILENT = (Verdict.INCONCLUSIVE, Verdict.ERROR)
"""A finding with one of these verdicts measured nothing: it speaks to no clause."""


def items_of(record: Record, proof: Proof) -> tuple[Item, ...]:
    """Every item, in the dossier's order; a signed one only when its statement verifies."""
    known = mapping()
    return tuple(_record(kind, known, proof, *about) for kind, about in _told(record, proof)) + tuple(
        _findings(record, proof, known)
    )


About = tuple[str, str, str]
"""An item's id (an evidence id when something is signed), what it is, and the section that tells it."""


def _record(kind: str, known: ClauseMap, proof: Proof, id_: str, what: str, place: str) -> Item:
    return Item(id_, kind, what, place, id_ in proof.opened, known.of_record(kind))


def _told(record: Record, proof: Proof) -> Iterator[tuple[str, About]]:
    by = described_by(record, proof)
    yield "use-case", (by or record.case.id, f"use case {record.case.id}", "model-card")
    yield "version", (by or record.version.id, f"version {record.version.id}", "model-card")
    for d in record.datasets:
        yield "dataset", (d.id, f"{d.role.value} data {d.id}", f"data-{slug(d.id)}")
    for k in record.looks:
        yield "sealed-look", (k.id, f"look {k.number} at {k.dataset}", f"data-{slug(k.dataset)}")
    for c in record.contracts:
        yield "kpi-contract", (signed_contract(c, proof) or c.id, f"KPI contract {c.id}", f"contract-{slug(c.id)}")
    for r in record.runs:
        yield "gate-run", (r.evidence or r.id, f"{r.gate.value} run {r.id}", f"gate-{r.gate.value}")
    yield from _people(record)
    yield from _serving(record)
    for v in record.reviews:
        yield "review", (v.id, f"review {v.id}", "monitoring")
    for entry in record.ledger:
        yield "ledger", (entry.id, f"value ledger of {entry.endpoint}", "ledger")
    for w in record.work:
        yield "work-item", (w.id, f"work item {w.id}", "work")
    if record.links:
        yield "change-record", (record.links[-1].digest, f"change record, {len(record.links):,} links", "changes")


def _serving(record: Record) -> Iterator[tuple[str, About]]:
    for d in record.deployments:
        yield "deployment", (d.statement or d.id, f"deployment {d.id}", f"deployment-{slug(d.id)}")
    for e in record.evidence:
        if e.kind is EvidenceKind.ROLLOUT:
            yield "rollout-decision", (e.id, "decision of a rollout", "serving")
        elif e.kind in (EvidenceKind.CHECKPOINT, EvidenceKind.DOSSIER):
            yield e.kind.value, (e.id, e.kind.value, "evidence")
        elif e.kind in STANDING.values():
            yield e.kind.value, (e.id, f"{e.kind.value} by {e.signer}", "standing")
    for link in incidents(record):
        yield "incident", (f"link-{link.seq}", f"{link.action} (link {link.seq})", "incidents")


def _people(record: Record) -> Iterator[tuple[str, About]]:
    for s in record.sign_offs:
        word = "approval" if s.approved else "rejection"
        yield "sign-off", (s.statement or s.id, f"{word} by {s.person}", "people")
    for d in record.delegations:
        yield "delegation", (d.statement or d.id, f"delegation {d.id}", "people")
    for h in record.hand_offs:
        yield "hand-off", (h.statement or h.id, f"hand-off to {h.operator}", "hand-off")


def _findings(record: Record, proof: Proof, known: ClauseMap) -> Iterator[Item]:
    """What the newest run of each gate measured, and what it waived."""
    for run in newest_runs(record):
        held = run.evidence in proof.opened
        for f in run.findings:
            place = f"gate-{run.gate.value}"
            if f.waived:
                what = f"waiver of {f.step.name} {f.check}"
                yield Item(run.evidence or run.id, "waiver", what, place, held, known.of_record("waiver"))
            elif f.verdict not in _SILENT:
                what = f"{f.step.name} {f.check}: {f.verdict.value}"
                at = place if f.check == "*" else f"finding-{slug(run.gate.value)}-{slug(f.check)}"
                yield Item(run.evidence or run.id, "finding", what, at, held, known.of_finding(f.step, f.check))


def index_of(record: Record, items: tuple[Item, ...]) -> Mapping[str, object]:
    """`index.json`: every item with its clauses, and every clause with its items or its gap."""
    from_clause = {name: [i for i, item in enumerate(items) if name in item.clauses] for name in _clauses()}
    return {
        "format": "roadworthy.dossier-index/1",
        "version": record.version.id,
        "issued_at": record.at.isoformat().replace("+00:00", "Z"),
        "items": [
            {
                "id": i.id,
                "kind": i.kind,
                "what": i.what,
                "signed": i.signed,
                "place": i.place,
                "clauses": list(i.clauses),
            }
            for i in items
        ],
        "frameworks": [
            {
                "id": f.id,
                "title": f.title,
                "alias": f.alias,
                "source": f.source,
                "basis": f.basis,
                "retrieved": f.retrieved.isoformat(),
                "note": f.note,
                "clauses": [
                    {
                        "id": c.id,
                        "title": c.title,
                        "standing": SPOKEN_TO if from_clause[c.key] else NOT_COVERED,
                        "items": from_clause[c.key],
                    }
                    for c in f.clauses
                ],
            }
            for f in frameworks()
        ],
    }


def _clauses() -> tuple[str, ...]:
    return tuple(c.key for f in frameworks() for c in f.clauses)
