"""The index: which recorded evidence speaks to which clause of which framework, and which clause has none."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.domain.documents.document import Cell, Prose, Section, Table
from roadworthy.services.dossier.clauses import Covered, Framework, Item, coverage, frameworks
from roadworthy.services.dossier.words import listed

NOT_COVERED = "not covered by recorded evidence"
SPOKEN_TO = "evidence recorded"


def chapter(items: Sequence[Item]) -> Section:
    """One part per framework."""
    told = (
        "Which recorded evidence speaks to which clause. Titles are short and in our own words; no clause is claimed "
        "to be fulfilled, and where nothing is recorded that is said."
    )
    parts = tuple(_framework(f, coverage(items, f)) for f in frameworks())
    return Section("frameworks", "Index by framework", (Prose(told),), parts)


def _framework(of: Framework, found: Sequence[Covered]) -> Section:
    open_ = sum(not c.items for c in found)
    told = (
        f"{of.alias}. Text: {of.source} ({of.basis}; looked up {of.retrieved:%Y-%m-%d}). {of.note} "
        f"{len(found) - open_} of {len(found)} clauses have recorded evidence."
    )
    rows = tuple(_row(c) for c in found)
    return Section(
        f"framework-{of.id}",
        of.title,
        (Prose(told), Table(of.title, ("Clause", "Standing", "Recorded evidence"), rows)),
    )


def _row(covered: Covered) -> tuple[Cell, ...]:
    if not covered.items:
        return Cell(covered.clause.title), Cell(NOT_COVERED, verdict="inconclusive"), Cell("none")
    first = next((i for i in covered.items if i.signed), covered.items[0])
    shown = Cell(listed([i.what for i in covered.items], 8), first.id if first.signed else "", to=first.place)
    return Cell(covered.clause.title), Cell(SPOKEN_TO), shown
