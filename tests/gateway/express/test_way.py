"""The short way does what the long way does, or leaves the request to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import RoadworthyError, StorageUnavailableError
from roadworthy.domain.model import ColumnLimit
from roadworthy.domain.serving import ArmRole, Decision, Deployment
from roadworthy.domain.storing.log import REDACTED, LogRules
from roadworthy.domain.trust import Licence
from roadworthy.gateway.express.line import Row
from roadworthy.gateway.protocol.codec import encode

Worlds = Callable[..., Any]


def quick(world: Any, bodies: Sequence[bytes]) -> list[bytes | RoadworthyError | None]:
    """What the short way says to some bodies that arrive together; None: it leaves them to the long way."""
    way = world.gateway.express(world.gateway.resolve("offers"))
    assert way is not None
    read = [way.read(body, 0.0) for body in bodies]
    rows = [row for row in read if row is not None]
    said = iter(world.gateway.hurry(way, rows))
    return [None if row is None else next(said) for row in read]


def slow(world: Any, body: bytes) -> bytes | None:
    """What the long way says; None: it refuses."""
    try:
        return encode(world.gateway.infer("offers", body))[0]
    except RoadworthyError:
        return None


def alike(decision: Decision) -> Decision:
    """A decision without what may differ: how long it took."""
    return replace(decision, latency_ms=0.0)


def body(age: Any = 40, balance: Any = 1.5, job: Any = "clerk", married: Any = True, **top: Any) -> bytes:
    """One row of the world's four columns."""
    columns = [
        ("age", "INT64", age),
        ("balance", "FP64", balance),
        ("job", "BYTES", job),
        ("married", "BOOL", married),
    ]
    inputs = [{"name": n, "shape": [1], "datatype": t, "data": [v]} for n, t, v in columns]
    made = {"id": "r-1", "inputs": inputs, **top}
    return json.dumps({key: value for key, value in made.items() if value is not None}).encode()


LIMITS = (
    ColumnLimit("age", 20, 60),
    ColumnLimit("balance", high=1e5),
    ColumnLimit("job", categories=("clerk", "x")),
)


def within(plan: Deployment) -> Deployment:
    """A deployment of versions that were declared for less."""
    arms = (replace(a, signature=replace(a.signature, limits=LIMITS)) if a.signature else a for a in plan.arms)
    return replace(plan, arms=tuple(arms))


odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.just(1e308), st.just(3.5e38), st.just([1]), st.just(""),
)  # fmt: skip
shapes = st.sampled_from([[1], [1, 1], [2], [], [0], [1, 2], [1, 1, 1]])
parameters = st.fixed_dictionaries(
    {},
    optional={
        "unit_id": st.one_of(st.text(max_size=4), st.integers(0, 9), st.none(), st.just("u" * 300)),
        "unit_ids": st.lists(st.text(min_size=1, max_size=3), max_size=2),
        "request_ids": st.lists(st.text(min_size=1, max_size=3), max_size=2),
        "binary_data_output": st.booleans(),
    },
)


@st.composite
def bodies(draw: Any) -> bytes:
    """Bodies near a plain request: mostly good, every part sometimes not."""
    made = json.loads(body(draw(st.integers(18, 90)), draw(st.one_of(st.none(), st.floats(-1e6, 1e6)))))
    made["id"] = draw(st.one_of(st.text(min_size=1, max_size=6), st.integers(0, 99)))
    for _ in range(draw(st.integers(0, 2))):
        tensor = draw(st.sampled_from(made["inputs"])) if made["inputs"] else {}
        match draw(st.integers(0, 7)):
            case 0:
                tensor["data"] = [draw(odd)]
            case 1:
                tensor["shape"] = draw(shapes)
            case 2:
                tensor["datatype"] = draw(st.sampled_from(["FP32", "INT8", "BYTES", "BOOL", "FP64", "X"]))
            case 3:
                tensor["name"] = draw(st.sampled_from(["age", "job", "nobody"]))
            case 4:
                made["parameters"] = draw(parameters)
            case 5:
                made["outputs"] = [{"name": "score"}]
            case 6:
                made["inputs"] = made["inputs"][: draw(st.integers(0, 3))]
            case _:
                tensor["data"] = draw(st.sampled_from([[[40]], [], [40, 41]]))
    text = json.dumps(made, ensure_ascii=draw(st.booleans()))
    return (text.replace('"id":', '"id": 7, "id":', 1) if draw(st.integers(0, 15)) == 0 else text).encode()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies(), st.booleans())
