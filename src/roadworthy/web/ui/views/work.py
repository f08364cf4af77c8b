"""Work items: every defect on its way back to a named development step, open ones first."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.services.watch.work_items import work_items
from roadworthy.web.ui.layout import Ask, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.words import card, command, count, empty, joined, link, moment, table, version_link

COLUMNS = ("Item", "Version", "Defect", "Back to", "Found by", "What was found", "Closed by", "Assignee")


def build(site: Site, ask: Ask) -> Page:
    """All work items, or those of one version (`?version=`)."""
    only = ask.query.get("version", "")
    items = [w for w in work_items(house_of(site)) if not only or w.version == only]
    waiting = [w for w in items if w.state is WorkItemState.OPEN]
    closed = [w for w in items if w.state is WorkItemState.CLOSED]
    of = f" of {only}" if only else ""
    head = h(
        "section",
        h("h1", f"{count(len(waiting), 'open work item')}{of}, {len(closed)} closed", class_="sentence"),
        h(
            "p",
            "A failing check, a proven drift or a rollback opens a work item. Nobody closes one by hand: passing "
            "the gate it names does.",
            class_="dim",
        ),
        h("p", link("Show all versions", "work")) if only else None,
        class_="headline",
    )
    return Page("Work", (Text("head", head), Text("open", _open(waiting)), Text("closed", _closed(closed))))


def work_table(caption: str, items: Sequence[WorkItem]) -> Markup:
    """Work items as a table."""
    return table(caption, COLUMNS, [_row(w) for w in items], "work")


def _open(items: Sequence[WorkItem]) -> Markup:
    if not items:
        return card("Open", empty("No open work item: every defect found so far has been mended."), name="open")
    how = h("p", "In a terminal: ", command("work"), class_="dim")
    return card("Open", work_table("Open work items", items), how, name="open")


def _closed(items: Sequence[WorkItem]) -> Markup:
    if not items:
        return card("Closed", empty("None yet. A work item closes when its gate is passed again."), name="closed")
    return card("Closed", work_table("Closed work items", items), name="closed")


def _row(item: WorkItem) -> list[Child]:
    if item.closed_by and item.closed_at:
        end: Child = joined([item.closed_by, moment(item.closed_at)], " on ")
    else:
        end = f"passing {item.re_entry} again"
    return [
        joined([item.id, moment(item.opened_at)], " "),
        version_link(item.version),
        h("span", item.defect.value.replace("-", " "), class_="defect"),
        item.step.value,
        item.source,
        h("span", item.summary, class_="summary"),
        end,
        item.assignee or h("span", "nobody yet", class_="dim"),
    ]
