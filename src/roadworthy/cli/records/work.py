"""`roadworthy work`: defects on their way back to a named development step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.domain.errors import SettingError
from roadworthy.domain.returns import WorkItem


def work(
    desk: Desk,
    *,
    use_case: Annotated[str, typer.Option(help="Only of this use case.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    assign: Annotated[str, typer.Option(help="Give an item to a person first: ITEM:PERSON.")] = "",
) -> None:
    """List work items, newest first. They are closed only by passing the gate they name."""
    item, colon, person = assign.partition(":")
    if assign and not (item and colon and person):
        raise SettingError(
            f"--assign is '{assign}'", remedy="Give ITEM:PERSON, for example work-3:dan.", field="assign"
        )
    with desk.road() as road:
        if assign:
            road.assign(item, person)
        items = road.work_items(use_case, open_only=not everything)
    shown = (
        [work_table(items)]
        if items
        else ["No work item is open." if not everything else "There are no work items."]
    )
    desk.answer(items, *shown)


def work_table(items: Sequence[WorkItem], *, brief: bool = False) -> Table:
    """One row per work item; `brief` leaves out who found it and how it is closed."""
    more = () if brief else ("found by", "re-entry", "state")
    table = Table("item", "version", "defect", "back to", "what", *more, title="Work items")
    for w in items:
        state = f"{w.state.value} by {w.closed_by}" if w.closed_by else w.state.value
        rest = () if brief else (w.source, w.re_entry, state)
        table.add_row(w.id, w.version, w.defect.value, w.step.value, w.summary, *rest)
    return table


app = command(work)