def test_it_answers_and_records_what_the_long_way_does_and_refuses_nothing(
    make_world: Worlds, text: bytes, limited: bool
) -> None:
    here, there = make_world(), make_world()
    for world in (here, there):
        plan = world.canary(0.4, holdout=0.2)
        world.publish(within(plan) if limited else plan)
    (said,) = quick(here, [text])
    expected = slow(there, text)
    assert said is None or said == expected
    if said is not None:
        assert list(map(alike, here.decisions())) == list(map(alike, there.decisions()))


def test_plain_requests_do_go_the_short_way(served_world: Any) -> None:
    plain = [
        body(),
        body(id=7),
        body(id="r-2", balance=None),
        body(id="r-3", parameters={"unit_id": "u"}),
        body(id=None, parameters={"unit_id": 3}),
    ]
    assert [type(said) for said in quick(served_world, plain)] == [bytes] * 5


def test_many_at_once_get_the_arms_of_their_units_and_each_its_own_answer(make_world: Worlds) -> None:
    here, there = make_world(), make_world()
    for world in (here, there):
        world.publish(world.canary(0.5, holdout=0.3))
    many = [body(20 + n % 60, float(n), id=f"r-{n}") for n in range(80)]
    assert quick(here, many) == [slow(there, one) for one in many]
    assert {d.arm for d in here.decisions()} == {"champion", "challenger", "hold-out"}
    recorded = {d.request_id: alike(d) for d in there.decisions()}
    assert {d.request_id: alike(d) for d in here.decisions()} == recorded


def test_a_request_id_is_answered_once_and_then_left_to_the_long_way(served_world: Any) -> None:
    first, second = quick(served_world, [body(), body()])
    assert isinstance(first, bytes)
    assert second is None
    assert quick(served_world, [body()]) == [None]
    assert slow(served_world, body()) == first
    assert slow(served_world, body(age=41)) is None
    assert len(served_world.decisions()) == 1


@pytest.mark.parametrize("habit", ["raises", "nan"])
def test_a_model_that_fails_is_left_to_the_long_way_which_falls_back(world: Any, habit: str) -> None:
    world.publish(world.canary(1.0, habit))
    assert quick(world, [body()]) == [None]
    assert world.decisions() == []
    assert b'"fallback":true' in (slow(world, body()) or b"")


def test_what_is_not_in_the_log_is_not_answered(make_world: Worlds) -> None:
    world = make_world()
    world.publish()

    def full(decisions: Any) -> None:
        raise StorageUnavailableError("the disk is full", remedy="Free some.")

    world.log.append = full
    (said,) = quick(world, [body()])
    assert isinstance(said, RoadworthyError)
    assert said.fields["reason"] == "log-refused"
    assert "roadworthy_log_refusals_total" in world.gateway.metrics.text()


def test_rows_somebody_is_not_licensed_for_go_the_long_way(world: Any) -> None:
    world.licences["v1"] = Licence("v1", world.clock.now(), only={"job": ("nurse",)})
    world.publish()
    assert quick(world, [body(job="nurse")]) == [None]


def test_an_approval_with_an_end_goes_the_short_way_until_then(world: Any) -> None:
    end = world.clock.now() + timedelta(days=1)
    world.licences["v1"] = Licence("v1", world.clock.now(), until=end)
    world.publish()
    assert isinstance(quick(world, [body()])[0], bytes)
    world.clock.advance(timedelta(days=1))
    assert quick(world, [body(id="r-2")]) == [None]


