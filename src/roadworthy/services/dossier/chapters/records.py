"""The record itself: every signed statement, and the links of the change record that concern the version."""

from __future__ import annotations

from roadworthy.domain.documents.document import Cell, Prose, Section, Table
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import said, when


def changes_chapter(record: Record, _: Proof) -> Section:
    """Who did what, when and why."""
    rows = tuple(
        (
            Cell(str(c.seq), number=True),
            Cell(when(c.at)),
            Cell(c.actor),
            Cell(c.action),
            Cell(c.subject),
            said(c.why) if c.why else Cell(""),
            Cell(c.digest[:16], code=True),
        )
        for c in record.changes
    )
    told = (
        f"{len(record.changes):,} of the record's {len(record.links):,} links concern this version: it, its use case, "
        "data, contract and deployments. Each link holds the digest of the one before."
    )
    columns = ("Link", "At", "By", "Action", "About", "Why", "Digest")
    return Section("changes", "Changes", (Prose(told), Table("Change record, oldest first", columns, rows)))


def evidence_chapter(record: Record, proof: Proof) -> Section:
    """Every signed statement, as a place the rest of the dossier leads to."""
    rows = tuple(
        (
            Cell(e.kind.value),
            Cell(e.id, anchor=e.id, code=True),
            Cell(e.subject[:16], code=True),
            Cell(e.signer),
            Cell(when(e.created_at)),
            _held("holds" if e.id in proof.opened else "does not hold"),
        )
        for e in record.evidence
    )
    told = (
        "An evidence id is the SHA-256 of a signed in-toto statement in its DSSE envelope. `roadworthy bundle` hands "
        "out the envelopes themselves."
    )
    columns = ("Statement", "Evidence id", "About the digest", "Signed by", "On", "Signature")
    return Section(
        "evidence", "Signed evidence", (Prose(told), Table("Signed statements, oldest first", columns, rows))
    )


def _held(word: str) -> Cell:
    return Cell(word, verdict="pass" if word == "holds" else "fail")
