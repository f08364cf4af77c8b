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


@asynccontextmanager
async def by_granian(app: GatewayApp) -> AsyncIterator[str]:
    """The app behind Granian; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Granian(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
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


@pytest.mark.parametrize("serving", [by_uvicorn, by_granian], ids=["uvicorn", "granian"])
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
