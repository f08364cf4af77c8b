"""Data sets and the KPI contract of every use case: what may be judged on what, and what counts as success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.model import Dataset, DatasetRole, SealedLook
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Evidence
from roadworthy.domain.use_case import Bound, KpiContract, KpiLimit, UseCase
from roadworthy.services.catalog.contracts import contract_in_force, validate_again
from roadworthy.services.catalog.looks import looks_in
from roadworthy.services.watch.lists import page_of
from roadworthy.web.ui.layout import Ask, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.words import (
    card,
    command,
    count,
    digest,
    empty,
    facts,
    moment,
    next_page,
    percent,
    table,
    version_link,
)

LOOKS = 100
"""So many looks of a use case are shown on its own page, the newest."""

LOOKS_BESIDE_OTHERS = 10
"""So many where several use cases share a page."""

SHOWN = 10
"""Use cases on one page."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One use case with its data sets and the contract in force."""

    case: UseCase
    datasets: tuple[Dataset, ...]
    signed: tuple[KpiContract, Evidence] | None
    again: tuple[tuple[str, str], ...] = ()
    looks: tuple[SealedLook, ...] = ()
    alone: bool = False


def build(site: Site, ask: Ask) -> Page:
    """The newest use cases, or one (`?use_case=`)."""
    house = house_of(site)
    only = ask.query.get("use_case", "")
    with house.store.read() as tx:
        found = None if only else page_of(tx, UseCase, limit=SHOWN, cursor=ask.query.get("cursor", ""))
        shelves = [
            _shelf(tx, case, alone=bool(only)) for case in (found.items if found else [tx.of(UseCase).get(only)])
        ]
    if not shelves:
        how = ("Register one: ", command("use-case churn --target churned --positive yes"), ".")
        return Page("Data", (Text("head", card("Data", empty("There is no use case yet.", *how), name="data")),))
    blocks = [Text(f"case-{s.case.id}", _show(s)) for s in shelves]
    if found and found.next:
        further = next_page("/data", ask.query, found.next)
        said = h("p", f"The newest of {count(found.total, 'use case')} first.", class_="dim")
        blocks.append(Text("further", card("More use cases", said, further, name="further")))
    return Page("Data", tuple(blocks))


def _shelf(tx: Transaction, case: UseCase, *, alone: bool) -> Shelf:
    return Shelf(
        case,
        tuple(tx.of(Dataset).find(use_case=case.id)),
        contract_in_force(tx, case.id),
        validate_again(tx, case.id),
        looks_in(tx, case.id),
        alone,
    )


def _show(of: Shelf) -> Markup:
    title = [h("h1", of.case.id, class_="sentence"), h("p", of.case.objective)]
    return h("div", title, _case(of.case), _contract(of), _datasets(of), _looks(of), class_="stack", id=of.case.id)


def _case(case: UseCase) -> Markup:
    points = ", ".join(f"{p.name} ({p.kind.value}, for {p.consumer})" for p in case.decision_points)
    return card(
        "Use case",
        facts(
            {
                "Owner": case.owner,
                "Risk tier": case.risk_tier.value,
                "Event": f"{case.target} = {case.positive_label}",
                "Outcome known after": f"{number(case.label_delay_days)} days",
                "Decision points": points or "none declared",
                "Sensitive attributes": ", ".join(case.sensitive) or "none declared",
                "Segments": ", ".join(case.segments) or "none declared",
                "Not known at decision": ", ".join(case.not_known_at_decision) or "none declared",
            }
        ),
        name=f"case-{case.id}",
    )


