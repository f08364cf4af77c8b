"""One endpoint: who answers, how the rollout went, how much was decided, and what every review found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Decision, DecisionStatus, Deployment, Endpoint, RolloutLook
from roadworthy.domain.storing.query import Page as Listed
from roadworthy.rollout.canary import Action
from roadworthy.rollout.shadow_comparison import Comparison
from roadworthy.rollout.strategies.registry import recipe_of
from roadworthy.services.house import House
from roadworthy.services.serve.plan import current_deployment
from roadworthy.services.serve.shadows import ShadowReport, reports_of
from roadworthy.services.watch.lists import page_of
from roadworthy.web.ui.charts import HELD, SERIES, lines, stacked
from roadworthy.web.ui.layout import Ask, Block, Chart, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views.board import split
from roadworthy.web.ui.views.reviews import MAX_REVIEWS, failures, review_blocks, review_charts
from roadworthy.web.ui.views.value import Books, charts
from roadworthy.web.ui.words import (
    between,
    card,
    command,
    count,
    day,
    empty,
    facts,
    icon,
    moment,
    more,
    next_page,
    percent,
    table,
    version_link,
)

MAX_DECISIONS = 20_000
"""Decisions read for the chart; of a busier endpoint the newest."""

MAX_SLICES = 20
"""Slices of the log that are read, going back and growing, until there are enough decisions."""

FIRST_SLICE_DAYS = 30

MAX_BUCKETS = 90

MAX_LOOKS = 12

MARKS = {
    Action.ADVANCE.value: "pass",
    Action.PROMOTE.value: "pass",
    Action.HOLD.value: "running",
    Action.PAUSE.value: "inconclusive",
    Action.ROLL_BACK.value: "fail",
}
"""The shape beside each action of a rollout."""

SHOWN, MAX_LINES = 25, 500
"""Deployments on a page; newest lines of the ledger that are drawn."""

FLOOR = 1e-3
"""E-values are drawn no lower than this."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is recorded about one endpoint: of deployments and reviews the page that is asked for, of the ledger the
    newest lines. All but `history` and `reviewed` are oldest first; `begun` is when it first served.
    """

    endpoint: Endpoint
    current: Deployment | None
    deployments: tuple[Deployment, ...]
    looks: tuple[tuple[Deployment, tuple[RolloutLook, ...]], ...]
    reviews: tuple[ReviewRun, ...]
    ledger: tuple[LedgerEntry, ...]
    history: Listed[Deployment]
    reviewed: Listed[ReviewRun]
    begun: datetime | None


def build(site: Site, ask: Ask) -> Page:
    """The page of `/endpoints/{endpoint}`."""
    house = house_of(site)
    found = _story(house, ask.path["endpoint"], ask.query)
    decisions = _recent(house, found)
    blocks: list[Block] = [Text("head", _head(found))]
    blocks += [_look_chart(d, looks) for d, looks in found.looks[-2:][::-1]]
    if found.looks:
        blocks.append(Text("rollouts", _look_list(found), "half" if len(found.looks) == 1 else "full"))
    blocks += [Text(f"shadow-{r.arm}", _shadow(r), "half") for r in _shadows(house, found)]
    chart = _decision_chart(decisions)
    blocks += [chart] if chart else [Text("decisions", _no_decision(found), "half")]
    blocks += review_charts(found.reviews)
    blocks += charts(Books(found.endpoint, found.ledger), "half")
    blocks += review_blocks(found.endpoint.id, found.reviews)
    older = next_page(f"/endpoints/{found.endpoint.id}", ask.query, found.reviewed.next, "reviews")
    if older is not None:
        blocks.append(Text("older-reviews", h("section", older, class_="card")))
    blocks.append(Text("failures", failures(decisions, found.reviews)))
    blocks.append(Text("history", _history(found, ask.query)))
    return Page(found.endpoint.id, tuple(blocks))


def _story(house: House, name: str, query: Mapping[str, str]) -> Story:
    with house.store.read() as tx:
        endpoint = tx.of(Endpoint).get(name)
        history = page_of(tx, Deployment, limit=SHOWN, cursor=query.get("deployments", ""), endpoint=name)
        reviewed = page_of(tx, ReviewRun, limit=MAX_REVIEWS, cursor=query.get("reviews", ""), endpoint=name)
        lines = tx.of(LedgerEntry).find(endpoint=name, newest_first=True, limit=MAX_LINES)
        deployments, first = history.items[::-1], tx.of(Deployment).find(endpoint=name, limit=1)
        looks = ((d, tuple(tx.of(RolloutLook).find(deployment=d.id))) for d in deployments)
        return Story(
            endpoint=endpoint,
            current=current_deployment(tx, name),
            deployments=deployments,
            looks=tuple(x for x in looks if x[1]),
            reviews=reviewed.items[::-1],
            ledger=tuple(lines[::-1]),
            history=history,
            reviewed=reviewed,
            begun=first[0].created_at if first else None,
        )


def _shadows(house: House, of: Story) -> list[ShadowReport]:
    return reports_of(house, of.current) if of.current else []


def _recent(house: House, of: Story) -> list[Decision]:
    """The newest decisions, read backwards in growing slices from the last moment anything is known of."""
    if of.begun is None:
        return []
    begun = of.begun
    until = house.clock.now() + timedelta(seconds=1)
    since = max(begun, _last_known(of) - timedelta(days=FIRST_SLICE_DAYS))
    width = timedelta(days=FIRST_SLICE_DAYS)
    found: list[Decision] = []
    for _ in range(MAX_SLICES):
        part = house.decisions.read(of.endpoint.id, since=since, until=until)
        found = part[-(MAX_DECISIONS - len(found)) :] + found
        if since <= begun or len(found) >= MAX_DECISIONS:
            break
        width *= 8 if len(part) < MAX_DECISIONS // 8 else 1
        since, until = max(begun, since - width), since
    return found


def _last_known(of: Story) -> datetime:
    """The last moment something is recorded about this endpoint; its traffic may have ended long ago."""
    moments = [d.stage_since or d.created_at for d in (*of.deployments, of.current) if d is not None]
    return max([*moments, *[r.until for r in of.reviews], *[x.at for _, looks in of.looks for x in looks]])


def _head(of: Story) -> Markup:
    name, current = of.endpoint.id, of.current
    stands = current.state.value.replace("-", " ") if current else "nothing deployed"
    title = h("div", h("h1", name), h("span", stands, class_="state"), class_="card-head")
    about: dict[str, Child] = {
        "Decision point": of.endpoint.decision_point,
        "Use case": of.endpoint.use_case,
        "Address": h("code", f"/v2/models/{name}/infer"),
    }
    if current is None:
        how = ("Put an activated version in front of it: ", command("deploy VERSION", "--endpoint", name), ".")
        return h("section", title, facts(about), empty("No version answers here yet.", *how), class_="card")
    held = next((a.weight for a in current.arms if a.role.value == "hold-out"), 0.0)
    acts = "acts on all of them" if current.holdout_acts else "acts on none of them"
    about |= {
        "Strategy": f"{current.strategy.value}: {recipe_of(current).title}",
        "Deployment": [h("code", current.id), f", revision {current.revision}, by {current.created_by}, ",
                       moment(current.created_at)],
        "Hold-out": f"{percent(held)} of units, at random; the business {acts}" if held else
        "none: value is not measurable",
    }  # fmt: skip
    why = h("p", current.reason, class_="next") if current.reason else None
    return h("section", title, split(current), why, facts(about), class_="card")


def _look_chart(deployment: Deployment, looks: Sequence[RolloutLook]) -> Chart:
    last = looks[-1]
    labels = [str(n) for n in range(1, len(looks) + 1)]
    says = (
        f"{deployment.id}, {count(len(looks), 'look')}: harm E ended at {number(last.harm_e)}, safety E at "
        f"{number(last.safety_e)}, proof at {number(last.threshold)}. The last look said: {last.reason}"
    )
    options = lines(
        labels,
        [
            ("harm E (peak)", [_drawable(x.harm_e) for x in looks], "var(--bad)"),
            ("safety E", [_drawable(x.safety_e) for x in looks], "var(--good)"),
        ],
        marks=((f"proof: {number(last.threshold)}", last.threshold),),
        log=True,
    )
    return Chart(f"looks-{deployment.id}", f"Rollout looks: {deployment.id}", says, options, 280, "half")


def _drawable(e: float) -> float:
    return min(max(e, FLOOR), 1e12)


def _look_list(of: Story) -> Markup:
    """What looking at the rollouts has moved, newest first; waiting is told only when it is the last word."""
    told = [
        (d, x)
        for d, looks in of.looks[::-1]
        for x in looks[::-1]
        if x.action != Action.HOLD.value or x is looks[-1]
    ]
    return card(
        "Rollout decisions", h("ul", [_look(*t) for t in told[:MAX_LOOKS]], class_="work-list"), name="moves"
    )


def _look(deployment: Deployment, look: RolloutLook) -> Markup:
    failed = ", ".join(f"{arm} {look.failures.get(arm, 0)} of {n:,}" for arm, n in look.requests.items())
    return h(
        "li",
        icon(MARKS.get(look.action, "none")),
        h("b", f" {look.action.replace('_', ' ')} at {percent(look.share)} "),
        moment(look.at),
        h("span", f" {deployment.id}", class_="dim"),
        h("p", look.reason),
        h("p", f"failed: {failed}", class_="numbers"),
    )


def _shadow(report: ShadowReport) -> Markup:
    """What a shadow would have answered, beside what was answered."""
    seen = report.comparison
    title = f"Shadow: {report.version} beside {report.champion}"
    if seen.agreement is None:
        failed = f" It failed on {seen.failed:,} rows." if seen.failed else ""
        return card(title, empty(f"No row was scored by both yet.{failed}"), name=f"shadow-{report.arm}")
    return card(title, facts(_beside(report, seen, seen.agreement)), name=f"shadow-{report.arm}")


def _beside(report: ShadowReport, seen: Comparison, agreement: float) -> dict[str, Child]:
    about: dict[str, Child] = {
        "Version": version_link(report.version),
        "Scores": f"{percent(report.share)} of the answered units; {seen.pairs:,} rows so far, {seen.failed:,} failed",
        "Would do the same": f"{percent(agreement, 1)}, {between(seen.agreement_interval)}",
        "Would act alone": f"the shadow on {seen.only_shadow:,} rows, the champion on {seen.only_champion:,}",
        "Difference of the scores": f"median {number(seen.differences[2])}, 90 % between "
        f"{number(seen.differences[0])} and {number(seen.differences[-1])}, "
        f"largest {number(seen.largest_difference or 0.0)}",
    }
    if seen.champion_ms and seen.shadow_ms:
        about["Time"] = (
            f"the champion's answers: median {seen.champion_ms[0]:.1f} ms from arrival; "
            f"the shadow's predict of a batch: median {seen.shadow_ms[0]:.1f} ms"
        )
    return about


def _no_decision(of: Story) -> Markup:
    how = ("Send some: ", command("predict FILE", "--endpoint", of.endpoint.id), ".")
    return card("Decisions", empty("Nothing was decided here yet.", *how), name="decisions")


def _decision_chart(decisions: Sequence[Decision]) -> Chart | None:
    if not decisions:
        return None
    span = decisions[-1].at - decisions[0].at
    unit, form = _bucket(span)
    arms = list(dict.fromkeys(d.arm for d in decisions))
    counted: dict[str, Counter[str]] = {}
    for d in decisions:
        counted.setdefault(d.at.strftime(form), Counter())[d.arm] += 1
    labels = list(counted)[-MAX_BUCKETS:]
    held = {d.arm for d in decisions if d.status is DecisionStatus.HELD_OUT}
    colours = iter(SERIES * (1 + len(arms) // len(SERIES)))
    series = [(a, [counted[x][a] for x in labels], HELD if a in held else next(colours)) for a in arms]
    total = Counter(d.arm for d in decisions)
    words = ", ".join(f"{a} {n:,}" for a, n in total.most_common())
    newest = "the newest " if len(decisions) >= MAX_DECISIONS else ""
    says = f"{newest}{len(decisions):,} decisions, {_from_to(decisions)}: {words}."
    options = stacked(labels, series)
    return Chart("decisions", f"Decisions per {unit}, by arm", says[:1].upper() + says[1:], options, 280, "half")


def _bucket(span: timedelta) -> tuple[str, str]:
    if span <= timedelta(days=3):
        return "hour", "%m-%d %H:00"
    return ("day", "%Y-%m-%d") if span <= timedelta(days=MAX_BUCKETS) else ("month", "%Y-%m")


def _from_to(decisions: Sequence[Decision]) -> str:
    first, last = decisions[0].at, decisions[-1].at
    return f"{_name(first)} to {_name(last)}"


def _name(at: datetime) -> str:
    return day(at)


def _history(of: Story, query: Mapping[str, str]) -> Markup:
    if not of.deployments:
        return card("Deployments", empty("None yet."), name="deployments")
    rows: list[list[Child]] = [
        [
            d.id,
            d.state.value.replace("-", " "),
            d.strategy.value,
            ", ".join(f"{a.name} {percent(a.weight)}" for a in d.arms),
            str(d.revision),
            d.created_by,
            moment(d.created_at),
            d.reason or "none given",
        ]
        for d in of.deployments[::-1]
    ]
    columns = ("Deployment", "State", "Strategy", "Arms", "Revision", "By", "Created", "Reason")
    return h(
        "section",
        more(f"{count(of.history.total, 'deployment')} so far", table("Deployments", columns, rows)),
        next_page(f"/endpoints/{of.endpoint.id}", query, of.history.next, "deployments"),
        class_="card",
    )
