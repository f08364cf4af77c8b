"""A real gateway as a process group of its own, over a workspace laid out from a world in memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from simulated_offers import INPUTS
from small_world import ENDPOINT, V1, World

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.clock import SystemClock
from roadworthy.adapters.served.files import FileServed
from roadworthy.apps.inference import inference_body
from roadworthy.apps.settings import FILE
from roadworthy.statistics.frame import Frame

STARTING_S = 60.0
"""Longest wait for a process to answer."""


def lay_out(root: Path) -> World:
    """A workspace with all a gateway needs, in which `offers:1` serves under licences of today."""
    world = World.in_memory(clock=SystemClock())
    world.clock.set(world.house.clock.now())
    world.prepare().register()
    world.activate_fully(V1)
    world.deploy(V1)
    house = world.house
    (root / FILE).touch()
    kept = LocalArtifacts(root / "artifacts")
    for data in house.artifacts._kept.values():
        kept.put(data)
    for name, documents in (("served", house.served), ("trust", house.trust)):
        files = FileServed(root / name)
        for endpoint in documents.endpoints():
            files.publish(endpoint, documents.read(endpoint))
    return world


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def asking(world: World, row: Frame, names: Sequence[str]) -> bytes:
    """The body that asks about some rows; unit and request ids are `names`."""
    return inference_body(row.select(INPUTS), world.version(V1).signature, list(names), request_ids=names)


def _children(parent: int) -> dict[int, int]:
    """The child processes of a process, and when each began (clock ticks since the machine did)."""
    born: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            said = (process / "stat").read_text().rpartition(")")[2].split()
            if int(said[1]) == parent and said[0] != "Z":
                born[int(process.name)] = int(said[19])
    return born


@dataclass
class GatewayProcess:
    """`roadworthy gateway` over a workspace, in a process group of its own so that all of it can be killed."""

    root: Path
    workers: int = 2
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where an answer is asked for."""
        return f"http://127.0.0.1:{self.port}/v2/models/{ENDPOINT}/infer"

    def start(self, **environment: str) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "roadworthy", "--workspace", str(self.root), "gateway"]
        command += ["--port", str(self.port), "--workers", str(self.workers)]
        with (self.root / "gateway.log").open("ab") as said:
            self.process = subprocess.Popen(
                command,
                stdout=said,
                stderr=said,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        assert self.process is not None
        until = time.monotonic() + STARTING_S
        with httpx.Client() as client:
            while time.monotonic() < until:
                assert self.process.poll() is None, (self.root / "gateway.log").read_text()
                try:
                    if client.get(f"http://127.0.0.1:{self.port}/v2/health/ready").is_success:
                        return
                except httpx.TransportError:
                    continue
        raise AssertionError((self.root / "gateway.log").read_text())

    def oldest_worker(self) -> int:
        """The worker process that has lived longest, once all of them live."""
        assert self.process is not None
        until = time.monotonic() + STARTING_S
        while time.monotonic() < until:
            born = _children(self.process.pid)
            if len(born) == self.workers:
                return min(born, key=lambda pid: (born[pid], pid))
        raise AssertionError((self.root / "gateway.log").read_text())

    def kill(self) -> None:
        """End all of it as a power cut would, and wait until it is gone."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STARTING_S)
        self.process = None

    def __enter__(self) -> GatewayProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()


def answers_of(reply: httpx.Response) -> list[tuple[float | None, bool, str]]:
    """Score, action and arm of each row of an answer."""
    outputs = {o["name"]: o["data"] for o in json.loads(reply.content)["outputs"]}
    return list(zip(outputs["score"], map(bool, outputs["acted"]), outputs["arm"], strict=True))