def _contract(of: Shelf) -> Markup:
    name = f"contract-{of.case.id}"
    if of.signed is None:
        how: tuple[Child, ...] = (f"Its owner {of.case.owner} agrees one before any result exists: ",
                                  command("agree", of.case.id), ".")  # fmt: skip
        return card("KPI contract", empty("No contract is signed.", *how), name=name)
    contract, evidence = of.signed
    acts = "acts on all of them" if contract.holdout_acts else "acts on none of them"
    limits = [h("li", _limit(x, "Must hold")) for x in contract.guardrails]
    limits += [h("li", _limit(x, "Nobody wants")) for x in contract.unintended]
    body: list[Child] = [
        h("p", "A decision is worth ", h("code", contract.value), f" {contract.unit}."),
        h(
            "p",
            f"The model must earn at least {number(contract.target, contract.unit)} per decision more than the "
            f"policy of the hold-out: {percent(contract.holdout_share)} of units, drawn at random, are decided "
            f"without it, and the business {acts}.",
        ),
        h("ul", limits) if limits else None,
        _delay(contract),
        _changes(contract),
        *(h("p", version_link(v), f" was validated under {under}: validate it again.") for v, under in of.again),
        h("p", f"Signed by {evidence.signer} on ", moment(evidence.created_at), ", evidence ", digest(evidence.id),
          f"; revision {contract.revision}.", class_="dim"),
    ]  # fmt: skip
    return card("KPI contract", body, name=name)


def _delay(contract: KpiContract) -> Markup | None:
    if contract.label_delay_days is None:
        return None
    return h("p", f"An outcome is known {number(contract.label_delay_days)} days after its decision.")


def _changes(contract: KpiContract) -> Markup | None:
    if not contract.changes:
        return None
    rows: list[list[Child]] = [[c.term, h("code", c.old), h("code", c.new)] for c in contract.changes]
    return h(
        "div",
        h("p", f"Why it was changed: {contract.why}"),
        table(f"What revision {contract.revision} changed", ("Term", "Was", "Is"), rows),
    )


def _limit(limit: KpiLimit, lead: str) -> list[Child]:
    side = "at least" if limit.bound is Bound.AT_LEAST else "at most"
    return [f"{lead}: {limit.name} {side} {number(limit.limit, limit.unit)} ", h("code", limit.expression)]


def _datasets(of: Shelf) -> Markup:
    name = f"datasets-{of.case.id}"
    if not of.datasets:
        how = ("Hand some in: ", command("register data FILE --use-case", of.case.id, "--role train"), ".")
        return card("Data sets", empty("No data set yet.", *how), name=name)
    return card("Data sets", _table(of.datasets), name=name)


def _looks(of: Shelf) -> Markup | None:
    if not of.looks:
        return None
    charged = sum(x.charged for x in of.looks)
    rows: list[list[Child]] = [
        [
            moment(x.at),
            x.actor,
            x.why,
            version_link(x.version),
            x.lineage,
            str(x.number) if x.charged else h("span", "not charged", class_="dim"),
            x.dataset,
        ]
        for x in of.looks[: LOOKS if of.alone else LOOKS_BESIDE_OTHERS]
    ]
    said = (
        f"{count(len(of.looks), 'look')}, {charged} charged. Whoever mends a model after a look fits it to the rows "
        "looked at: from a lineage's second look on, V2 widens the interval (check sealed-reuse)."
    )
    names = ("When", "Who", "What", "Version", "Lineage", "Look", "Data set")
    return card(
        "Looks at sealed data",
        h("p", said),
        table("Looks at sealed data", names, rows),
        name=f"looks-{of.case.id}",
    )


def _table(datasets: Sequence[Dataset]) -> Markup:
    return table(
        "Data sets",
        ("Data set", "Role", "Rows", "Columns", "Digest", "Source", "Registered", "Sealed reads"),
        [
            [
                h("span", d.id, id=d.id),
                h("span", d.role.value, class_="role"),
                number(d.rows),
                str(len(d.columns)),
                digest(d.digest),
                [d.source, h("span", " synthetic", class_="dim") if d.synthetic else None],
                moment(d.created_at),
                count(d.reads, "read") if d.role is DatasetRole.SEALED else h("span", "not sealed", class_="dim"),
            ]
            for d in datasets
        ],
    )
