"""Over real HTTP on 127.0.0.1, with both ASGI servers the gateway is run by."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.express.rsgi import RsgiGateway

Serving = Callable[[GatewayApp], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def by_uvicorn(app: GatewayApp) -> AsyncIterator[str]:
    """The app behind uvicorn; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on"))
    running = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


def by_granian(app: GatewayApp) -> AbstractAsyncContextManager[str]:
    """The app behind Granian, as any ASGI application; its address."""
    return granian_with(app, Interfaces.ASGI)


def by_granian_natively(app: GatewayApp) -> AbstractAsyncContextManager[str]:
    """The app as the stand-alone gateway runs it; its address."""
    return granian_with(Native(app), Interfaces.RSGI)


class Native(RsgiGateway):
    """The embedded server runs its callbacks inside a running loop, where the application is drained by the test."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None: ...

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None: ...


@asynccontextmanager
async def granian_with(app: Any, interface: Interfaces) -> AsyncIterator[str]:
    """An app behind an embedded Granian; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Granian(app, address="127.0.0.1", port=port, interface=interface, log_enabled=False)
    running = asyncio.ensure_future(server.serve())
    address = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(10), httpx.AsyncClient() as client:
        while not await answers(client, address):
            await asyncio.sleep(0)
    try:
        yield address
    finally:
        server.stop()
        await running


async def answers(client: httpx.AsyncClient, address: str) -> bool:
    """Whether the server listens already."""
    try:
        return (await client.get(f"{address}/v2/health/live")).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    "serving", [by_uvicorn, by_granian, by_granian_natively], ids=["uvicorn", "granian", "rsgi"]
)
def test_concurrent_requests_over_http_are_answered_and_recorded(world: Any, serving: Serving) -> None:
    world.publish(world.canary(0.5, holdout=0.1))

    async def run() -> list[httpx.Response]:
        async with serving(GatewayApp(world.gateway)) as address, httpx.AsyncClient(base_url=address) as client:
            return list(
                await asyncio.gather(
                    *(
                        client.post(
                            "/v2/models/offers/infer",
                            content=world.body([20 + n % 50], [f"u-{n}"], id=f"r-{n}"),
                            headers={"content-type": "application/json"},
                        )
                        for n in range(100)
                    )
                )
            )

    replies = asyncio.run(run())
    assert {r.status_code for r in replies} == {200}
    recorded = {d.request_id: d for d in world.decisions()}
    assert len(recorded) == 100
    for reply in replies:
        said = reply.json()
        decision = recorded[said["id"]]
        assert [o["data"][0] for o in said["outputs"]] == [decision.score, decision.acted, decision.arm]


@pytest.mark.parametrize("serving", [by_granian_natively], ids=["rsgi"])
def test_at_the_native_door_every_path_and_every_refusal_is_as_behind_it(world: Any, serving: Serving) -> None:
    world.publish()
    plain = {"content-type": "application/json"}
    traced = {**plain, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    asked: list[tuple[str, str, bytes | None, dict[str, str]]] = [
        ("GET", "/v2", None, {}),
        ("GET", "/v2/health/ready", None, {}),
        ("GET", "/v2/models/offers", None, {}),
        ("GET", "/v2/models/offers/infer", None, {}),
        ("POST", "/v2/models/nobody/infer", world.body(), plain),
        ("POST", "/v2/models/offers/versions/v1/infer", world.body(id="r-1"), plain),
        ("POST", "/v2/models/offers/infer", world.body(id="r-2"), traced),
        ("POST", "/v2/models/offers/infer", world.body(id="r-6", parameters={"unit_id": "u"}), plain),
        ("POST", "/v2/models/offers/infer", world.body([40, 41], ["u", "v"], id="r-3"), plain),
        ("POST", "/v2/models/offers/infer", world.body(id="r-4"), {"content-type": "text/plain"}),
        ("POST", "/v2/models/offers/infer", b"{", plain),
        ("POST", "/v2/models/offers/infer", world.body(["x"], id="r-5"), plain),
    ]

    async def run() -> list[tuple[httpx.Response, httpx.Response]]:
        app = GatewayApp(world.gateway)
        behind = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
        async with serving(app) as address, httpx.AsyncClient(base_url=address) as before, behind:
            return [
                (
                    await before.request(method, path, content=body, headers=headers),
                    await behind.request(method, path, content=body, headers=headers),
                )
                for method, path, body, headers in asked
            ]

    for (method, path, _, _), (before, behind) in zip(asked, asyncio.run(run()), strict=True):
        assert (before.status_code, before.content) == (behind.status_code, behind.content), (method, path)
        assert before.headers.get("traceparent") == behind.headers.get("traceparent")
