"""`roadworthy ledger`: what each version earned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.bars import whisker
from roadworthy.cli.desk import Desk, command, turned
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.marks import between, number
from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.storing.query import MOST, PAGE, Page


def ledger(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Lines on the page.")] = PAGE,
    cursor: Annotated[str, typer.Option(help="The `next` of the page before.")] = "",
) -> None:
    """Show the value ledger, newest first: money against units decided without the model, with intervals."""
    with desk.road() as road:
        where = the_endpoint(road, endpoint).id
        path = f"/endpoints/{where}/ledger"
        found = road.ask("GET", path, Page[LedgerEntry], limit=str(limit), cursor=cursor)
    none = f"The ledger of {where} is empty: a review fills it."
    desk.answer(found, *([ledger_table(found.items, where), turned(found)] if found.items else [none]))


def ledger_table(entries: Sequence[LedgerEntry], where: str) -> Table:
    """One row per entry; the whiskers share one axis, which holds zero."""
    bounds = [b for e in entries if e.interval for b in (e.interval.low, e.interval.high)] + [0.0]
    low, high = min(bounds), max(bounds)
    table = Table("version", "units", "per unit", "interval", "", "total", title=f"Value ledger of {where}")
    for e in entries:
        units = f"{e.units_served:,} + {e.units_held_out:,} held out"
        if not e.measurable or e.per_unit is None:
            table.add_row(e.version, units, "not measurable", "", e.reason, "-")
            continue
        drawn = whisker(e.interval, e.per_unit, low, high) if e.interval else ""
        table.add_row(
            e.version, units, number(e.per_unit, e.unit), between(e.interval), drawn, number(e.total, e.unit)
        )
    return table


app = command(ledger)