def test_arms_that_take_other_columns_have_no_short_way(world: Any) -> None:
    plan = world.canary(0.5)
    fewer = tuple(
        replace(a, signature=replace(a.signature, inputs=a.signature.inputs[:2]))
        if a.role is ArmRole.CHALLENGER
        else a
        for a in plan.arms
    )
    world.publish(replace(plan, arms=fewer))
    assert world.gateway.express(world.gateway.resolve("offers")) is None


@pytest.mark.parametrize("change", [{"age": 19}, {"age": 61}, {"balance": 1e5 + 1}, {"job": "nurse"}])
def test_a_value_outside_what_was_declared_is_left_to_the_long_way_which_refuses_it(
    world: Any, change: Any
) -> None:
    world.publish(within(world.canary(0.5)))
    assert quick(world, [body(**change)]) == [None]
    assert slow(world, body(**change)) is None
    assert isinstance(quick(world, [body(age=60, balance=None, job="clerk")])[0], bytes)


def test_a_deployment_with_a_shadow_has_no_short_way(world: Any) -> None:
    shadow = replace(world.arm("v2", ArmRole.SHADOW, 0.5), name="shadow")
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0), shadow))
    assert world.gateway.express(world.gateway.resolve("offers")) is None


def test_over_http_both_ways_give_one_answer_and_one_count(served_world: Any) -> None:
    async def conversation(client: Any) -> list[Any]:
        path, named = "/v2/models/offers/infer", {"content-type": "application/json"}
        plain = [client.post(path, content=body(id=f"r-{n}"), headers=named) for n in range(30)]
        return [*await asyncio.gather(*plain), await client.post(path, content=body(id="r-3"), headers=named)]

    replies = served_world.talk(conversation)
    assert {r.status_code for r in replies} == {200}
    assert replies[-1].content == replies[3].content
    assert len(served_world.decisions()) == 30
    text = served_world.gateway.metrics.text()
    assert 'roadworthy_requests_total{endpoint="offers",status="200"} 31' in text
    assert 'roadworthy_request_seconds_count{endpoint="offers"} 31' in text
    assert 'roadworthy_decisions_total{endpoint="offers",arm="champion",version="v1",status="scored"} 30' in text


def test_the_numbers_a_model_gets_are_those_of_the_long_way(world: Any) -> None:
    seen: list[Any] = []
    world.publish()
    world.gateway.resolve("offers")
    model = world.models["v1"]
    asked = model.predict
    model.predict = lambda columns: (
        seen.append({n: (c.dtype, c.tolist()) for n, c in columns.items()}),
        asked(columns),
    )[1]
    quick(world, [body(balance=None)])
    slow(world, body(balance=None, id="r-2"))
    assert repr(seen[0]) == repr(seen[1])
    assert np.isnan(seen[0]["balance"][1][0])


def test_a_row_carries_plain_values_in_the_models_order(served_world: Any) -> None:
    way = served_world.gateway.express(served_world.gateway.resolve("offers"))
    row = way.read(body(balance=2), 1.0)
    assert row == Row([40, 2.0, "clerk", True], "r-1", "r-1", named=True, arrived=1.0)
    assert [type(v) for v in row.values] == [int, float, str, bool]


def test_what_is_redacted_is_recorded_by_neither_way(make_world: Worlds) -> None:
    here, there = make_world(), make_world()
    for world in (here, there):
        world.publish()
        world.log.govern("offers", LogRules(redact={"job": "drop", "age": "drop"}))
    assert quick(here, [body()]) == [slow(there, body())] != [None]
    assert [alike(d) for d in here.decisions()] == [alike(d) for d in there.decisions()]
    assert here.decisions()[0].inputs == {"age": REDACTED, "balance": 1.5, "job": REDACTED, "married": True}
