"""The life-cycle board: where every version stands, what serves, what is open, what was earned."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.serving import Arm, ArmRole, Deployment
from roadworthy.services.watch.status import EndpointStatus, Status, VersionStatus, status
from roadworthy.web.ui.layout import Ask, Page, Text
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views.money import Earned, earned
from roadworthy.web.ui.words import badge, card, command, count, empty, icon, link, number, percent, version_link

GATES = {Gate.VALIDATION: "Validation", Gate.RELEASE: "Release", Gate.ACTIVATION: "Activation"}

ALWAYS = (State.REGISTERED, State.VALIDATED, State.CANDIDATE, State.ACTIVATED, State.RETURNED)
"""Columns that are shown even when nothing stands there; the others appear with their first version."""

SHOWN_PER_COLUMN = 40
"""Newest cards of a column; older ones unfold."""

MAX_ITEMS = 8
"""Open work items beside the board; `/work` has all."""


def build(site: Site, ask: Ask) -> Page:  # noqa: ARG001 - every page is built from the same two
    """The board."""
    found = site.once("status", status)
    if not found.versions and not found.use_cases:
        return Page("Board", (Text("start", _start()),))
    serving = _serving(found.endpoints)
    return Page(
        "Board",
        (
            Text("headline", _headline(found)),
            Text("board", _board(found.versions, serving), "most"),
            Text("beside", Markup(_endpoints(found.endpoints) + _work(found.work_items)), "third stack"),
        ),
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


def _headline(found: Status) -> Markup:
    activated = sum(v.version.state is State.ACTIVATED for v in found.versions)
    total = earned([line for e in found.endpoints for line in e.ledger])
    tiles = [
        _tile(str(activated), "activated", f"of {count(len(found.versions), 'version')}", "/"),
        _tile(str(len(found.work_items)), "open work items" if len(found.work_items) != 1 else "open work item",
              "on their way back to development" if found.work_items else "nothing waits to be mended", "/work"),
        *[_tile(e.amount, "value to date", e.note, "/value") for e in total],
    ]  # fmt: skip
    sentence = f"{activated} activated, {count(len(found.work_items), 'open work item')}, {_value_sentence(total)}"
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


def _board(versions: Sequence[VersionStatus], serving: dict[str, list[str]]) -> Markup:
    columns = []
    for state in State:
        here = [v for v in versions if v.version.state is state]
        if here or state in ALWAYS:
            columns.append(_column(state, here[::-1], serving))
    return h(
        "section",
        h("h2", "Versions by state", class_="quiet"),
        h("div", columns, class_="lanes"),
        aria_label="Versions by state",
    )


def _column(state: State, here: Sequence[VersionStatus], serving: dict[str, list[str]]) -> Markup:
    name = state.value.replace("-", " ").capitalize()
    head = h("h3", h("span", name), h("span", len(here), class_="count"), class_="lane-head")
    cards = [_card(v, serving.get(v.version.id, ())) for v in here[:SHOWN_PER_COLUMN]]
    older = here[SHOWN_PER_COLUMN:]
    rest = h("details", h("summary", f"{len(older)} older"), [_card(v, ()) for v in older]) if older else None
    return h(
        "div",
        head,
        h("div", cards, rest, class_="cards") if here else None,
        class_=f"lane {state.value}" + ("" if here else " vacant"),
        role="group",
        aria_label=f"{name}: {count(len(here), 'version')}",
    )


def _card(of: VersionStatus, serves: Sequence[str]) -> Markup:
    version = of.version
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


def _chip(gate: Gate, name: str, of: VersionStatus) -> Markup:
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


def _endpoints(endpoints: Sequence[EndpointStatus]) -> Markup:
    if not endpoints:
        how = ("Register one: ", command("endpoint churn --use-case churn"), ", then deploy an activated version.")
        return card("Endpoints", empty("No endpoint yet: nothing answers.", *how), name="endpoints")
    return card("Endpoints", [_endpoint(e) for e in endpoints], name="endpoints")


def _endpoint(of: EndpointStatus) -> Markup:
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
    return h("div", h("h3", link(of.endpoint.id, "endpoints", of.endpoint.id)), body, review, class_="row-card")


def shares(deployment: Deployment) -> list[tuple[Arm, float]]:
    """Every arm that answers, with its share of all traffic."""
    held = sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)
    arms = [a for a in deployment.arms if a.weight > 0]
    return [(a, a.weight if a.role is ArmRole.HOLD_OUT else a.weight * (1 - held)) for a in arms]


def split(deployment: Deployment) -> Markup:
    """Who answers with which share of all traffic, as one bar and in words."""
    named = [(a, s, percent(s, 0 if s >= 0.1 else 1)) for a, s in shares(deployment)]
    words = ", ".join(f"{a.name} {text}" for a, _, text in named)
    parts = [h("span", style=f"flex:{s:.4f}", class_=f"arm {_tone(a)}") for a, s, _ in named]
    key = [h("li", h("i", class_=f"arm {_tone(a)}"), f" {a.name} ", h("b", text)) for a, _, text in named]
    bar = h("div", parts, class_="split", role="img", aria_label=f"Traffic: {words}")
    return h("div", bar, h("ul", key, class_="key"))


def _tone(arm: Arm) -> str:
    return arm.role.value


def _work(items: Sequence[WorkItem]) -> Markup:
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
        for item in list(reversed(items))[:MAX_ITEMS]
    ]
    rest = h("p", link(f"All {number(len(items))} work items", "work")) if len(items) > MAX_ITEMS else None
    return card("Open work", h("ul", rows, class_="work-list"), rest, name="open-work")
