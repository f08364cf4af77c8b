"""Under load: natural batches, shedding, deadlines, hot reload, draining."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx

from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.request import Limits

PATH = "/v2/models/offers/infer"


async def until(happened: Callable[[], bool]) -> None:
    """Let the loop run until something happened."""
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0)


def held_back(world: Any) -> threading.Event:
    """The model waits for the returned event."""
    go = threading.Event()
    world.before_predict = lambda: go.wait(10)
    world.gateway.resolve("offers")
    return go


def post(client: httpx.AsyncClient, world: Any, number: int, **top: Any) -> asyncio.Task[httpx.Response]:
    return asyncio.ensure_future(client.post(PATH, content=world.body([30 + number % 40], [f"u-{number}"], **top)))


def test_what_waits_while_a_predict_runs_is_the_next_batch(served_world: Any) -> None:
    async def load(client: httpx.AsyncClient) -> list[int]:
        go = held_back(served_world)
        first = post(client, served_world, 0)
        waiting = served_world.gateway.metrics.waiting
        await until(lambda: waiting.value("offers") == 0 and "offers" in str(waiting.lines()))
        rest = [post(client, served_world, n) for n in range(1, 31)]
        await until(lambda: waiting.value("offers") == 30)
        go.set()
        return [r.status_code for r in await asyncio.gather(first, *rest)]

    assert served_world.talk(load) == [200] * 31
    assert served_world.models["v1"].batches == [1, 30]


def test_too_many_waiting_rows_are_shed_with_429_and_when_to_retry(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(waiting_rows=5, retry_after_s=3))
    world.publish()

    async def load(client: httpx.AsyncClient) -> list[httpx.Response]:
        go = held_back(world)
        sent = [post(client, world, n) for n in range(20)]
        await until(lambda: world.gateway.metrics.shed.value("offers") > 0)
        go.set()
        return list(await asyncio.gather(*sent))

    replies = world.talk(load)
    shed = [r for r in replies if r.status_code == 429]
    assert {r.status_code for r in replies} == {200, 429}
    assert {(r.headers["retry-after"], r.json()["fields"]["reason"]) for r in shed} == {("3", "overloaded")}
    assert len(world.decisions()) == 20 - len(shed)


def test_a_request_past_its_deadline_is_told_so_and_never_predicted(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(deadline_s=0.4))
    world.publish()

    async def load(client: httpx.AsyncClient) -> list[httpx.Response]:
        go = held_back(world)
        first = post(client, world, 0)
        await until(lambda: bool(world.gateway.metrics.batch.lines()))
        replies = await asyncio.gather(first, post(client, world, 1))
        go.set()
        return list(replies)

    replies = world.talk(load)
    assert [(r.status_code, r.json()["fields"]["reason"]) for r in replies] == [(503, "deadline")] * 2
    assert [d.unit_id for d in world.decisions()] == ["u-0"]


def test_a_slow_endpoint_does_not_hold_up_another(served_world: Any) -> None:
    served_world.publish(served_world.deployment(*served_world.canary(0.0).arms, endpoint="loans"))

    async def load(client: httpx.AsyncClient) -> tuple[int, int]:
        go = held_back(served_world)
        slow = post(client, served_world, 0)
        await until(lambda: bool(served_world.gateway.metrics.batch.lines()))
        served_world.before_predict = lambda: None
        fast = await client.post("/v2/models/loans/infer", content=served_world.body())
        assert not slow.done()
        go.set()
        return (await slow).status_code, fast.status_code

    assert served_world.talk(load) == (200, 200)


def test_hot_reloads_under_load_fail_no_request(world: Any) -> None:
    world.publish(world.canary(0.0))

    async def load(client: httpx.AsyncClient) -> list[httpx.Response]:
        replies: list[httpx.Response] = []
        for revision in range(1, 11):
            sent = [post(client, world, n) for n in range(revision * 30, revision * 30 + 30)]
            await until(lambda sent=sent: any(task.done() for task in sent))  # type: ignore[misc] # bound per round
            made = world.canary(revision / 10, id=f"d-{revision}")
            world.publish(
                made if revision % 3 else world.deployment(world.arm(f"v{revision}", made.arms[0].role, 1.0))
            )
            replies += await asyncio.gather(*sent)
        return replies

    replies = world.talk(load)
    assert {r.status_code for r in replies} == {200}
    assert len({r.json()["parameters"]["deployment"] for r in replies}) > 3
    assert len(world.decisions()) == 300


def test_draining_answers_what_is_inside_and_refuses_what_comes(served_world: Any) -> None:
    async def load() -> tuple[list[int], int]:
        app = GatewayApp(served_world.gateway)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            go = held_back(served_world)
            inside = [post(client, served_world, n) for n in range(10)]
            await until(lambda: bool(served_world.gateway.metrics.batch.lines()))
            draining = asyncio.ensure_future(app.drain())
            await asyncio.sleep(0)
            late = await post(client, served_world, 99)
            go.set()
            await draining
            return [r.status_code for r in await asyncio.gather(*inside)], late.status_code

    assert asyncio.run(load()) == ([200] * 10, 503)
    assert len(served_world.decisions()) == 10


def test_a_first_model_that_loads_too_long_meets_the_deadline_and_then_serves(
    make_world: Callable[..., Any],
) -> None:
    world = make_world(Limits(deadline_s=0.6))
    world.publish()
    go, loads = threading.Event(), []
    world.on_load = lambda: (loads.append(1), go.wait(10))

    async def load(client: httpx.AsyncClient) -> tuple[list[int], int]:
        early = [r.status_code for r in await asyncio.gather(*(post(client, world, n) for n in range(12)))]
        go.set()
        await until(lambda: world.gateway.resolver.peek("offers") is not None)
        return early, (await post(client, world, 1)).status_code

    assert world.talk(load) == ([503] * 12, 200)
    assert loads == [1]


def test_a_large_body_is_decoded_beside_the_loop_and_answered(served_world: Any) -> None:
    body = served_world.body([40] * 5000, [f"u-{n}" for n in range(5000)])
    assert len(body) > 64 * 1024
    assert served_world.infer(body).json()["outputs"][0]["shape"] == [5000]
