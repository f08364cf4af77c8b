"""Shadows: they score what was answered, off the path of every answer, and whatever they do is nobody's answer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scipy.special import expit

from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.domain.errors import NotFoundError, StorageUnavailableError
from roadworthy.domain.serving import ArmRole, Decision, DecisionStatus
from roadworthy.domain.trust import Licence
from roadworthy.gateway.request import Limits


class Picky(MemoryLog):
    """A log that refuses shadows."""

    def append(self, decisions: Any) -> None:
        if any(d.status is DecisionStatus.SHADOW for d in decisions):
            raise StorageUnavailableError("the disk is full", remedy="Free it.")
        super().append(decisions)


def publish(world: Any, weight: float = 1.0, habit: str = "", holdout: float = 0.0) -> None:
    champion = world.arm("v1", ArmRole.CHAMPION, 1.0)
    shadow = world.arm("v2", ArmRole.SHADOW, weight, habit, bias=0.5)
    world.publish(world.deployment(champion, shadow, holdout=holdout))


def ask(world: Any, n: int = 1, first: int = 0) -> list[Any]:
    return [world.gateway.infer("offers", world.body([40], [f"u{i}"], id=f"r{i}")) for i in range(first, first + n)]


def scored(world: Any) -> list[Decision]:
    assert world.gateway.shadows.settle()
    return list(world.log.read("offers", shadows=True))


@pytest.fixture
def gate(world: Any) -> Iterator[threading.Event]:
    """Every predict in a shadow's thread waits for it."""
    opened = threading.Event()

    def wait() -> None:
        if threading.current_thread().name.startswith("shadow-"):
            opened.wait(10)

    world.before_predict = wait
    yield opened
    opened.set()


def test_a_shadow_scores_the_row_that_was_answered_and_answers_nothing(world: Any) -> None:
    publish(world)
    [answer] = ask(world)
    [decision] = scored(world)
    assert (answer.versions, answer.scores) == (("v1",), pytest.approx((expit(0.4),)))
    assert decision.score == pytest.approx(expit(0.9))
    assert (decision.version, decision.request_id, decision.unit_id) == ("v2", "r0", "u0")
    assert (decision.status, decision.acted, decision.propensity) == (DecisionStatus.SHADOW, False, 1.0)
    assert decision.inputs == world.decisions()[0].inputs
    assert decision.latency_ms > 0


def test_what_shadows_scored_is_not_among_the_decisions(world: Any) -> None:
    publish(world)
    ask(world, 3)
    assert len(scored(world)) == 3
    assert [d.status for d in world.decisions()] == [DecisionStatus.SCORED] * 3


def test_a_shadow_scores_its_share_of_units_the_same_ones_every_time(world: Any) -> None:
    publish(world, weight=0.3)
    ask(world, 400)
    first = {d.unit_id for d in scored(world)}
    assert 0.2 < len(first) / 400 < 0.4
    for i in range(400):
        world.gateway.infer("offers", world.body([50], [f"u{i}"], id=f"again{i}"))
    assert {d.unit_id for d in scored(world)} == first


def test_held_out_units_are_not_given_to_a_shadow(world: Any) -> None:
    publish(world, holdout=0.5)
    ask(world, 60)
    answered = {d.unit_id for d in world.decisions() if d.status is DecisionStatus.SCORED}
    assert {d.unit_id for d in scored(world)} == answered
    assert 0 < len(answered) < 60


def test_a_shadow_that_fails_is_recorded_and_nobody_notices(world: Any) -> None:
    publish(world, habit="raises")
    [answer] = ask(world)
    [decision] = scored(world)
    assert answer.fallback == (False,)
    assert (decision.score, decision.error) == (None, "RuntimeError: the model is out of order")


def test_nobody_can_insist_on_a_shadow(world: Any) -> None:
    publish(world)
    with pytest.raises(NotFoundError, match="does not serve"):
        world.gateway.infer("offers", world.body(), version="v2")


def test_rows_a_shadow_is_not_licensed_for_are_not_given_to_it(world: Any) -> None:
    world.licences["v2"] = Licence("v2", world.clock.now(), only={"job": ("pilot",)})
    publish(world)
    ask(world)
    assert scored(world) == []


def test_an_answer_does_not_wait_for_a_shadow_that_hangs(world: Any, gate: threading.Event) -> None:
    publish(world)
    answers = ask(world, 20)
    assert all(answer.versions == ("v1",) for answer in answers)
    assert world.log.read("offers", shadows=True) == []
    gate.set()
    assert len(scored(world)) == 20


def test_a_full_queue_drops_rows_and_counts_them(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(shadow_rows=5))
    opened = threading.Event()
    world.before_predict = lambda: (
        opened.wait(10) and None if threading.current_thread().name.startswith("shadow-") else None
    )
    publish(world)
    ask(world, 30)
    opened.set()
    kept = len(scored(world))
    dropped = world.gateway.metrics.shadow_dropped.value("offers", "shadow", "full")
    assert kept + dropped == 30
    assert 5 <= kept <= 10  # what waits, and at most as much in the batch that hangs
    assert 'roadworthy_shadow_dropped_rows_total{endpoint="offers",arm="shadow",reason="full"}' in (
        world.gateway.metrics.text()
    )


def test_a_log_that_refuses_a_shadow_costs_no_answer(make_world: Callable[..., Any]) -> None:
    world = make_world(log=Picky())
    publish(world)
    ask(world, 2)
    assert scored(world) == []
    assert world.gateway.metrics.shadow_dropped.value("offers", "shadow", "failed") == 2


def test_closing_goes_on_with_what_waits_and_counts_what_it_drops(
    make_world: Callable[..., Any],
) -> None:
    world = make_world(Limits(shadow_drain_s=0.05))
    opened = threading.Event()
    world.before_predict = lambda: (
        opened.wait(10) and None if threading.current_thread().name.startswith("shadow-") else None
    )
    publish(world)
    ask(world, 4)
    world.gateway.close()
    waiting = world.gateway.metrics.shadow_dropped.value("offers", "shadow", "closed")
    opened.set()
    assert world.gateway.shadows.settle()
    assert len(world.log.read("offers", shadows=True)) + waiting == 4


def test_several_shadows_have_queues_of_their_own(world: Any) -> None:
    champion = world.arm("v1", ArmRole.CHAMPION, 1.0)
    arms = [world.arm(v, ArmRole.SHADOW, 1.0, habit, bias=0.5) for v, habit in (("v2", ""), ("v3", "raises"))]
    renamed = [
        type(a)(v, *[getattr(a, f) for f in ("role", "weight", "version", "artifact", "threshold", "signature")])
        for a, v in zip(arms, ("s2", "s3"), strict=True)
    ]
    world.publish(world.deployment(champion, *renamed))
    ask(world, 5)
    assert Counter((d.arm, d.score is None) for d in scored(world)) == {("s2", False): 5, ("s3", True): 5}
