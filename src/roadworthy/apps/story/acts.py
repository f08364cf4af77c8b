"""The acts, in order. Each is a few calls of the platform's API and says what came back."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from roadworthy.apps.story.cast import (
    CALL_COST,
    CAST,
    DEPOSIT_VALUE,
    ENDPOINT,
    HOLD_OUT,
    OPERATOR,
    OWNER,
    SCIENTIST,
    USE_CASE,
    VALUE,
    WIDER_HOLD_OUT,
    Stage,
    hand_in,
    hand_in_with_leak,
    register_data,
    report,
    split,
    through_gates,
)
from roadworthy.apps.story.history import LEAKING, POSITIVE, TARGET, TIME
from roadworthy.apps.story.traffic import LABEL_DELAY_DAYS, Replay
from roadworthy.domain.errors import NotAllowedError, NotIndependentError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.review import ReviewRun, SignalKind
from roadworthy.domain.serving import DeploymentState

RULE: dict[str, Any] = {
    "min_requests": 50,
    "max_failure_rate": 0.06,
    "deadline_h": 24.0 * 60,
    "advance_unproven": True,
}
"""The stopping rule for a campaign of some hundred calls a month."""

SCHEDULE = (0.25, 0.5, 1.0)


def agree(stage: Stage) -> None:
    """Act 1: people, the use case, the KPI contract."""
    stage.tell.act("1. What counts as success, before anything is measured")
    for name, role in CAST.items():
        stage.road.add_person(name, role)
    stage.as_(OWNER).use_case(
        USE_CASE,
        objective="Call the customers for whom a call pays",
        owner=OWNER,
        target=TARGET,
        positive_label=POSITIVE,
        label_delay_days=LABEL_DELAY_DAYS,
        time_column=TIME,
        not_known_at_decision=[*LEAKING],
        segments=["contact"],
        risk_tier="low",
        decision_points=[{"name": "call-list", "kind": "process", "consumer": "the call centre's planning"}],
    )
    parts = split(stage, stage.history.rows("2008-05", "2008-10"), (0.25, 0.15))
    stage.facts["first data"] = (parts, register_data(stage, parts, "2008"))
    agree_target(stage, 0.5, HOLD_OUT)
    stage.as_(OPERATOR).endpoint(ENDPOINT, USE_CASE, "call-list")


def agree_target(stage: Stage, target: float, holdout: float) -> None:
    """The business owner signs a contract."""
    stage.as_(OWNER).agree(
        USE_CASE,
        unit="EUR",
        value=VALUE,
        target=target,
        holdout_share=holdout,
        holdout_acts=True,
        why=f"a target of {target:g} EUR per client, with {holdout:.0%} of clients held out",
        guardrails=[
            {"name": "share called", "expression": "acted", "bound": "at-least", "limit": 0.02, "unit": "share"}
        ],
        unintended=[
            {
                "name": "calls in vain to the over-70s",
                "expression": "CASE WHEN age > 70 AND acted AND outcome = 0 THEN 1 ELSE 0 END",
                "bound": "at-most",
                "limit": 0.05,
                "unit": "share",
            }
        ],
    )
    stage.tell.say(
        f"{OWNER} (business owner) signs: a deposit is worth {DEPOSIT_VALUE} EUR, a call costs {CALL_COST}; "
        f"the model must earn {target:g} EUR per client more than calling everybody; "
        f"{holdout:.0%} of clients stay with that, at random"
    )


def first_version(stage: Stage) -> ModelVersion:
    """Act 2: a draft that leaks is caught; version 1 passes; its developer may not sign it."""
    stage.tell.act("2. Three gates before one customer is touched")
    parts, data = stage.facts["first data"]
    draft = hand_in_with_leak(stage, data, parts.train)
    report(stage, stage.as_(SCIENTIST).validate(draft.id))
    for item in stage.road.work_items(USE_CASE, open_only=True):
        stage.tell.say(f"work item {item.id}: {item.defect.value} -> back to {item.step.value}", "bad")
    version = hand_in(
        stage, data, parts.train, "boosted_trees", name="campaign", parents=[draft.id],
        description="Who is worth a call, from what is known before it.",
    )  # fmt: skip
    stage.facts["draft"], stage.facts["v1"] = draft.id, version.id
    try:
        stage.as_(SCIENTIST).sign(version.id)
    except (NotIndependentError, NotAllowedError) as refusal:
        stage.facts["refusal"] = str(refusal)
        stage.tell.say(f"refused: {refusal.what}", "good")
    through_gates(stage, version, data)
    deployment = stage.as_(OPERATOR).deploy(version.id, ENDPOINT)
    stage.settle()
    stage.tell.say(f"{version.id} answers on {stage.road.url}/v2/models/{ENDPOINT} ({deployment.id})", "good")
    return version


def go_live(stage: Stage, version: ModelVersion) -> Replay:
    """Act 3: the following months as live traffic; the platform reviews each month by itself."""
    stage.tell.act("3. Live: the crisis comes, outcomes arrive a week late")
    replay = Replay(stage, version.signature)
    stage.facts["a call"] = int(stage.history.rows("2008-11", "2008-11")[0])
    for first, last in (("2008-11", "2008-12"), ("2009-03", "2009-04"), ("2009-05", "2009-05")):
        live(stage, replay, first, last)
    return replay


def live(stage: Stage, replay: Replay, first: str, last: str) -> ReviewRun:
    """Some months of traffic, and the review at their end."""
    replay.send(stage.history.rows(first, last), f"calls of {between(first, last)}")
    return close(stage, replay, first, last)


def between(first: str, last: str) -> str:
    """A span of months in words."""
    return first if first == last else f"{first} to {last}"


def close(stage: Stage, replay: Replay, first: str, last: str) -> ReviewRun:
    """Wait for the outcomes of these months, then review them."""
    since = datetime.fromisoformat(f"{first}-01T00:00:00+00:00")
    stage.clock.advance(timedelta(days=LABEL_DELAY_DAYS + 1))
    replay.report_outcomes()
    found = stage.as_(OPERATOR).review(ENDPOINT, since=since, until=stage.clock.now())
    stage.facts.setdefault("reviews", {})[first] = found
    stage.tell.say(
        f"review of {between(first, last)} ({found.decisions} decisions): {found.conclusion}", _mood(found)
    )
    for signal in found.signals:
        if signal.kind is SignalKind.VALUE:
            stage.tell.say(f"  {signal.message}", "money")
    return found


def _mood(found: ReviewRun) -> Any:
    return "good" if found.verdict.lets_through else "bad" if found.verdict.value == "fail" else "info"


def second_version(stage: Stage, first: ModelVersion, replay: Replay) -> ModelVersion:
    """Act 4: retrained on recent months, through the gates, rolled out as a canary."""
    stage.tell.act("4. Version 2: retrained, judged again, a canary first")
    agree_target(stage, 0.15, WIDER_HOLD_OUT)
    parts = split(stage, stage.history.rows("2008-11", "2009-05"), (0.40, 0.20))
    data = register_data(stage, parts, "2009")
    version = hand_in(
        stage, data, parts.train, "boosted_trees", name="campaign", parents=[first.id],
        description="Retrained on the months after the turn.",
    )  # fmt: skip
    stage.facts["v2"] = version.id
    through_gates(stage, version, data)
    stage.as_(OPERATOR).deploy(version.id, ENDPOINT, SCHEDULE)
    stage.settle()
    for month in ("2009-06", "2009-07"):
        replay.send(stage.history.rows(month, month), f"calls of {month}, canary", lambda: step(stage))
        step(stage)
        close(stage, replay, month, month)
    return version


def step(stage: Stage) -> bool:
    """One look at the rollout; tells what it decided. Never stops the traffic."""
    found = stage.as_(OPERATOR).step(ENDPOINT, **RULE)
    if found is not None and found.action != "hold":
        stage.facts.setdefault("looks", []).append(found)
        stage.tell.say(f"rollout: {found.reason}", "bad" if found.action == "roll_back" else "good")
    return False


def broken_version(stage: Stage, second: ModelVersion, replay: Replay) -> ModelVersion:
    """Act 5: a version that passes everything anybody could test, and breaks on a figure nobody had seen."""
    stage.tell.act("5. Version 3 breaks on live traffic and is taken back")
    parts = split(stage, stage.history.rows("2008-11", "2009-05"), (0.40, 0.20))
    data = register_data(stage, parts, "2009-08")
    version = hand_in(
        stage, data, parts.train, "boosted_trees_with_employment_curve", name="campaign", parents=[second.id],
        description="Straightens the employment figure.",
    )  # fmt: skip
    stage.facts["v3"] = version.id
    through_gates(stage, version, data)
    august = stage.history.rows("2009-08", "2009-08")
    replay.send(august[:-150], "calls of 2009-08")
    stage.as_(OPERATOR).deploy(version.id, ENDPOINT, SCHEDULE)
    stage.settle()
    replay.send(august[-150:], "calls of 2009-08, canary")
    step(stage)
    close(stage, replay, "2009-08", "2009-08")
    september = stage.history.rows("2009-09", "2009-09")
    replay.send(september, "calls of 2009-09, canary", lambda: step(stage))
    close(stage, replay, "2009-09", "2009-09")
    now = stage.road.deployments(ENDPOINT)[0]["deployment"]
    if now["state"] == DeploymentState.ROLLED_BACK.value:
        stage.tell.say(f"{version.id} was rolled back by the platform: {now['reason']}", "good")
    return version


def rest_of_the_road(stage: Stage, replay: Replay) -> None:
    """Act 6: the remaining months, and what every version earned."""
    stage.tell.act("6. The rest of the road, and the money")
    for first, last in (("2009-10", "2009-12"), ("2010-03", "2010-06"), ("2010-07", "2010-11")):
        live(stage, replay, first, last)
    rows = []
    newest = {entry.version: entry for entry in stage.road.ledger(ENDPOINT)}
    for entry in newest.values():
        interval = f"{entry.interval.low:.2f} to {entry.interval.high:.2f}" if entry.interval else "-"
        per_unit = "not measurable" if entry.per_unit is None else f"{entry.per_unit:+.2f}"
        total = "-" if entry.total is None else f"{entry.total:+,.0f}"
        rows.append([entry.version, str(entry.units_served), per_unit, interval, total])
    stage.facts["ledger"] = newest
    stage.tell.table(
        "What the model earned over calling everybody, in EUR",
        ["version", "clients", "per client", "95 %", "total"],
        rows,
    )


def dossier(stage: Stage, version: ModelVersion, folder: Path) -> None:
    """The end: all that is recorded about the version that serves, as one signed page."""
    body = {"formats": ["html"]}
    issued = stage.road.ask("POST", f"/versions/{version.id}/dossier", dict[str, Any], body)
    for name, text in issued["files"].items():
        (folder / name).write_bytes(base64.b64decode(text))
        state = (
            "its record holds" if not issued["problems"] else f"{len(issued['problems'])} problems in its record"
        )
        stage.tell.say(f"the dossier of {version.id}: {folder / name}; {state}", "good")
    stage.facts["dossier"] = issued["problems"]
