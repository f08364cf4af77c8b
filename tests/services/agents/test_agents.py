"""Agents: what they report is on record once, and their silence is a finding until they are heard of again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from simulated_offers import INPUTS, simulate
from small_playbooks import playbook
from small_world import ENDPOINT, V1, World, at

from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    DataError,
    NotAllowedError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.gate import Gate
from roadworthy.domain.returns import DefectKind, WorkItemState
from roadworthy.domain.review import ReviewRun
from roadworthy.domain.serving import Agent, DecisionStatus
from roadworthy.domain.verdict import Verdict
from roadworthy.services.agents.registry import register_agent, retire_agent
from roadworthy.services.agents.reports import Life, Told, take_report
from roadworthy.services.agents.silence import look_for_silence
from roadworthy.services.watch.status import status
from roadworthy.services.watch.trace import trace


def told(world: World, rows: int = 3, seed: int = 5, **changes: Any) -> list[Told]:
    """What an application elsewhere decided about some customers."""
    frame, _ = simulate(rows, seed)
    return [
        replace(Told(f"e{seed}-{n}", f"u{n}", inputs, 0.4, n % 2 == 0, world.clock.now(), 3.0), **changes)
        for n, inputs in enumerate(frame.select(INPUTS).rows())
    ]


def report(world: World, rows: list[Told], life: Life | None = None, by: str = "omar") -> Any:
    return take_report(world.house, world.who(by), "edge", rows, life or Life())


@pytest.fixture
def world() -> World:
    """A version that is activated, deployed nowhere, and watched by the agent `edge`."""
    found = at("activated")
    register_agent(found.house, found.who("omar"), "edge", ENDPOINT, V1, 60.0)
    return found


def test_what_an_agent_reports_is_in_the_log_marked_as_its_own(world: World) -> None:
    rows = told(world)
    assert report(world, rows).decisions == 3
    logged = world.house.decisions.read(ENDPOINT)
    assert [(d.request_id, d.inputs, d.score, d.acted) for d in logged] == [
        (t.request_id, dict(t.inputs), t.score, t.acted) for t in rows
    ]
    assert {(d.agent, d.version, d.status, d.propensity) for d in logged} == {
        ("edge", V1, DecisionStatus.SCORED, 1.0)
    }
    (found,) = trace(world.house, "e5-0")
    assert (found.decision.agent, found.version.id if found.version else "") == ("edge", V1)


def test_a_report_sent_twice_is_kept_once(world: World) -> None:
    rows = told(world)
    report(world, rows)
    world.clock.advance(timedelta(seconds=5))
    report(world, rows)
    assert len(world.house.decisions.read(ENDPOINT)) == 3


def test_a_failed_decision_is_one_with_its_reason(world: World) -> None:
    report(world, told(world, 1, score=None, error="the library raised"))
    (decision,) = world.house.decisions.read(ENDPOINT)
    assert (decision.status, decision.error, decision.score) == (DecisionStatus.FAILED, "the library raised", None)


def without(told_: Told, column: str) -> Told:
    return replace(told_, inputs={k: v for k, v in told_.inputs.items() if k != column})


BAD: dict[str, tuple[Any, str]] = {
    "a score beyond 1": (lambda t: replace(t, score=1.5), "score"),
    "a score that is no number": (lambda t: replace(t, score=float("nan")), "score"),
    "neither score nor reason": (lambda t: replace(t, score=None), "error"),
    "no request id": (lambda t: replace(t, request_id=""), "request_id"),
    "a unit id far too long": (lambda t: replace(t, unit_id="x" * 257), "unit_id"),
    "a time without a zone": (lambda t: replace(t, at=t.at.replace(tzinfo=None)), "at"),
    "a time to come": (lambda t: replace(t, at=t.at + timedelta(hours=1)), "at"),
    "a negative latency": (lambda t: replace(t, latency_ms=-1.0), "latency_ms"),
    "an unknown column": (lambda t: replace(t, inputs={**t.inputs, "x": 1}), "inputs"),
    "a missing column": (lambda t: without(t, INPUTS[0]), "inputs"),
    "a list for a value": (lambda t: replace(t, inputs={**t.inputs, INPUTS[0]: [1]}), f"inputs.{INPUTS[0]}"),
    "a number beyond all": (
        lambda t: replace(t, inputs={**t.inputs, INPUTS[0]: 10**400}),
        f"inputs.{INPUTS[0]}",
    ),
}


@pytest.mark.parametrize(("spoil", "field"), BAD.values(), ids=BAD)
def test_a_decision_that_cannot_be_one_is_refused_with_all_of_its_report(
    world: World, spoil: Any, field: str
) -> None:
    rows = told(world)
    rows[1] = spoil(rows[1])
    with pytest.raises(DataError) as caught:
        report(world, rows)
    assert (caught.value.fields["row"], caught.value.fields["field"]) == (1, field)
    assert world.house.decisions.read(ENDPOINT) == []
    assert world.all(Agent)[0].seen_at is None


def test_only_whoever_may_report_reports_and_registers(world: World) -> None:
    with pytest.raises(NotAllowedError):
        report(world, told(world), by="dan")
    with pytest.raises(NotAllowedError):
        register_agent(world.house, world.who("ada"), "other", ENDPOINT, V1, 60.0)


def test_an_agent_has_a_name_of_its_own_a_version_of_the_use_case_and_a_rhythm(world: World) -> None:
    omar = world.who("omar")
    with pytest.raises(AlreadyExistsError):
        register_agent(world.house, omar, "edge", ENDPOINT, V1, 60.0)
    with pytest.raises(SettingError):
        register_agent(world.house, omar, "other", ENDPOINT, V1, 0.5)
    with pytest.raises(NotFoundError):
        register_agent(world.house, omar, "other", ENDPOINT, "offers:9", 60.0)


def test_a_retired_agent_reports_nothing_and_is_never_silent(world: World) -> None:
    retire_agent(world.house, world.who("omar"), "edge", "the site was closed")
    with pytest.raises(ConflictError):
        report(world, told(world))
    with pytest.raises(ConflictError):
        retire_agent(world.house, world.who("omar"), "edge", "again")
    world.clock.advance(timedelta(days=1))
    assert look_for_silence(world.house) == []


@pytest.mark.parametrize(("seconds", "silent"), [(180, False), (181, True)], ids=["just in time", "just late"])
def test_an_agent_is_silent_after_three_times_as_long_as_agreed(world: World, seconds: int, silent: bool) -> None:
    report(world, [])
    world.clock.advance(timedelta(seconds=seconds))
    assert bool(look_for_silence(world.house)) is silent
    shown = status(world.house).endpoints[0].silent
    assert list(shown) == (["edge"] if silent else [])


def test_silence_is_one_work_item_that_ends_when_the_agent_is_heard_of_again(world: World) -> None:
    world.clock.advance(timedelta(minutes=10))
    first = look_for_silence(world.house)
    before = len(world.changes())
    assert look_for_silence(world.house) == first
    assert len(world.changes()) == before
    (item,) = world.work()
    assert (item.defect, item.re_entry, item.version) == (DefectKind.OPERATIONS_GAP, "activation", V1)
    assert "agent 'edge' is silent since it was registered" in item.summary
    report(world, [])
    assert look_for_silence(world.house) == []
    assert world.work()[0].state is WorkItemState.CLOSED
    world.clock.advance(timedelta(minutes=10))
    (again,) = look_for_silence(world.house)
    assert (again.id, again.reopened) == (item.id, 1)


def test_a_review_says_who_is_silent_and_reviews_what_was_reported(world: World) -> None:
    report(world, told(world, 200))
    world.clock.advance(timedelta(minutes=10))
    run: ReviewRun = world.review()
    (signal,) = [s for s in run.signals if s.monitor == "agents"]
    assert (signal.subject, signal.verdict, run.version, run.decisions) == ("edge", Verdict.FAIL, V1, 200)
    assert DefectKind.OPERATIONS_GAP in {i.defect for i in world.work()}
    report(world, [], Life(lost=2))
    later: ReviewRun = world.review()
    (signal,) = [s for s in later.signals if s.monitor == "agents"]
    assert (signal.verdict, signal.rows) == (Verdict.WARN, 2)
    assert [i.state for i in world.work() if i.defect is DefectKind.OPERATIONS_GAP] == [WorkItemState.CLOSED]


def test_the_audit_of_telemetry_fails_while_an_agent_is_silent() -> None:
    world = at("handed-off")
    register_agent(world.house, world.who("omar"), "edge", ENDPOINT, V1, 60.0)
    world.clock.advance(timedelta(minutes=10))
    run = world.gate(V1, Gate.ACTIVATION, playbook("A5:telemetry"))
    (finding,) = [f for f in run.findings if f.check == "telemetry"]
    assert (finding.verdict, finding.reasons) == (Verdict.FAIL, ("agent-silent:edge",))
