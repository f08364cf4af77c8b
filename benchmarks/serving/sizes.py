"""Rates over HTTP by columns, rows per request and encoding, and with fifty models instead of one.

    python -m benchmarks.serving.sizes [--secs 3] [--sync off|always]

One worker, 16 connections (4 with 100 rows per request, 2 with 10,000), the load generator `wrk` on the same machine.
Rows per second is what counts where a request has many.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.serving.workspace import build, build_with, columns, mixed, rows

from roadworthy.apps.listening import bind
from roadworthy.statistics.frame import Frame

PATH = "/v2/models/model-0/infer"
Found = tuple[float, float, float]
"""Requests per second, and milliseconds at the median and the 99th percentile."""

CONNECTIONS = {1: 16, 100: 4, 10_000: 2}
"""By rows per request: enough to keep a worker busy, and fewer rows than it lets wait."""
SCRIPT = """
local f = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method, wrk.body = "POST", f:read("*a")
wrk.headers["Content-Type"] = os.getenv("MEDIA")
if os.getenv("SPLIT") ~= "" then wrk.headers["Inference-Header-Content-Length"] = os.getenv("SPLIT") end
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secs", type=int, default=3)
    parser.add_argument("--sync", choices=("off", "always"), default="off")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        print("skipped: wrk is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="rw-sizes-") as made:
        root = Path(made)
        print(
            "| model | request | requests/s | rows/s | p50 ms | p99 ms |\n| --- | --- | ---: | ---: | ---: | ---: |"
        )
        for name, what, n, said in measured(root, asked.sync, asked.secs):
            print(
                f"| {name} | {what} | {said[0]:.0f} | {said[0] * n:.0f} | {said[1]:.2f} | {said[2]:.2f} |",
                flush=True,
            )
    return 0


def measured(root: Path, sync: str, secs: int) -> Iterator[tuple[str, str, int, Found]]:
    """Every case: model, request, rows in it, and what `load` found."""
    build(root / "lr", "lr")
    with gateway(root / "lr", sync) as address:
        for n in (1, 100, 10_000):
            for kind, (body, split) in number_bodies(n).items():
                yield "30 numbers", f"{n} rows, {kind}", n, load(root, address, body, split, secs, CONNECTIONS[n])
    for width in (2, 8, 32):
        artifact, frame = mixed(width)
        build_with(root / f"mixed-{width}", artifact, frame)
        with gateway(root / f"mixed-{width}", sync) as address:
            for n in (1, 100):
                yield (
                    f"{width} mixed",
                    f"{n} rows, JSON",
                    n,
                    load(root, address, mixed_body(frame, n), 0, secs, CONNECTIONS[n]),
                )
    build(root / "fifty", "lr", endpoints=50)
    with gateway(root / "fifty", sync) as address:
        for n in range(50):  # every model is loaded before the first is measured
            _ask(address.replace("model-0", f"model-{n}"), *number_bodies(1)["JSON"])
        body, split = number_bodies(1)["JSON"]
        yield "30 numbers, 50 models loaded", "1 rows, JSON", 1, load(root, address, body, split, secs)


@contextmanager
def gateway(workspace: Path, sync: str) -> Iterator[str]:
    """A gateway of one worker over a workspace, from its first answer on; the address of its first endpoint."""
    (workspace / "roadworthy.toml").write_text(f'sync = "{sync}"\n')
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    start = str(Path(__file__).parent / "start.py")
    process = subprocess.Popen(
        [sys.executable, start, str(workspace), str(port), "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}{PATH}"
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/v2/health/ready", timeout=10)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def number_bodies(n: int) -> dict[str, tuple[bytes, int]]:
    """The same rows as JSON by column, as one JSON tensor, and as one tensor of bytes (with its JSON part's length)."""
    x = rows()[0][np.arange(n) % len(rows()[0])]
    who: dict[str, Any] = {"unit_id": "customer-7"}
    by_column = [
        {"name": c, "shape": [n], "datatype": "FP64", "data": x[:, i].tolist()} for i, c in enumerate(columns())
    ]
    whole = {"name": "x", "shape": [n, 30], "datatype": "FP64"}
    raw = x.tobytes()
    head = json.dumps(
        {"parameters": who, "inputs": [{**whole, "parameters": {"binary_data_size": len(raw)}}]}
    ).encode()
    return {
        "JSON by column": (json.dumps({"parameters": who, "inputs": by_column}).encode(), 0),
        "JSON": (json.dumps({"parameters": who, "inputs": [{**whole, "data": x.ravel().tolist()}]}).encode(), 0),
        "bytes": (head + raw, len(head)),
    }


def mixed_body(frame: Frame, n: int) -> bytes:
    """Some rows of numbers and texts."""
    inputs = [
        {
            "name": c,
            "shape": [n],
            "datatype": "FP64" if frame.is_numeric(c) else "BYTES",
            "data": frame[c][:n].tolist(),
        }
        for c in frame.drop(["accepts"]).names
    ]
    return json.dumps({"parameters": {"unit_id": "customer-7"}, "inputs": inputs}).encode()


def load(root: Path, address: str, body: bytes, split: int, secs: int, connections: int = 16) -> Found:
    """What the load generator found; refuses wrong answers."""
    _ask(address, body, split)
    (root / "body").write_bytes(body)
    (root / "post.lua").write_text(SCRIPT)
    media = "application/octet-stream" if split else "application/json"
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{secs}s",
        "--timeout",
        "30s",
        "--latency",
        "-s",
        str(root / "post.lua"),
        address,
    ]
    given = {"BODY": str(root / "body"), "MEDIA": media, "SPLIT": str(split or ""), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(command, env=given, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    at = dict(re.findall(r"(50|99)%\s+([\d.]+[a-z]+)", said))
    return float(rate[1]) if rate else 0.0, _ms(at["50"]), _ms(at["99"])


def _ask(address: str, body: bytes, split: int) -> None:
    headers = {"content-type": "application/octet-stream" if split else "application/json"}
    if split:
        headers["inference-header-content-length"] = str(split)
    reply = httpx.post(address, content=body, headers=headers, timeout=60)
    if reply.status_code != 200:
        raise RuntimeError(reply.text[:500])


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]


if __name__ == "__main__":
    sys.exit(main())
