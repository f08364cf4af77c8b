"""`roadworthy versions`: the catalog, filtered and page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command, turned
from roadworthy.cli.marks import marked
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.verdict import Verdict


def versions(
    desk: Desk,
    *,
    state: Annotated[list[State] | None, typer.Option(help="Only in this state; repeatable.")] = None,
    use_case: Annotated[str, typer.Option(help="Only of this use case.")] = "",
    name: Annotated[str, typer.Option(help="Only of the model with this name.")] = "",
    owner: Annotated[str, typer.Option(help="Only of use cases this person owns.")] = "",
    developer: Annotated[str, typer.Option(help="Only those this person worked on.")] = "",
    words: Annotated[str, typer.Option(help="Words, or their beginnings, in id, use case or description.")] = "",
    approved_before_days: Annotated[
        int, typer.Option(min=0, help="Only those last approved more than so many days ago.")
    ] = 0,
    order: Annotated[str, typer.Option(help="newest, oldest, name, approval or approval-oldest.")] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Versions on the page.")] = PAGE,
    cursor: Annotated[str, typer.Option(help="The `next` of the page before.")] = "",
) -> None:
    """List versions, newest first; says how many match, and how to see the next page."""
    cut = datetime.now(UTC) - timedelta(days=approved_before_days) if approved_before_days else None
    with desk.road() as road:
        found = road.catalog(
            state=[s.value for s in state or ()],
            use_case=use_case,
            name=name,
            owner=owner,
            developer=developer,
            words=words,
            approved_before=cut.isoformat() if cut else "",
            order=order,
            limit=limit,
            cursor=cursor,
        )
    desk.answer(found, *([_table(found.items), turned(found)] if found.items else ["No version is like that."]))


def _table(items: tuple[VersionCard, ...]) -> Table:
    gates = [g.value for g in Gate]
    known = {v.value for v in Verdict}
    table = Table("version", "use case", "state", *gates, "open work", "approved", title="Versions")
    for v in items:
        verdicts = [v.verdicts.get(g, "-") for g in gates]
        cells = [marked(Verdict(w)) if w in known else marked(None) if w == "running" else w for w in verdicts]
        approved = f"{v.approved_at:%Y-%m-%d}" if v.approved_at else "-"
        table.add_row(v.id, v.use_case, v.state.value, *cells, str(v.open_work or "-"), approved)
    return table


app = command(versions)
