"""The circuit of an arm: when it opens, what is answered meanwhile, and how it closes again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import numpy as np
import pytest

from roadworthy.domain.errors import SettingError, UnavailableError
from roadworthy.domain.serving import ArmRole, DecisionStatus
from roadworthy.gateway.breaker import Breaker, BreakerRule, Circuit, Guarded
from roadworthy.gateway.request import Limits
from roadworthy.gateway.resolve import Health

RULE = BreakerRule(failures=3, window_s=10.0, open_s=5.0, call_s=2.0)


@dataclass
class Hand:
    """A clock somebody turns."""

    at: float = 100.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Moody:
    """A model that answers, raises, or waits for a test."""

    fails: bool = False
    waits: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False
    asked: int = 0

    def predict(self, columns: Any) -> Any:
        self.asked += 1
        if self.hangs:
            self.waits.wait(10)
        if self.fails:
            raise RuntimeError("out of order")
        return np.full(len(columns["age"]), 0.5)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def call(breaker: Breaker, hand: Hand, *, well: bool, took: float = 0.0) -> bool:
    """One call; whether it was made."""
    if not breaker.enter():
        return False
    hand.at += took
    breaker.left(well=well)
    return True


def test_it_opens_at_so_many_failures_in_a_window_and_refuses(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    assert [call(breaker, hand, well=False) for _ in range(4)] == [True, True, True, False]
    assert (breaker.circuit, breaker.retry_after_s) == (Circuit.OPEN, 5)


def test_failures_of_different_windows_do_not_add_up(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    for _ in range(10):
        assert call(breaker, hand, well=False)
        hand.at += 6
    assert breaker.circuit is Circuit.CLOSED


def test_a_few_failures_among_many_answers_do_not_open_it(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    for i in range(40):
        assert call(breaker, hand, well=i % 3 > 0)
    assert breaker.circuit is Circuit.CLOSED


def test_one_call_that_takes_too_long_opens_it(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    call(breaker, hand, well=True, took=2.5)
    assert breaker.circuit is Circuit.OPEN


def test_it_counts_as_open_while_a_call_hangs(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    assert breaker.enter()
    assert not breaker.stuck
    hand.at += 2.5
    assert (breaker.stuck, breaker.circuit) == (True, Circuit.OPEN)


@pytest.mark.parametrize(("well", "after"), [(True, Circuit.CLOSED), (False, Circuit.OPEN)], ids=["mended", "not"])
def test_after_a_while_one_call_tries_again_and_decides(hand: Hand, well: bool, after: Circuit) -> None:
    seen: list[Circuit] = []
    breaker = Breaker(RULE, hand, seen.append)
    for _ in range(3):
        call(breaker, hand, well=False)
    hand.at += 5
    assert breaker.enter()
    assert (breaker.circuit, breaker.enter()) == (Circuit.HALF_OPEN, False)
    breaker.left(well=well)
    assert breaker.circuit is after
    assert seen == [Circuit.OPEN, Circuit.HALF_OPEN, after]


def test_a_call_that_still_hangs_bars_the_probe(hand: Hand) -> None:
    breaker = Breaker(RULE, hand)
    assert breaker.enter()
    breaker.failed(at_once=True)
    hand.at += 60
    assert not breaker.enter()
    breaker.left(well=True)
    hand.at += 5
    assert breaker.enter()


@pytest.mark.parametrize("name", ["failures", "window_s", "open_s", "call_s"])
def test_a_rule_that_could_never_open_or_close_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        BreakerRule(**{name: 0})


def test_a_model_asked_aside_that_hangs_costs_its_callers_half_a_call_once(hand: Hand) -> None:
    model = Moody(hangs=True)
    guarded = Guarded(model, Breaker(BreakerRule(call_s=0.1), hand)).placed(aside=True)
    with pytest.raises(UnavailableError, match="did not answer within"):
        guarded.predict({"age": [1]})
    with pytest.raises(UnavailableError, match="circuit is open"):
        guarded.predict({"age": [1]})
    assert model.asked == 1
    model.waits.set()


def test_what_a_model_asked_aside_raises_is_raised_to_whoever_asked(hand: Hand) -> None:
    guarded = Guarded(Moody(fails=True), Breaker(RULE, hand)).placed(aside=True)
    with pytest.raises(RuntimeError, match="out of order"):
        guarded.predict({"age": [1]})


def test_the_matrix_way_of_a_model_is_kept_and_guarded(hand: Hand) -> None:
    class Quick(Moody):
        def predict_matrix(self, rows: Any) -> Any:
            raise RuntimeError("out of order")

    guarded = Guarded(Quick(), Breaker(RULE, hand))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            guarded.predict_matrix([[1.0]])
    with pytest.raises(UnavailableError, match="circuit is open"):
        guarded.predict_matrix([[1.0]])
    assert not hasattr(Guarded(Moody(), Breaker(RULE, hand)), "predict_matrix")


@pytest.fixture
def moody_world(make_world: Callable[..., Any]) -> Iterator[tuple[Any, dict[str, Moody], Hand]]:
    """A canary at half the traffic whose two models do as a test says."""
    world = make_world(Limits(breaker_failures=3, deadline_s=0.4), now=(turned := Hand()))
    models: dict[str, Moody] = {}

    world.instead = lambda arm: models.setdefault(arm.version, Moody())
    world.publish(world.canary(0.5))
    world.gateway.resolve("offers")
    yield world, models, turned
    for model in models.values():
        model.waits.set()


def ask(world: Any, n: int, name: str = "r") -> list[Any]:
    return [world.gateway.infer("offers", world.body([40], [f"u{i}"], id=f"{name}{i}")) for i in range(n)]


def test_the_champion_answers_for_a_challenger_that_is_not_asked_and_the_propensity_stays(moody_world: Any) -> None:
    world, models, hand = moody_world
    models["v2"].fails = True
    answers = ask(world, 40)
    mine = [d for d in world.decisions() if d.arm == "challenger"]
    assert models["v2"].asked == 3
    assert len(mine) > 10
    assert all(a.versions == ("v1",) for a in answers)
    assert {d.status for d in mine} == {DecisionStatus.FAILED}
    assert {d.propensity for d in mine} == {0.5}
    assert sum(a.fallback == (True,) for a in answers) == len(mine)
    assert "circuit is open" in mine[-1].error
    assert 'roadworthy_circuit{endpoint="offers",version="v2"} 1' in world.gateway.metrics.text()
    health = world.gateway.resolver.endpoint_health("offers")
    assert (health.health, health.reason) == (Health.DEGRADED, "the circuit of v2 is open")
    models["v2"].fails = False
    hand.at += 6
    assert world.gateway.resolver.endpoint_health("offers").health is Health.SERVING
    assert {a.versions for a in ask(world, 40, "later")} == {("v1",), ("v2",)}
    assert world.gateway.resolver.endpoint_health("offers").health is Health.SERVING


def test_a_challenger_that_hangs_is_answered_for_and_asked_no_more(moody_world: Any) -> None:
    world, models, _ = moody_world
    models["v2"].hangs = True
    answers = ask(world, 20)
    assert models["v2"].asked == 1
    assert {a.versions for a in answers} == {("v1",)}


def test_a_champion_whose_circuit_is_open_is_503_with_retry_after_at_once(moody_world: Any) -> None:
    world, models, _ = moody_world
    models["v1"].fails = models["v2"].fails = True

    async def conversation(client: httpx.AsyncClient) -> list[httpx.Response]:
        path = "/v2/models/offers/infer"
        return [
            await client.post(
                path, content=world.body(units=[f"u{i}"]), headers={"content-type": "application/json"}
            )
            for i in range(20)
        ]

    replies = world.talk(conversation)
    assert {r.status_code for r in replies} == {503}
    assert models["v1"].asked <= 6
    assert (replies[-1].headers["retry-after"], replies[-1].json()["fields"]["reason"]) == ("5", "circuit-open")


def test_a_challenger_still_answers_its_own_while_the_champions_circuit_is_open(moody_world: Any) -> None:
    world, models, _ = moody_world
    models["v1"].fails = True
    got = []
    for i in range(40):
        try:
            got.append(world.gateway.infer("offers", world.body([40], [f"u{i}"])).versions[0])
        except UnavailableError as error:
            got.append(str(error.fields["reason"]))
    assert set(got) == {"v2", "model-failed", "circuit-open"}


def test_while_the_champion_hangs_a_request_is_refused_at_the_door(moody_world: Any) -> None:
    world, models, hand = moody_world
    models["v1"].hangs = True
    headers = {"content-type": "application/json"}
    path = "/v2/models/offers/infer"
    mine = next(
        f"u{i}"
        for i in range(50)
        if world.gateway.resolve("offers").assigner.assign(f"u{i}").arm.name == "champion"
    )

    async def conversation(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        first = await client.post(path, content=world.body(units=[mine]), headers=headers)
        hand.at += 1
        second = await client.post(path, content=world.body(units=["another"]), headers=headers)
        models["v1"].waits.set()
        return first, second

    late, refused = world.talk(conversation)
    assert (late.status_code, late.json()["fields"]["reason"]) == (503, "deadline")
    assert (refused.status_code, refused.json()["fields"]["reason"]) == (503, "circuit-open")
    assert int(refused.headers["retry-after"]) >= 1
    assert models["v1"].asked == 1


def test_a_circuit_outlives_a_reload_that_keeps_the_model(moody_world: Any) -> None:
    world, models, _ = moody_world
    models["v2"].fails = True
    ask(world, 20)
    world.publish(replace(world.canary(0.5), revision=2))
    ask(world, 20, "after")
    assert models["v2"].asked == 3
    assert ArmRole.CHALLENGER in {a.arm.role for a in world.gateway.resolve("offers").arms.values()}
