"""The benchmark everybody is measured with (`shared/bench/serving`), with our gateway among its servers.

It is taken as it is: its peers, its models, its method (servers take turns, a baseline before and after each, one core
for the load generator, wrong answers are failures). Only our own servers, their body and what a right answer of theirs
looks like are added.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

OURS = {"roadworthy": "always", "roadworthy-off": "off"}
"""Our servers, and when their log is on the disk: before each answer, or when the system likes (still before the
answer for the process, which may be killed at any time)."""


def load(bench: Path, folder: Path, arguments: list[str]) -> ModuleType:
    """The benchmark as a module, told to work in `folder`.

    Raises:
        FileNotFoundError: it is not there.
    """
    path = bench / "bench.py"
    if not path.is_file():
        raise FileNotFoundError(path)
    sys.argv = [str(path), "run", "--dir", str(folder), *arguments]
    found = importlib.util.spec_from_file_location("serving_bench", path)
    if found is None or found.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def add_ours(bench: Any, workspaces: Path) -> None:
    """Our servers among the benchmark's, one worker and two, over `workspaces/SYNC-MODEL`."""
    start = str(Path(__file__).parent / "start.py")
    for name, sync in OURS.items():
        for workers in (1, 2):
            workspace = str(workspaces / f"{sync}-{{M}}")
            argv = [sys.executable, start, workspace, "{P}", str(workers)]
            models = "lr,hgb" if workers == 1 else "lr"
            bench.cfg(f"{name}-w{workers}", "base", argv, "/v2/models/model-0/infer", "ours", models)
    ask, bodies = bench.ask, bench.bodies

    def ask_any(port: int, c: dict[str, Any], model: str, ref: dict[str, Any]) -> None:
        if c["body"] != "ours":
            ask(port, c, model, ref)
            return
        body = Path(f"{bench.D}/body-ours.json").read_bytes()
        named = {"content-type": "application/json"}
        reply = _asked(f"http://127.0.0.1:{port}{c['path']}", content=body, headers=named, timeout=20)
        if not reply.is_success:
            raise OSError(reply.text)
        score = reply.json()["outputs"][0]["data"][0]
        if abs(score - ref["proba"][model][1]) > 1e-4:
            raise ValueError(f"wrong answer {score} not {ref['proba'][model][1]}")

    def bodies_and_ours(ref: dict[str, Any]) -> None:
        bodies(ref)
        tensor = {"name": "x", "shape": [1, 30], "datatype": "FP64", "data": ref["row"]}
        said = {"parameters": {"unit_id": "customer-7"}, "inputs": [tensor]}
        Path(f"{bench.D}/body-ours.json").write_text(json.dumps(said, separators=(",", ":")))

    bench.ask, bench.bodies = ask_any, bodies_and_ours


def _asked(address: str, **request: Any) -> httpx.Response:
    """A reply; a server that does not listen yet is an OSError, for which the benchmark waits."""
    try:
        return httpx.post(address, **request)
    except httpx.TransportError as error:
        raise OSError(str(error)) from error
