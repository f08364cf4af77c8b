"""`roadworthy work`: defects on their way back to a named development step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands, turned
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.storing.query import MOST, PAGE, Page
from roadworthy.services.watch.way_back import ItemView

Item = Annotated[str, typer.Argument(help="The work item, for example work-3.")]


def list_items(
    desk: Desk,
    *,
    use_case: Annotated[str, typer.Option(help="Only of this use case.")] = "",
    version: Annotated[str, typer.Option(help="Only of this version.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Work items on the page.")] = PAGE,
    cursor: Annotated[str, typer.Option(help="The `next` of the page before.")] = "",
) -> None:
    """List work items, newest first. They close only when what found the defect finds it gone."""
    with desk.road() as road:
        found = road.ask(
            "GET",
            "/work-items",
            Page[WorkItem],
            use_case=use_case,
            version=version,
            open_only=str(not everything).lower(),
            limit=str(limit),
            cursor=cursor,
        )
    none = "No work item is open." if not everything else "There are no work items."
    desk.answer(found, *([work_table(found.items), turned(found)] if found.items else [none]))


def show(desk: Desk, item: Item) -> None:
    """Show one work item: its re-entry rule, what was said about it, and its history."""
    with desk.road() as road:
        found = msgspec.convert(road.work_item(item), ItemView)
    desk.answer(found, work_table([found.item]), *described(found))


def assign(desk: Desk, item: Item, person: Annotated[str, typer.Argument(help="Who takes it.")]) -> None:
    """Give an open work item to a person."""
    with desk.road() as road:
        changed = road.assign(item, person)
    desk.answer(changed, f"{changed.id} is with {changed.assignee}.")


def comment(desk: Desk, item: Item, text: Annotated[str, typer.Argument(help="What is to be said.")]) -> None:
    """Say something about a work item."""
    with desk.road() as road:
        changed = road.comment(item, text)
    desk.answer(changed, f"{changed.id} has {len(changed.comments)} comment(s).")


def link(
    desk: Desk,
    item: Item,
    version: Annotated[str, typer.Argument(help="The successor; it must descend from the faulty version.")],
) -> None:
    """Name the version that is to mend an open work item. It closes the item only by passing."""
    with desk.road() as road:
        changed = road.link(item, version)
    desk.answer(changed, f"{changed.id} is to be mended by {changed.successor}.")


def work_table(items: Sequence[WorkItem], *, brief: bool = False) -> Table:
    """One row per work item; `brief` leaves out who found it and how it is closed."""
    more = () if brief else ("found by", "re-entry", "state", "with")
    table = Table("item", "version", "defect", "back to", "what", *more, title="Work items")
    for w in items:
        rest = () if brief else (w.source, w.re_entry, state_of(w), w.assignee or "nobody yet")
        table.add_row(w.id, w.version, w.defect.value, w.step.value, w.summary, *rest)
    return table


def state_of(item: WorkItem) -> str:
    """Open or closed, by what, and how often it came back."""
    by = f" by {item.closed_by}" if item.closed_by else ""
    again = f", came back {item.reopened} time(s)" if item.reopened else ""
    return f"{item.state.value}{by}{again}"


def described(found: ItemView) -> list[str]:
    """The rule, the comments and the history, one line each."""
    item, rule = found.item, found.rule
    again = "every step" if rule.again == ("*",) else ", ".join(rule.again)
    who = "the version itself or a successor" if rule.same_version else "a successor only"
    lines = [
        f"Comes back as: {who}. Measured again: {again}. {rule.why}",
        *([f"To be mended by {item.successor}."] if item.successor and item.state is WorkItemState.OPEN else []),
        *([f"Mended by {item.successor}."] if item.successor and item.state is WorkItemState.CLOSED else []),
        *([f"The same defect on another branch: {item.earlier}."] if item.earlier else []),
        *(f"{c.at:%Y-%m-%d %H:%M} {c.person}: {c.text}" for c in item.comments),
        "History:",
    ]
    for change in found.history:
        facts = ", ".join(f"{k} {v}" for k, v in change.facts.items() if k in ("to", "by", "successor"))
        told = f"{change.at:%Y-%m-%d %H:%M} {change.actor}: {change.action} ({change.subject}) {facts}"
        lines.append(f"  {told.rstrip()}")
    return lines


app = commands(
    "list",
    "Work items: defects on their way back to a named development step. Without a subcommand: list them.",
    list=list_items,
    show=show,
    assign=assign,
    comment=comment,
    link=link,
)
