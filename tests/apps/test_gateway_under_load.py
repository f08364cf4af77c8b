"""A real gateway of two processes under load while what it serves changes, then told to stop: nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from simulated_offers import INPUTS, artifact, simulate
from small_world import ENDPOINT, START, V1, World

from roadworthy.domain.serving import Strategy
from roadworthy.services.serve.by_hand import pause_rollout, promote_by_hand, resume_rollout
from roadworthy.services.serve.deploy import roll_back

V2 = "offers:2"
DEADLINE_S = 90.0
CALLERS = 6


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def gateway_process(root: Path, workers: int = 2) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`roadworthy gateway` on a workspace, once it is ready; it is gone when the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "roadworthy", "gateway", "--port", str(port), "--workers", str(workers)]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*words, "-w", str(root)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            wait_until_ready(process, address)
            yield process, address
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_ready(process: subprocess.Popen[str], address: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{address}/v2/models/{ENDPOINT}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            pytest.fail(f"the gateway ended with {process.returncode}: {process.communicate()[0]}")
        time.sleep(0.1)
    pytest.fail("the gateway was not ready in time")


@dataclass
class Callers:
    """Several callers who ask without a pause, each request under an id of its own."""

    address: str
    answered: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, bodies: list[dict[str, Any]], number: int) -> None:
        sent = 0
        with httpx.Client(base_url=self.address, timeout=30) as client:
            while not self.stop.is_set():
                name = f"c{number}-{sent}"
                body = {**bodies[sent % len(bodies)], "id": name, "parameters": {"unit_id": f"u{sent}"}}
                sent += 1
                try:
                    reply = client.post(f"/v2/models/{ENDPOINT}/infer", json=body)
                except httpx.TransportError as problem:
                    self.refused[type(problem).__name__] += 1
                    return
                if reply.status_code == 200:
                    assert reply.json()["id"] == name
                    self.answered.append(name)
                else:
                    self.refused[f"{reply.status_code} {reply.json().get('fields', {}).get('reason', '')}"] += 1

    @contextmanager
    def asking(self, bodies: list[dict[str, Any]]) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=(bodies, n)) for n in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)

    def wait_for(self, more: int) -> None:
        goal, end = len(self.answered) + more, time.monotonic() + DEADLINE_S
        while len(self.answered) < goal and not self.refused and time.monotonic() < end:
            time.sleep(0.01)


def requests() -> list[dict[str, Any]]:
    """One-row bodies as an application sends them."""
    frame, _ = simulate(50, 5)
    rows = [row for row in frame.select(INPUTS).rows() if None not in row.values()]
    kinds = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
    return [
        {"inputs": [{"name": n, "shape": [1], "datatype": kinds[type(v)], "data": [v]} for n, v in row.items()]}
        for row in rows
    ]


def changes(world: World) -> list[Callable[[], Any]]:
    """Twenty changes of what serves: shares, models that come and go, the short way and the long one."""
    house, omar = world.house, world.who("omar")

    def back() -> Any:
        return roll_back(house, omar, ENDPOINT, "a drill")

    def deploy(**terms: Any) -> Callable[[], Any]:
        return lambda: world.deploy(V2, **terms)

    rolled = [
        deploy(schedule=(0.3, 1.0)),
        lambda: pause_rollout(house, omar, ENDPOINT, "night"),
        lambda: resume_rollout(house, omar, ENDPOINT, "day"),
        back,
        deploy(strategy=Strategy.SHADOW, shares=(1.0,)),
    ]
    swapped = [
        deploy(strategy=Strategy.RECREATE),
        back,
        deploy(strategy=Strategy.AB_SPLIT),
        lambda: promote_by_hand(house, omar, ENDPOINT, "better"),
        back,
    ]
    return [*rolled, *swapped] * 2


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A workspace on disk where offers:1 serves and offers:2 may, at a time the gateway's own clock agrees with."""
    with World.on_disk(tmp_path) as made:
        made.clock.advance(datetime.now(UTC) - timedelta(hours=1) - START)
        made.prepare()
        for seed in (0, 1):
            made.activate_fully(made.register(artifact("logistic", seed=seed)).id)
        made.deploy(V1)
        yield made


def logged(world: World) -> Counter[str]:
    """How often each request id was decided."""
    return Counter(d.request_id for d in world.house.decisions.read(ENDPOINT))


def test_no_request_fails_or_is_lost_while_what_serves_changes_twenty_times_and_at_the_end(
    world: World, tmp_path: Path
) -> None:
    bodies = requests()
    with gateway_process(tmp_path) as (process, address):
        callers = Callers(address)
        with callers.asking(bodies):
            for change in changes(world):
                world.clock.advance(timedelta(seconds=1))
                change()
                callers.wait_for(more=20)
            assert callers.refused == {}
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=DEADLINE_S)[0]
        assert process.returncode == 0, said
    assert set(callers.refused) <= {"503 draining", "ConnectError", "ReadError", "RemoteProtocolError"}
    decided = logged(world)
    assert {name: n for name, n in decided.items() if n > 1} == {}
    assert set(callers.answered) == set(decided)
    assert {d.arm for d in world.house.decisions.read(ENDPOINT)} >= {V1, V2}
    assert len(callers.answered) >= 20 * 20


def test_a_restarted_gateway_serves_the_last_verified_configuration_without_its_control_plane(
    tmp_path: Path,
) -> None:
    with World.on_disk(tmp_path) as made:
        made.clock.advance(datetime.now(UTC) - timedelta(hours=1) - START)
        made.prepare()
        made.activate_fully(made.register(artifact("logistic")).id)
        made.deploy(V1)
    (tmp_path / "roadworthy.toml").touch()
    for name in ("control.db", "work.db"):
        (tmp_path / name).unlink(missing_ok=True)
    versions = []
    for _ in range(2):
        with gateway_process(tmp_path, workers=1) as (process, address):
            body = {**requests()[0], "id": f"r{len(versions)}", "parameters": {"unit_id": "u"}}
            reply = httpx.post(f"{address}/v2/models/{ENDPOINT}/infer", json=body)
            versions.append((reply.status_code, reply.json()["model_version"]))
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0
    assert versions == [(200, V1), (200, V1)]
