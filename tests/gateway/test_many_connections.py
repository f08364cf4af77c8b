"""Callers who hold connections and send little: a real gateway's processes answer everybody else meanwhile."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from gateway_process import GatewayProcess, asking, lay_out
from simulated_offers import simulate

HALF_A_HEADER = b"POST /v2/models/mailing/infer HTTP/1.1\r\nHost: gateway\r\nX-Slow: 1"
HALF_A_BODY = (
    b"POST /v2/models/mailing/infer HTTP/1.1\r\nHost: gateway\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)
"""What a slow-loris sends, and then nothing more."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, bytes]]:
    """A gateway of one worker, and a request it answers."""
    root = tmp_path_factory.mktemp("many")
    world = lay_out(root)
    body = asking(world, simulate(1, 5)[0], ["u-1"])
    with GatewayProcess(root, workers=1) as process:
        process.start()
        yield process, body


def held(stack: ExitStack, port: int, connections: int, sent: bytes) -> list[socket.socket]:
    """So many connections that sent something and wait."""
    found = []
    for _ in range(connections):
        one = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
        if sent:
            one.sendall(sent)
        found.append(one)
    return found


def answered(process: GatewayProcess, body: bytes, times: int) -> list[float]:
    """Seconds that others' requests took, each over a connection of its own; all of them were answered."""
    took = []
    for n in range(times):
        began = time.perf_counter()
        headers = {"content-type": "application/json"}
        named = body.replace(b"u-1", b"u-%d" % n)
        assert httpx.post(process.url, content=named, headers=headers, timeout=5).status_code == 200
        took.append(time.perf_counter() - began)
    return took


@pytest.mark.parametrize("sent", [b"", HALF_A_HEADER, HALF_A_BODY], ids=["nothing", "half a header", "half a body"])
def test_fifteen_hundred_slow_callers_hold_up_nobody(gateway: tuple[GatewayProcess, bytes], sent: bytes) -> None:
    process, body = gateway
    with ExitStack() as stack:
        held(stack, process.port, 1500, sent)
        assert len(answered(process, body, 10)) == 10


def test_a_body_that_does_not_come_is_told_so_and_the_connection_closed(
    gateway: tuple[GatewayProcess, bytes],
) -> None:
    process, _ = gateway
    with ExitStack() as stack:
        (one,) = held(stack, process.port, 1, HALF_A_BODY)
        one.settimeout(30)
        said = b""
        while part := one.recv(4096):
            said += part
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"field":"body"' in said


@pytest.mark.slow
def test_a_header_that_does_not_come_ends_the_connection(gateway: tuple[GatewayProcess, bytes]) -> None:
    process, _ = gateway
    with ExitStack() as stack:
        (one,) = held(stack, process.port, 1, HALF_A_HEADER)
        one.settimeout(40)
        assert not one.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_ten_thousand_connections_are_held_and_others_answered(gateway: tuple[GatewayProcess, bytes]) -> None:
    process, body = gateway
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = min(10_000, most - 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with ExitStack() as stack:
            held(stack, process.port, connections, b"")
            took = answered(process, body, 20)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    assert sorted(took)[10] < 1.0
    assert len(answered(process, body, 10)) == 10
