"""Work items: every defect on its way back to a named development step, open ones first; or one with its history."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.trust import Change, Role
from roadworthy.services.catalog.people import people
from roadworthy.services.facts import facts_of
from roadworthy.services.watch.lists import page_of
from roadworthy.services.watch.way_back import ItemView, work_item
from roadworthy.web.ui.layout import Ask, Page, Text, form, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.words import (
    card,
    command,
    count,
    empty,
    facts,
    joined,
    link,
    moment,
    next_page,
    table,
    version_link,
)

COLUMNS = ("Item", "Version", "Defect", "Back to", "Found by", "What was found", "Closed by", "Assignee")


def build(site: Site, ask: Ask) -> Page:
    """All work items, those of one version (`?version=`), or one item (`?item=`)."""
    if ask.query.get("item"):
        return _one(work_item(house_of(site), ask.query["item"]))
    only = ask.query.get("version", "")
    with house_of(site).store.read() as tx:
        waiting, closed = (
            page_of(tx, WorkItem, cursor=ask.query.get(state.value, ""), version=only, state=state)
            for state in (WorkItemState.OPEN, WorkItemState.CLOSED)
        )
    of = f" of {only}" if only else ""
    head = h(
        "section",
        h("h1", f"{count(waiting.total, 'open work item')}{of}, {closed.total:,} closed", class_="sentence"),
        h(
            "p",
            "A failing check, a proven drift or a rollback opens a work item. Nobody closes one by hand: what found "
            "the defect must find it gone. When the defect comes back, so does the item.",
            class_="dim",
        ),
        h("p", link("Show all versions", "work")) if only else None,
        class_="headline",
    )
    return Page(
        "Work",
        (
            Text("head", head),
            Text("open", _open(waiting.items, next_page("/work", ask.query, waiting.next, "open"))),
            *_assign(site, ask, waiting.items),
            Text("closed", _closed(closed.items, next_page("/work", ask.query, closed.next, "closed"))),
        ),
    )


def work_table(caption: str, items: Sequence[WorkItem]) -> Markup:
    """Work items as a table."""
    return table(caption, COLUMNS, [_row(w) for w in items], "work")


def _open(items: Sequence[WorkItem], further: Markup | None) -> Markup:
    if not items:
        return card("Open", empty("No open work item: every defect found so far has been mended."), name="open")
    how = h("p", "In a terminal: ", command("work"), class_="dim")
    return card("Open", work_table("Open work items", items), further, how, name="open")


def _assign(site: Site, ask: Ask, items: Sequence[WorkItem]) -> list[Text]:
    """The form that gives an item to somebody; nothing for who may not, or when nothing is open."""
    visitor = ask.visitor
    if (
        visitor is None
        or not items
        or not visitor.may("manage-work", facts_of(site.house, version=items[0].version))
    ):
        return []
    names = [p.id for p in people(site.house) if p.active and Role.PLATFORM not in p.roles]
    choice = h("label", "Item ", h("select", [h("option", w.id, value=w.id) for w in items], name="item"))
    given = form(
        "/work/assignee",
        visitor,
        choice,
        h("label", "to ", h("select", [h("option", name, value=name) for name in names], name="assignee")),
        h("button", "Assign", type="submit"),
    )
    said = form(
        "/work/comment",
        visitor,
        choice,
        h("label", "Comment ", h("input", name="text", required=True, maxlength=2000, autocomplete="off")),
        h("button", "Say it", type="submit"),
    )
    return [Text("assign", card("Give an item to somebody, or say something about it", given, said, name="assign"))]


def _closed(items: Sequence[WorkItem], further: Markup | None) -> Markup:
    if not items:
        return card("Closed", empty("None yet. A work item closes when its gate is passed again."), name="closed")
    return card("Closed", work_table("Closed work items", items), further, name="closed")


def _row(item: WorkItem) -> list[Child]:
    if item.closed_by and item.closed_at:
        end: Child = joined([item.closed_by, moment(item.closed_at)], " on ")
    else:
        end = f"passing {item.re_entry} again"
    again = h("span", f" came back {count(item.reopened, 'time')}", class_="dim") if item.reopened else None
    return [
        [joined([link(item.id, "work", item=item.id), moment(item.opened_at)], " "), again],
        version_link(item.version),
        h("span", item.defect.value.replace("-", " "), class_="defect"),
        item.step.value,
        item.source,
        h("span", item.summary, class_="summary"),
        end,
        item.assignee or h("span", "nobody yet", class_="dim"),
    ]


def _one(found: ItemView) -> Page:
    item, rule = found.item, found.rule
    head = h(
        "section",
        h("h1", f"{item.id}: {item.defect.value.replace('-', ' ')} in {item.version}", class_="sentence"),
        h("p", item.summary),
        h("p", link("All work items", "work")),
        class_="headline",
    )
    by = "the version itself or a successor" if rule.same_version else "a successor only"
    again = "every step" if rule.again == ("*",) else ", ".join(rule.again)
    rows: dict[str, Child] = {
        "State": item.state.value,
        "Version": version_link(item.version),
        "Seen before in": joined([version_link(v) for v in item.seen_in]) if item.seen_in else "no other version",
        "Back to": item.step.value,
        "Found by": item.source,
        "Closed by": item.closed_by or f"passing {item.re_entry} again",
        "Mended by": version_link(item.successor) if item.successor else "no version named yet",
        "May come back": by,
        "Measured again": again,
        "Why": rule.why,
        "Assignee": item.assignee or "nobody yet",
        "Came back": count(item.reopened, "time"),
        "On another branch": link(item.earlier, "work", item=item.earlier) if item.earlier else "not seen",
    }
    return Page(
        item.id,
        (
            Text("head", head),
            Text("rule", card("Way back", facts(rows), name="rule")),
            Text("comments", _comments(item)),
            Text("history", _history(found.history)),
        ),
    )


def _comments(item: WorkItem) -> Markup:
    if not item.comments:
        how = ("Say something: ", command("work comment", item.id, "TEXT"), ".")
        return card("Comments", empty("Nobody said anything yet.", *how), name="comments")
    said = [h("li", h("b", c.person), " ", moment(c.at), h("p", c.text)) for c in item.comments]
    return card("Comments", h("ul", said), name="comments")


def _history(changes: Sequence[Change]) -> Markup:
    rows: list[list[Child]] = [
        [moment(c.at), c.actor, c.action.replace("-", " "), version_link(c.subject), c.why, _told(c)]
        for c in changes
    ]
    return card(
        "History", table("History", ("When", "Who", "What", "Version", "Why", "Facts"), rows), name="history"
    )


def _told(change: Change) -> str:
    return ", ".join(f"{k}: {v}" for k, v in change.facts.items() if k != "item")
