"""KServe's REST and gRPC clients, from a venv of their own (`make peers`): they ask for other versions than we do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))

from test_server import by_granian

from conftest import World
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.protocol.grpc.service import GrpcFace

CLIENT = Path(__file__).with_name("kserve_client.py")


def test_kserve_s_clients_are_answered_over_rest_and_grpc_alike() -> None:
    world = World()
    world.publish()
    python = Path(os.environ["ROADWORTHY_PEERS"]) / "bin" / "python"

    async def run() -> Any:
        face = GrpcFace("127.0.0.1", 0)
        async with by_granian(GatewayApp(world.gateway, [face])) as address:
            command = [str(python), "-W", "ignore", str(CLIENT), address, f"127.0.0.1:{face.port}"]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    found = asyncio.run(run())
    assert found["rest health"] == found["grpc health"] == [True, True, True]
    recorded = {d.request_id: d for d in world.decisions()}
    for key, name in (("rest json", "j"), ("rest bytes", "b"), ("grpc", "g")):
        rows = [recorded[f"{name}/{row}"] for row in range(2)]
        assert found[key]["score"] == [d.score for d in rows], key
        assert found[key]["arm"] == [d.arm for d in rows], key
        assert [d.inputs["job"] for d in rows] == ["clerk", "nürse"]
        assert [d.unit_id for d in rows] == ["u-1", "u-2"]
