"""All versions, filtered and page by page; and the filter that the board has too."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.domain.lifecycle import State
from roadworthy.domain.storing.card import VersionCard
from roadworthy.services.watch.catalog import ORDERS, Search, catalog
from roadworthy.web.ui.layout import Ask, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.words import card, count, empty, link, moment, next_page, state, table, version_link

COLUMNS = ("Version", "State", "Use case", "Gates", "Open work", "Approved", "Registered")

TEXTS = {"words": "words", "use_case": "use case", "owner": "owner", "developer": "developer", "name": "model"}
"""The fields of the filter, and what stands in them while they are empty."""


def build(site: Site, ask: Ask) -> Page:
    """One page of the versions that the address asks for (`?state=&use_case=&owner=&developer=&words=&name=`)."""
    house = house_of(site)
    search = search_of(ask.query)
    found = catalog(house, search)
    head = h(
        "section",
        h("h1", count(found.total, "version"), class_="sentence"),
        search_form("/versions", ask.query),
        class_="headline",
    )
    return Page("Versions", (Text("head", head), Text("versions", _listed(found.items, found.next, ask.query))))


def search_of(query: Mapping[str, str]) -> Search:
    """What an address asks for; a state nobody knows is none."""
    states = tuple(s for s in State if s.value == query.get("state"))
    order = query.get("order", "")

    def given(name: str) -> str:
        return query.get(name, "").strip()

    return Search(
        use_case=given("use_case"),
        states=states,
        name=given("name"),
        owner=given("owner"),
        developer=given("developer"),
        words=given("words"),
        order=order if order in ORDERS else "newest",
        cursor=given("cursor"),
    )


def search_form(action: str, query: Mapping[str, str]) -> Markup:
    """The filter as a form that asks by address, so that a filtered page can be sent to somebody."""
    fields = [
        h("input", name=name, value=query.get(name, ""), placeholder=said, aria_label=said.capitalize())
        for name, said in TEXTS.items()
    ]
    states = [
        h("option", s.value.replace("-", " "), value=s.value, selected=s.value == query.get("state")) for s in State
    ]
    return h(
        "form",
        fields,
        h("select", h("option", "any state", value=""), states, name="state", aria_label="State"),
        h("button", "Show", type="submit"),
        link("Show all", action.strip("/")) if any(query.get(n) for n in (*TEXTS, "state")) else None,
        class_="filter",
        method="get",
        action=action,
        role="search",
    )


def _listed(items: tuple[VersionCard, ...], following: str, query: Mapping[str, str]) -> Markup:
    if not items:
        return card("Versions", empty("No version is like that."), name="versions")
    return card(
        "Versions",
        table("Versions", COLUMNS, [_row(c) for c in items], "versions"),
        next_page("/versions", query, following),
        name="versions",
    )


def _row(of: VersionCard) -> list[Child]:
    gates = ", ".join(f"{gate} {verdict}" for gate, verdict in of.verdicts.items()) or "none run"
    return [
        version_link(of.id),
        state(of.state),
        link(of.use_case, "data", use_case=of.use_case),
        gates,
        link(str(of.open_work), "work", version=of.id) if of.open_work else "none",
        moment(of.approved_at) if of.approved_at else h("span", "not approved", class_="dim"),
        moment(of.created_at),
    ]
