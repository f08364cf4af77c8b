"""The life-cycle board: where every version stands, what serves, what is open, what was earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.serving import Arm, ArmRole, Deployment
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.verdict import Verdict
from roadworthy.services.house import House
from roadworthy.services.licence.expiry import as_of
from roadworthy.services.watch.catalog import Lane, Search, lanes
from roadworthy.services.watch.status import EndpointStatus, Totals, endpoints_now, open_items, totals
from roadworthy.web.ui.layout import Ask, Page, Text
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views.catalog import search_form, search_of
from roadworthy.web.ui.views.money import Earned, earned
from roadworthy.web.ui.words import (
    approval_sentence,
    badge,
    card,
    command,
    count,
    empty,
    icon,
    link,
    percent,
    version_link,
)

GATES = {Gate.VALIDATION: "Validation", Gate.RELEASE: "Release", Gate.ACTIVATION: "Activation"}

ALWAYS = (State.REGISTERED, State.VALIDATED, State.CANDIDATE, State.ACTIVATED, State.RETURNED)
"""Columns that are shown even when nothing stands there; the others appear with their first version."""

SHOWN_PER_COLUMN = 12
"""Newest cards of a column; the list of versions has the older ones."""

MAX_ITEMS = 8
"""Open work items beside the board; `/work` has all."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the board shows: versions by state as the filter asks, the rest whatever it asks."""

    lanes: tuple[Lane, ...]
    endpoints: tuple[EndpointStatus, ...]
    work_items: tuple[WorkItem, ...]
    totals: Totals


def build(site: Site, ask: Ask) -> Page:
    """The board, of all versions or those the address asks for, as in `/versions`."""
    search = search_of(ask.query)
    found = site.once("board", _picture)
    if search != Search():
        with site.house.store.read() as tx:
            found = replace(found, lanes=lanes(tx, search, SHOWN_PER_COLUMN))
    if not found.totals.versions and not found.totals.use_cases:
        return Page("Board", (Text("start", _start()),))
    serving = _serving(found.endpoints)
    return Page(
        "Board",
        (
            Text("headline", _headline(found)),
            Text("board", _board(found.lanes, serving, ask.query), "most"),
            Text("beside", Markup(_endpoints(found, site.house.clock.now()) + _work(found)), "third stack"),
        ),
    )


def _picture(house: House) -> Picture:
    with house.store.read() as tx:
        return Picture(
            lanes=lanes(tx, Search(), SHOWN_PER_COLUMN),
            endpoints=endpoints_now(house, tx),
            work_items=open_items(tx, MAX_ITEMS),
            totals=totals(tx),
        )


def _start() -> Markup:
    steps: tuple[tuple[str, Child], ...] = (
        ("Settings, a playbook and people", command("init")),
        ("Hand in a model with its data",
         command("register model.skops --use-case churn --data customers.csv --target churned --positive yes")),
        ("Agree what counts as success, before any result exists", command("agree churn")),
        ("Let it be judged", command("validate churn:1")),
    )  # fmt: skip
    items = [h("li", h("strong", what), h("br"), how) for what, how in steps]
    return h(
        "section",
        h("h1", "Nothing is registered yet"),
        h("p", "A model takes four steps from here to its first verdict:"),
        h("ol", items, class_="first-steps"),
        h("p", "Or watch one take the whole road first: ", command("demo"), "."),
        class_="card",
    )


def _headline(found: Picture) -> Markup:
    activated = found.totals.versions.get(State.ACTIVATED.value, 0)
    open_work, versions = found.totals.open_work, sum(found.totals.versions.values())
    total = earned([line for e in found.endpoints for line in e.ledger])
    shown = len(found.endpoints)
    of = f", newest {count(shown, 'endpoint')}" if found.totals.endpoints > shown else ""
    tiles = [
        _tile(f"{activated:,}", "activated", f"of {count(versions, 'version')}", "/versions"),
        _tile(f"{open_work:,}", "open work items" if open_work != 1 else "open work item",
              "on their way back to development" if open_work else "nothing waits to be mended", "/work"),
        *[_tile(e.amount, f"value to date{of}", e.note, "/value") for e in total],
    ]  # fmt: skip
    sentence = f"{activated:,} activated, {count(open_work, 'open work item')}, {_value_sentence(total)}"
    return h("section", h("h1", sentence, class_="unseen"), h("div", tiles, class_="tiles"), class_="headline")


def _value_sentence(total: Sequence[Earned]) -> str:
    return "; ".join(f"value to date {e.amount} ({e.note})" if e.measured else f"value {e.amount}" for e in total)


def _tile(figure: str, name: str, note: str, target: str) -> Markup:
    return h(
        "a",
        h("span", figure, class_="figure"),
        h("span", name, class_="name"),
        h("span", note, class_="dim"),
        class_="tile",
        href=target,
    )


def _serving(endpoints: Sequence[EndpointStatus]) -> dict[str, list[str]]:
    """Where each version answers, and with which share of all traffic."""
    found: dict[str, list[str]] = {}
    for e in endpoints:
        for arm, share in shares(e.deployment) if e.deployment else ():
            if arm.version:
                found.setdefault(arm.version, []).append(f"{e.endpoint.id} {percent(share)}")
    return found


def _board(found: Sequence[Lane], serving: dict[str, list[str]], query: Mapping[str, str]) -> Markup:
    known = {lane.state: lane for lane in found}
    columns = [
        _column(known.get(state) or Lane(state, 0, ()), serving, query)
        for state in State
        if state in known or state in ALWAYS
    ]
    return h(
        "section",
        h("h2", "Versions by state", class_="quiet"),
        search_form("/", query),
        h("div", columns, class_="lanes"),
        aria_label="Versions by state",
    )


