"""Keeping the licence: reviews with their signals, and work items on their way back to development."""

from __future__ import annotations

from roadworthy.domain.documents.document import Block, Cell, IntervalRow, Intervals, Prose, Section, Table, Tone
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.review import ReviewRun, Signal
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, amount, between, when


def chapter(record: Record, _: Proof) -> Section:
    """All reviews; the newest with every signal."""
    blocks: tuple[Block, ...] = (Prose(f"Review: {NOT_RECORDED}.", Tone.OPEN),)
    parts: tuple[Section, ...] = ()
    if record.reviews:
        blocks = (_summary(record),)
        parts = (_signals(record.reviews[-1]),)
    return Section(
        "monitoring",
        "Monitoring and work items",
        blocks,
        (*parts, Section("work", "Work items", (_work(record),))),
    )


def _summary(record: Record) -> Table:
    rows = tuple(
        (
            Cell(r.id, code=True),
            Cell(r.verdict.value, verdict=r.verdict.value),
            Cell(f"{when(r.since)} to {when(r.until)}"),
            Cell(f"{r.decisions:,}", number=True),
            Cell(f"{r.outcomes:,}", number=True),
            Cell(r.conclusion),
        )
        for r in record.reviews
    )
    columns = ("Review", "Verdict", "Window", "Decisions", "Outcomes", "Conclusion")
    return Table("Reviews, oldest first", columns, rows)


def _signals(review: ReviewRun) -> Section:
    measured = tuple(_row(s) for s in review.signals if s.statistic is not None)
    drawn: tuple[Block, ...] = ()
    if measured:
        drawn = (Intervals("What the newest review measured, each on its own scale", measured),)
    rows = tuple(
        (
            Cell(f"{s.kind.value}: {s.subject}"),
            Cell(s.verdict.value, verdict=s.verdict.value),
            Cell(number(s.statistic, s.unit), number=True),
            Cell(between(s.interval), number=True),
            amount(s.threshold) if s.threshold is not None else Cell("none", number=True),
            Cell(s.message),
        )
        for s in review.signals
    )
    columns = ("Signal", "Verdict", "Measured", "Interval", "Limit", "Said")
    return Section("signals", f"Signals of {review.id}", (*drawn, Table(f"Signals of {review.id}", columns, rows)))


def _row(s: Signal) -> IntervalRow:
    return IntervalRow(
        f"{s.kind.value}: {s.subject}",
        s.statistic if s.statistic is not None else 0.0,
        s.interval.low if s.interval else None,
        s.interval.high if s.interval else None,
        s.threshold,
        s.verdict.value,
        s.unit,
    )


def _work(record: Record) -> Block:
    if not record.work:
        return Prose("No defect of this version is recorded.")
    rows = tuple(
        (
            Cell(w.id, code=True),
            Cell(w.state.value),
            Cell(w.defect.value),
            Cell(w.step.value),
            Cell(w.source),
            Cell(w.summary),
            Cell(when(w.opened_at)),
            Cell(f"{w.closed_by}, {when(w.closed_at)}" if w.closed_by else "not closed"),
        )
        for w in record.work
    )
    columns = ("Item", "State", "Defect", "Goes back to", "Found by", "What", "Opened", "Closed by")
    return Table("Work items, oldest first", columns, rows)
