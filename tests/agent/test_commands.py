"""`roadworthy agents` and `roadworthy agent`, as their users meet them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from small_world import V1

from roadworthy.cli.main import run

from .conftest import Plane
from .test_lines import line, written

Ran = tuple[int, str, str]
BEFORE = "2026-03-02T08:00:00+00:00"
"""The control plane's clock is simulated: these processes have the real one."""


@pytest.fixture
def cli(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """One command line, as the operator, who has a token for everything they may do."""
    monkeypatch.setenv("ROADWORTHY_URL", plane.url)
    monkeypatch.setenv("ROADWORTHY_TOKEN", plane.token())

    def command_line(*words: object) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(w) for w in words])
        return code, out.getvalue(), err.getvalue()

    return command_line


def test_agents_are_registered_listed_and_retired(cli: Callable[..., Ran], plane: Plane) -> None:
    code, out, err = cli("agents", "register", "shop", V1, "--every", "5")
    assert (code, err) == (0, ""), err
    assert "The agent shop reports what offers:1 decides on mailing, every 5 s at least." in out
    code, out, _ = cli("agents", "--json")
    assert (code, [a["id"] for a in json.loads(out)]) == (0, ["edge", "shop"])
    plane.world.clock.advance(timedelta(minutes=1))
    code, out, _ = cli("agents")
    assert (code, "SILENT" in out) == (10, True)
    assert cli("agents", "retire", "shop", "--reason", "moved")[0] == 0
    code, out, _ = cli("agents")
    assert (code, "retired" in out) == (0, True)
    assert cli("agents", "retire", "nobody", "--reason", "x")[0] == 3


def test_status_names_who_is_silent(cli: Callable[..., Ran], plane: Plane) -> None:
    assert "silent" not in cli("status")[1]
    plane.world.clock.advance(timedelta(hours=1))
    assert (
        "On mailing: agent 'edge' is silent since it was registered; it is to report every 60 s."
        in cli("status")[1]
    )


def test_a_file_is_reported_once_and_by_what_it_holds(
    cli: Callable[..., Ran], plane: Plane, tmp_path: Path
) -> None:
    file = tmp_path / "made.jsonl"
    written(file, line("a", at=BEFORE), "no decision\n", line("b", at=BEFORE))
    code, out, err = cli("agent", file, "--name", "edge", "--once", "--json")
    assert (code, json.loads(out)) == (0, {"reported": 2, "refused": 0, "lost": 1, "problem": ""}), err
    assert [d.request_id for d in plane.logged()] == ["a", "b"]
    code, out, _ = cli("agent", file, "--name", "edge", "--once")
    assert (code, out.startswith("0 decisions reported")) == (0, True)


def test_a_report_that_was_not_taken_is_said(cli: Callable[..., Ran], tmp_path: Path) -> None:
    written(tmp_path / "made.jsonl", line("a", at=BEFORE))
    code, _, err = cli("agent", tmp_path / "made.jsonl", "--name", "nobody", "--once")
    assert (code, "was not taken" in err) == (8, True)


def test_without_an_address_it_says_what_to_set(
    cli: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROADWORTHY_URL")
    code, _, err = cli("agent", tmp_path / "made.jsonl", "--name", "edge", "--once")
    assert (code, "ROADWORTHY_URL" in err) == (2, True)


def test_a_sidecar_process_reports_until_it_is_stopped_and_then_the_rest(plane: Plane, tmp_path: Path) -> None:
    file, secret = tmp_path / "made.jsonl", tmp_path / "token"
    secret.write_text(plane.token("report"))
    secret.chmod(0o600)
    written(file, line("a", at=BEFORE))
    environment = {**os.environ, "ROADWORTHY_URL": plane.url, "ROADWORTHY_TOKEN_FILE": str(secret)}
    command = [sys.executable, "-m", "roadworthy", "agent", str(file), "--name", "edge", "--every", "0.1", "--json"]
    process: subprocess.Popen[Any] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(3000):
            if plane.logged() or process.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        written(file, line("b", at=BEFORE))
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, json.loads(out)["reported"]) == (0, 2)
    assert [d.request_id for d in plane.logged()] == ["a", "b"]
