"""Two servers of one workspace, as real processes: one is killed in the middle of a gate, the other takes it up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

DEADLINE_S = 120.0


@pytest.fixture(params=["postgresql", "sqlite"])
def store(request: pytest.FixtureRequest) -> list[str]:
    """What is said to `init` about the store."""
    if request.param == "sqlite":
        return []
    return ["--store", request.getfixturevalue("postgres_url")]


@contextmanager
def up(workspace: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`roadworthy up`, and where it answers."""
    command = [sys.executable, "-m", "roadworthy", "up", *words, "--port", "0", "--json", "-w", str(workspace)]
    with (workspace / f"log{len(list(workspace.glob('log*')))}").open("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True)
        try:
            wait_for(lambda: said(Path(log.name)) or process.poll() is not None, "a server")
            yield process, said(Path(log.name))
        finally:
            process.kill()
            process.wait(30)


def said(log: Path) -> str:
    """The address a server has printed, when it has."""
    try:
        return str(json.loads(log.read_text())["url"])
    except (ValueError, KeyError):
        return ""


def wait_for(there: Callable[[], Any], what: str) -> Any:
    """What `there` finds, as soon as it finds something."""
    until = time.monotonic() + DEADLINE_S
    while not (found := there()):
        assert time.monotonic() < until, f"{what} did not come within {DEADLINE_S:g} s"
        time.sleep(0.1)
    return found


def ready(cli: Any, by_hand: Any, folder: Path, *store: str) -> None:
    """A version that waits for its validation."""
    by_hand.data(folder)
    lines = [
        (("init", *store), ""),
        (("use-case", "churn", "--target", "y", "--positive", "yes", "--tier", "low"), "dan"),
        (("register", "data", folder / "history.csv", "--use-case", "churn", "--split", 0.5, "--train-to",
          folder / "train.csv"), "dan"),
    ]  # fmt: skip
    for words, actor in lines:
        ran = cli(*words, actor=actor)
        assert ran.code == 0, ran.err
    by_hand.train(folder / "train.csv", folder / "model.joblib")
    for words, actor in (
        (("register", "model", folder / "model.joblib", "--use-case", "churn", "--inputs", "tenure,calls,spend",
          "--training", f"{folder / 'train.py'}:fit", "--threshold", 0.3, "--code-revision", "4b825dc",
          "--description", "Logistic regression on three columns."), "dan"),
        (("agree", "churn", "--value", by_hand.value, "--unit", "EUR", "--holdout-share", 0.1), "olga"),
    ):  # fmt: skip
        ran = cli(*words, actor=actor)
        assert ran.code == 0, ran.err


@pytest.mark.slow
def test_a_gate_whose_server_is_killed_is_brought_to_its_end_by_the_server_beside_it(
    by_hand: Any, store: list[str], tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    cli = by_hand.cli(workspace)
    ready(cli, by_hand, tmp_path, *store)
    token = (workspace / "token").read_text()

    def ask(url: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "X-Roadworthy-Actor": "ada"}
        return httpx.get(f"{url}/api/v1{path}", headers=headers, timeout=30).json()

    def newest(url: str) -> Any:
        return ask(url, "/runs/validation-churn:1-1")

    with up(workspace) as (first, _), up(workspace, "--beside") as (_, beside):
        validating = subprocess.Popen(
            [sys.executable, "-m", "roadworthy", "validate", "churn:1", "--as", "dan", "-w", str(workspace)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: "findings" in newest(beside), "a run")
        wait_for(lambda: newest(beside)["findings"], "a finding")
        os.kill(first.pid, signal.SIGKILL)
        assert newest(beside)["verdict"] is None, "the gate was over before its server was killed"
        run = wait_for(lambda: (r := newest(beside)) and r["verdict"] and r, "a verdict")
        validating.wait(60)
        checks = [(f["step"], f["check"]) for f in run["findings"]]
        assert (run["verdict"], len(set(checks))) == ("pass", len(checks))
        told = cli("changes", "--json").document
        for action in ("validation-started", "validation-concluded", "sealed-data-read"):
            assert [c["action"] for c in told].count(action) == 1, action
        assert cli("verify").code == 0
        with up(workspace):
            assert cli("sign", "churn:1", "--approve", "--reason", "It holds.", actor="vera").code == 0
    if store:
        with psycopg.connect(make_url(store[1]).set(drivername="postgresql").render_as_string(False)) as kept:
            assert kept.execute("SELECT count(*) FROM gate_run").fetchone() == (1,)
        assert not list(workspace.rglob("*.db"))


def test_without_beside_a_second_server_of_a_workspace_is_refused(by_hand: Any, tmp_path: Path) -> None:
    cli = by_hand.cli(tmp_path)
    assert cli("init").code == 0
    with by_hand.served(tmp_path):
        ran = cli("up", "--port", "0")
        assert (ran.code, "a server of this workspace runs at" in ran.err) == (4, True)
