"""A server in a thread: it binds at once, says what is wrong with an address, and lets go of its port."""

from __future__ import annotations

import socket
import threading
from typing import Any

import httpx
import pytest

from roadworthy.apps.background import BackgroundServer, Ticker
from roadworthy.apps.listening import bind
from roadworthy.domain.errors import PortInUseError, SettingError, UnavailableError


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} on 127.0.0.1 is in use") as refused:
            bind("127.0.0.1", port)
    assert refused.value.fields["port"] == port
    assert "--port" in refused.value.remedy


def test_a_port_that_was_let_go_can_be_taken_again() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
    with bind("127.0.0.1", port) as second:
        assert second.getsockname()[1] == port


@pytest.mark.parametrize("port", [-1, 65_536, 10**9])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(SettingError, match=f"there is no port {port}"):
        bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "256.0.0.1"])
def test_an_address_of_another_machine_cannot_be_listened_on(host: str) -> None:
    with pytest.raises(UnavailableError, match=f"cannot listen on {host}"):
        bind(host, 0)


def test_it_answers_from_the_first_moment_and_lets_go_of_its_port() -> None:
    with BackgroundServer(hello) as server:
        assert httpx.get(server.url).text == "hello"
        port = server.port
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0


def test_a_tick_that_fails_is_tried_again_and_the_block_ends_it() -> None:
    ticks: list[int] = []
    enough = threading.Event()

    def work() -> None:
        ticks.append(len(ticks))
        if len(ticks) == 1:
            raise RuntimeError("the store was away")
        enough.set()

    with Ticker(work, 0.01, "a test"):
        assert enough.wait(10)
    done = len(ticks)
    assert done >= 2
    assert not any(t.name == "a test" for t in threading.enumerate())
