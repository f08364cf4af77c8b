"""The pace of an endpoint, and what is refused for its sake: requests that would be answered too late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from roadworthy.domain.errors import InputError
from roadworthy.gateway.pace import Pace
from roadworthy.gateway.request import Asked, Limits

PATH, JSON = "/v2/models/offers/infer", {"content-type": "application/json"}


def learnt(*batches: tuple[int, float]) -> Pace:
    """A pace after batches of so many rows and seconds."""
    pace = Pace()
    for rows, seconds in batches:
        pace.begin(rows, 0.0)
        pace.end(seconds)
    return pace


def test_an_endpoint_nobody_has_asked_yet_refuses_nobody() -> None:
    assert Pace().expected_s(1000, 1000, 10, 0.0) == 0.0


def test_who_finds_nothing_waiting_is_let_in_however_slow_it_was() -> None:
    assert learnt((1, 100.0)).expected_s(0, 1, 10, 0.0) == 0.0


def test_the_line_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(1, 50, 40)
    seconds = 0.2 + 0.03 * rows + rng.normal(0, 0.01, 40)
    pace = learnt(*zip(rows.tolist(), seconds.tolist(), strict=True))
    slope, base = np.polyfit(rows, seconds, 1, w=np.sqrt(0.95 ** np.arange(39, -1, -1)))
    assert pace.expected_s(95, 5, 10, 0.0) == pytest.approx(10 * base + slope * 100)


def test_batches_of_one_size_expect_too_little_rather_than_too_much() -> None:
    assert learnt(*[(4, 2.0)] * 5).expected_s(4, 4, 8, 0.0) == pytest.approx(2.0)


def test_what_runs_is_waited_for_as_long_as_it_still_takes() -> None:
    pace = learnt((4, 2.0), (4, 2.0))
    pace.begin(4, now=10.0)
    assert pace.expected_s(0, 4, 8, now=11.5) == pytest.approx(2.5)
    assert pace.expected_s(0, 4, 8, now=19.0) == pytest.approx(2.0)


TIMEOUTS = {"none": 0, "negative": -5, "text": "soon", "a fraction": 1.5}


@pytest.mark.parametrize("timeout", TIMEOUTS.values(), ids=TIMEOUTS)
def test_a_timeout_that_is_no_positive_whole_number_is_refused(served_world: Any, timeout: Any) -> None:
    served = served_world.gateway.resolve("offers")
    body = served_world.body(parameters={"unit_id": "u", "timeout": timeout})
    with pytest.raises(InputError) as caught:
        served_world.gateway.admit(served, Asked(body), arrived=0.0)
    assert "timeout" in str(caught.value.fields["field"]) + str(caught.value)


def test_a_request_is_answered_or_refused_within_the_time_its_caller_gives(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(deadline_s=30.0))
    world.publish()
    mended = threading.Event()
    world.before_predict = lambda: mended.wait(10) and None

    async def conversation(client: httpx.AsyncClient) -> httpx.Response:
        body = world.body(parameters={"unit_id": "u", "timeout": 50_000})
        reply = await client.post(PATH, content=body, headers=JSON)
        mended.set()
        return reply

    reply = world.talk(conversation)
    assert (reply.status_code, reply.json()["fields"]["reason"]) == (503, "deadline")
    assert "0.05 s" in reply.json()["error"]


def test_a_caller_may_not_wait_longer_than_the_limit(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(deadline_s=0.1))
    world.publish()
    mended = threading.Event()
    world.before_predict = lambda: mended.wait(10) and None

    async def conversation(client: httpx.AsyncClient) -> httpx.Response:
        body = world.body(parameters={"unit_id": "u", "timeout": 60_000_000})
        reply = await client.post(PATH, content=body, headers=JSON)
        mended.set()
        return reply

    assert world.talk(conversation).status_code == 503


def test_who_would_be_answered_too_late_is_refused_at_the_door(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(deadline_s=30.0, rows_per_batch=1))
    world.publish()
    mended = threading.Event()
    held = threading.Event()

    def slowly() -> None:
        held.wait(0.1)
        if len(world.models["v1"].batches) >= 2:
            mended.wait(10)

    world.before_predict = slowly

    def body(n: int, **more: Any) -> bytes:
        content: bytes = world.body(id=f"r{n}", parameters={"unit_id": f"u{n}", **more})
        return content

    async def conversation(client: httpx.AsyncClient) -> tuple[httpx.Response, list[httpx.Response]]:
        for n in range(2):
            await client.post(PATH, content=body(n, timeout=20_000_000), headers=JSON)
        waiting = [
            asyncio.ensure_future(client.post(PATH, content=body(n, timeout=20_000_000), headers=JSON))
            for n in range(2, 8)
        ]
        while world.gateway.metrics.waiting.value("offers") < 5:
            await asyncio.sleep(0)
        refused = await client.post(PATH, content=body(99, timeout=150_000), headers=JSON)
        mended.set()
        return refused, list(await asyncio.gather(*waiting))

    refused, others = world.talk(conversation)
    assert (refused.status_code, refused.json()["fields"]["reason"]) == (429, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert {r.status_code for r in others} == {200}
    assert world.gateway.metrics.shed.value("offers") == 1
    assert "r99" not in {d.request_id for d in world.decisions()}
