"""The value ledger: what each version earned above the hold-out's policy; or that nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.serving import Endpoint
from roadworthy.services.watch.lists import page_of
from roadworthy.web.ui.charts import SERIES, Pair, bullet, lines
from roadworthy.web.ui.layout import Ask, Block, Chart, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views.money import earned, total_interval
from roadworthy.web.ui.words import (
    between,
    card,
    command,
    count,
    day,
    empty,
    link,
    money,
    next_page,
    table,
    version_link,
)

COLUMNS = (
    "Version",
    "Endpoint",
    "Served",
    "Units served",
    "Held out",
    "Per unit",
    "Interval per unit",
    "Total",
    "Cost of the hold-out",
)


SHOWN = 20
"""Endpoints on one page."""

DRAWN = 60
"""Newest lines of an endpoint in its chart: more than a year of weekly reviews."""


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger of one endpoint: all lines in order, and each version's newest."""

    endpoint: Endpoint
    lines: tuple[LedgerEntry, ...]

    @property
    def newest(self) -> list[LedgerEntry]:
        """The newest line of every version; each covers the version's whole life."""
        return list({line.version: line for line in self.lines}.values())


def build(site: Site, ask: Ask) -> Page:
    """The books of the newest endpoints."""
    house = house_of(site)
    with house.store.read() as tx:
        found = page_of(tx, Endpoint, limit=SHOWN, cursor=ask.query.get("cursor", ""))
        books = [Books(e, tuple(tx.of(LedgerEntry).find(endpoint=e.id))) for e in found.items]
    newest = [line for b in books for line in b.newest]
    if not newest and not found.next:
        how = (
            "Deploy a version with a hold-out in its contract, report outcomes, then ",
            command("review ENDPOINT"),
            ": it writes the ledger.",
        )
        return Page("Value", (Text("head", card("Value", empty("Nothing was measured yet.", *how), name="value")),))
    of = f", {count(len(books), 'endpoint')} of {found.total:,}" if found.total > len(books) else ""
    further = next_page("/value", ask.query, found.next)
    blocks: list[Block] = [Text("head", _head(newest, of)), Text("ledger", _ledger(newest, further))]
    blocks += [chart for b in books for chart in charts(b)]
    return Page("Value", tuple(blocks))


def _head(newest: Sequence[LedgerEntry], of: str) -> Markup:
    said = [
        h("h1", f"Value to date{of}: {e.amount}" + (f" ({e.note})" if e.measured else ""), class_="sentence")
        for e in earned(newest)
    ]
    return h(
        "section",
        said,
        h(
            "p",
            "Value is what deciding with the model earned above the policy of the hold-out: units drawn at random "
            "and decided without it. Without enough of them nothing is claimed. The interval of the sum adds the "
            "ends of the versions' intervals.",
            class_="dim",
        ),
        class_="headline",
    )


def _ledger(newest: Sequence[LedgerEntry], further: Markup | None) -> Markup:
    body: list[Child] = [table("Value by version", COLUMNS, [_row(line) for line in newest], "ledger")]
    reasons = [h("li", f"{line.version}: {line.reason}") for line in newest if not line.measurable]
    if reasons:
        body.append(h("div", h("h3", "Why some are not measurable"), h("ul", reasons)))
    return card("Ledger", body, further, name="ledger")


def _row(line: LedgerEntry) -> list[Child]:
    return [
        version_link(line.version),
        link(line.endpoint, "endpoints", line.endpoint),
        [h("span", day(line.since), class_="nowrap"), " to ", h("span", day(line.until), class_="nowrap")],
        number(line.units_served),
        number(line.units_held_out),
        *_measured(line),
    ]


def _measured(line: LedgerEntry) -> list[Child]:
    missing = h("span", "not measurable", class_="dim")
    if not line.measurable or line.per_unit is None or line.total is None:
        return [missing] * 4
    cost = money(line.holdout_cost, line.unit) if line.holdout_cost is not None else missing
    return [
        h("b", money(line.per_unit, line.unit), class_="nowrap"),
        bullet(line.per_unit, line.interval, 0.0, line.unit, _tone(line)),
        [h("b", money(line.total, line.unit), class_="nowrap"), h("br"),
         h("span", between(total_interval(line), line.unit), class_="numbers")],
        cost,
    ]  # fmt: skip


def _tone(line: LedgerEntry) -> str:
    if line.interval is None or line.interval.low <= 0 <= line.interval.high:
        return ""
    return "good" if line.interval.low > 0 else "bad"


def charts(books: Books, span: str = "full") -> list[Chart]:
    """Value per unit over the reviews, one line per version, with its interval."""
    if not books.lines:
        return []
    drawn = books.lines[-DRAWN:]
    days = sorted({day(line.until) for line in drawn})
    versions = list(dict.fromkeys(line.version for line in drawn))
    series, bands = [], []
    for at, version in enumerate(versions):
        mine = {day(line.until): line for line in drawn if line.version == version}
        colour = SERIES[at % len(SERIES)]
        found = [mine.get(d) for d in days]
        series.append((version, [line.per_unit if line else None for line in found], colour))
        bands.append((version, [_pair(line) for line in found], colour))
    unit = books.lines[-1].unit
    newest = "; ".join(
        f"{line.version} {money(line.per_unit, unit)}"
        if line.per_unit is not None
        else f"{line.version} not measurable"
        for line in books.newest
    )
    says = f"Value per unit above the hold-out on {books.endpoint.id}, over a version's life to date: {newest}."
    options = lines(days, series, bands=bands, marks=(("as without the model", 0.0),))
    return [
        Chart(
            f"value-{books.endpoint.id}", f"Value per unit in {unit}: {books.endpoint.id}", says, options, 280, span
        )
    ]


def _pair(line: LedgerEntry | None) -> Pair | None:
    return (line.interval.low, line.interval.high) if line is not None and line.interval is not None else None
