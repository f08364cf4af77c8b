"""What it is worth: the KPI contract, and the ledger in money with its interval; without a hold-out, no number."""

from __future__ import annotations

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
from roadworthy.domain.trust import EvidenceKind
from roadworthy.domain.use_case import KpiContract
from roadworthy.services.dossier.chapters.card import slug
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, amount, between, when


def chapter(record: Record, proof: Proof) -> Section:
    """Contracts, each signed by the business owner, then what was earned against the hold-out."""
    contracts = tuple(_contract(c, proof) for c in record.contracts)
    return Section("value", "Business value", (), (*contracts, Section("ledger", "Value ledger", _ledger(record))))


def signed_contract(contract: KpiContract, proof: Proof) -> str:
    """The evidence that embeds this contract; empty when none verifies."""
    for evidence, opened in proof.opened.items():
        stated = opened.predicate.get("contract") if opened.kind is EvidenceKind.KPI_CONTRACT else None
        if isinstance(stated, dict) and stated.get("id") == contract.id:
            return evidence
    return ""


def _contract(c: KpiContract, proof: Proof) -> Section:
    by = signed_contract(c, proof)
    facts = Facts(
        (
            ("Agreed", Cell(when(c.created_at), by)),
            ("Value of a decision", Cell(c.value, by, code=True)),
            ("Target", Cell(f"at least {number(c.target, c.unit)} per decision above the hold-out", by)),
            ("Hold-out", Cell(f"{number(100 * c.holdout_share, '%')} of units, {_acts(c)}", by)),
        )
    )
    limits = (*(("guardrail", k) for k in c.guardrails), *(("unintended outcome", k) for k in c.unintended))
    blocks: tuple[Block, ...] = (facts,)
    if limits:
        rows = tuple(
            (
                Cell(k.name),
                Cell(kind),
                Cell(k.expression, code=True),
                Cell(f"{k.bound.value} {number(k.limit, k.unit)}"),
            )
            for kind, k in limits
        )
        blocks = (facts, Table(f"Limits of {c.id}", ("Name", "Kind", "Measured by", "Allowed"), rows))
    return Section(f"contract-{slug(c.id)}", f"KPI contract {c.id}, revision {c.revision}", blocks)


def _acts(contract: KpiContract) -> str:
    return "all acted on" if contract.holdout_acts else "none acted on"


def _ledger(record: Record) -> tuple[Block, ...]:
    if not record.ledger:
        return (Prose(f"Value ledger: {NOT_RECORDED}.", Tone.OPEN),)
    drawn = tuple(
        IntervalRow(e.endpoint, e.per_unit, e.interval.low, e.interval.high, 0.0, "", f"{e.unit} per decision")
        for e in record.ledger
        if e.per_unit is not None and e.interval is not None
    )
    rows = tuple(
        (
            Cell(e.endpoint),
            Cell(f"{when(e.since)} to {when(e.until)}"),
            Cell(f"{e.units_served:,} / {e.units_held_out:,}", number=True),
            amount(e.per_unit, e.unit, signed=True) if e.measurable else Cell("not measurable", number=True),
            Cell(between(e.interval, e.unit) if e.measurable else e.reason, number=e.measurable),
            amount(e.total, e.unit, signed=True) if e.measurable else Cell("not measurable", number=True),
            amount(e.holdout_cost, e.unit) if e.holdout_cost is not None else Cell("not measurable", number=True),
        )
        for e in record.ledger
    )
    columns = (
        "Endpoint",
        "Window",
        "Served / held out",
        "Per decision",
        "Interval",
        "Total",
        "Cost of holding out",
    )
    table = Table("Earned above the hold-out, over the version's whole life", columns, rows)
    if not drawn:
        return (Prose("The value cannot be attributed to the model: see the reason below.", Tone.OPEN), table)
    return (Intervals("Value per decision above the hold-out", drawn, shared=True), table)
