"""Processes: they announce themselves, end cleanly, and refuse what is taken."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadworthy.apps.embedded import running_server
from roadworthy.cli.processes.places import announced, refuse_second
from roadworthy.cli.processes.stopping import until_stopped
from roadworthy.domain.errors import ConflictError

DEADLINE_S = 90.0


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.slow)],
)
def test_up_announces_itself_answers_and_ends_cleanly_on_a_signal(
    how: signal.Signals, by_hand: Any, tmp_path: Path
) -> None:
    assert by_hand.cli(tmp_path)("init").code == 0
    words = [sys.executable, "-m", "roadworthy", "up", "--port", "0", "--json", "-w", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(tmp_path / "server.json", process)
        said = json.loads((tmp_path / "server.json").read_text())
        assert said["pid"] == process.pid
        assert httpx.get(f"{said['url']}/v2/health/live").status_code == 200
        assert by_hand.cli(tmp_path)("people", "--json").code == 0
        process.send_signal(how)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, json.loads(out)["url"]) == (0, said["url"])
    assert err.splitlines()[-1] == "Stopped."
    assert not (tmp_path / "server.json").exists()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(int(DEADLINE_S / 0.1)):
        if path.exists():
            return
        if process.poll() is not None:
            pytest.fail(f"the process ended with {process.returncode}: {process.communicate()[1]}")
        time.sleep(0.1)
    pytest.fail(f"{path.name} did not appear within {DEADLINE_S:g} s")


@pytest.mark.parametrize("command", ["up", "gateway"])
def test_a_port_in_use_is_named_and_nothing_is_left_behind(command: str, by_hand: Any, tmp_path: Path) -> None:
    (tmp_path / "roadworthy.toml").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = by_hand.cli(tmp_path)(command, "--port", port)
    assert (ran.code, f"port {port}" in ran.err, "--port" in ran.err) == (8, True, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["roadworthy.toml"]


@pytest.mark.parametrize("command", ["up", "gateway"])
def test_a_folder_that_is_no_workspace_is_not_served(command: str, by_hand: Any, tmp_path: Path) -> None:
    assert by_hand.cli(tmp_path)(command).code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_on_a_workspace_is_refused_with_the_address_of_the_first(kitchen: Any) -> None:
    root = kitchen.folder / "workspace"
    url = running_server(root)
    assert url is not None
    with pytest.raises(ConflictError, match=url):
        refuse_second(root)


def test_the_announcement_goes_when_the_block_ends_but_never_somebody_elses(tmp_path: Path) -> None:
    with announced(tmp_path, "http://127.0.0.1:1"):
        assert json.loads((tmp_path / "server.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / "server.json").exists()
    with announced(tmp_path, "http://127.0.0.1:1"):
        (tmp_path / "server.json").write_text("{}")
    assert (tmp_path / "server.json").read_text() == "{}"


def test_the_signal_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with until_stopped() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5.0)
    assert signal.getsignal(signal.SIGTERM) is before