def _column(lane: Lane, serving: dict[str, list[str]], query: Mapping[str, str]) -> Markup:
    name = lane.state.value.replace("-", " ").capitalize()
    head = h("h3", h("span", name), h("span", f"{lane.total:,}", class_="count"), class_="lane-head")
    cards = [_card(v, serving.get(v.id, ())) for v in lane.newest]
    older = lane.total - len(lane.newest)
    kept = {key: value for key, value in query.items() if value}
    rest = link(f"{older:,} older", "versions", **{**kept, "state": lane.state.value}) if older else None
    return h(
        "div",
        head,
        h("div", cards, rest, class_="cards") if cards else None,
        class_=f"lane {lane.state.value}" + ("" if cards else " vacant"),
        role="group",
        aria_label=f"{name}: {count(lane.total, 'version')}",
    )


def _card(version: VersionCard, serves: Sequence[str]) -> Markup:
    of = version
    chips = [_chip(gate, name, of) for gate, name in GATES.items()]
    foot: list[Markup] = [h("span", f"serves {place}", class_="serves") for place in serves]
    if of.open_work:
        foot.append(link(count(of.open_work, "open work item"), "work", version=version.id))
    return h(
        "article",
        h("h4", version_link(version.id)),
        h("p", version.description, class_="dim two-lines") if version.description else None,
        h("ul", chips, class_="chips"),
        h("p", foot, class_="foot") if foot else None,
        class_="version",
        aria_label=version.id,
    )


def _chip(gate: Gate, name: str, of: VersionCard) -> Markup:
    verdict = of.verdicts.get(gate.value)
    if verdict is None:
        return h("li", icon("none", 16), h("span", f"{name}: not run"), class_="chip none")
    counts = ", ".join(f"{n} {word}" for word, n in of.gates[gate.value].items())
    return h(
        "li",
        icon(verdict, 16),
        h("span", f"{name}: {verdict}"),
        class_=f"chip {verdict}",
        title=f"{name}: {counts or 'no finding yet'}",
    )


def _endpoints(found: Picture, now: datetime) -> Markup:
    endpoints = found.endpoints
    if not endpoints:
        how = ("Register one: ", command("endpoint churn --use-case churn"), ", then deploy an activated version.")
        return card("Endpoints", empty("No endpoint yet: nothing answers.", *how), name="endpoints")
    more = found.totals.endpoints - len(endpoints)
    rest = h("p", f"and {more:,} older endpoints", class_="dim") if more else None
    return card("Endpoints", [_endpoint(e, now) for e in endpoints], rest, name="endpoints")


def _endpoint(of: EndpointStatus, now: datetime) -> Markup:
    review = h("p", badge(of.review.verdict, "last review: "), class_="foot") if of.review else None
    if of.deployment is None:
        body: Child = h(
            "p", "Nothing is deployed: ", command("deploy VERSION --endpoint", of.endpoint.id), class_="dim"
        )
    else:
        body = [
            split(of.deployment),
            h("p", f"{of.deployment.id}: {of.deployment.state.value.replace('-', ' ')}", class_="dim"),
        ]
    approvals = [
        h("p", h("span", f"{s.version}: ", class_="dim"), approval_sentence(as_of(s, now)), class_="foot")
        for s in of.approvals
    ]
    silent = [h("p", badge(Verdict.FAIL, "agent: "), f" {said}", class_="foot") for said in of.silent.values()]
    head = h("h3", link(of.endpoint.id, "endpoints", of.endpoint.id))
    return h("div", head, body, approvals, silent, review, class_="row-card")


def shares(deployment: Deployment) -> list[tuple[Arm, float]]:
    """Every arm that answers, with its share of all traffic; the shadows are told beside it."""
    held = sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)
    arms = [a for a in deployment.arms if a.weight > 0 and a.role is not ArmRole.SHADOW]
    return [(a, a.weight if a.role is ArmRole.HOLD_OUT else a.weight * (1 - held)) for a in arms]


def split(deployment: Deployment) -> Markup:
    """Who answers with which share of all traffic, as one bar and in words."""
    named = [(a, s, percent(s, 0 if s >= 0.1 else 1)) for a, s in shares(deployment)]
    words = ", ".join(f"{a.name} {text}" for a, _, text in named)
    parts = [h("span", style=f"flex:{s:.4f}", class_=f"arm {_tone(a)}") for a, s, _ in named]
    key = [h("li", h("i", class_=f"arm {_tone(a)}"), f" {a.name} ", h("b", text)) for a, _, text in named]
    bar = h("div", parts, class_="split", role="img", aria_label=f"Traffic: {words}")
    shadows = [a for a in deployment.arms if a.role is ArmRole.SHADOW and a.weight > 0]
    said = ", ".join(f"{a.name} scores {percent(a.weight, 0)} of the answered units besides" for a in shadows)
    return h("div", bar, h("ul", key, class_="key"), h("p", f"Shadow: {said}.", class_="dim") if said else None)


def _tone(arm: Arm) -> str:
    return arm.role.value


def _work(found: Picture) -> Markup:
    items, total = found.work_items, found.totals.open_work
    if not items:
        return card("Open work", empty("No defect is waiting to be mended."), name="open-work")
    rows = [
        h(
            "li",
            h("span", item.defect.value.replace("-", " "), class_="defect"),
            " of ",
            version_link(item.version),
            h("br"),
            h("span", f"back to {item.step.value}; closed by passing {item.re_entry} again", class_="dim"),
        )
        for item in reversed(items)
    ]
    rest = h("p", link(f"All {total:,} work items", "work")) if total > len(items) else None
    return card("Open work", h("ul", rows, class_="work-list"), rest, name="open-work")
