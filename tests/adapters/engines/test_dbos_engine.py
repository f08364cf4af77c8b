"""`DbosEngine`: what it opens, what it prints, and that closing leaves work to be taken up."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from roadworthy.adapters.engines.dbos_engine import DbosEngine
from roadworthy.domain.durable.work import Durable
from roadworthy.domain.errors import ConflictError, StorageUnavailableError, UnavailableError

QUIET = """
import sys
from roadworthy.adapters.engines.dbos_engine import DbosEngine
touched = []
def watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.listen", "socket.sendto"):
        touched.append((event, args[1:]))
sys.addaudithook(watch)
engine = DbosEngine(sys.argv[1])
engine.register("work", lambda durable, a: durable.step("one", lambda: 1))
engine.launch()
assert engine.run("work", "w1", {}) == 1
engine.close()
print(touched)
"""


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/work.sqlite"


def test_no_network_is_touched_no_port_opened_and_nothing_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", QUIET, url(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_nothing_in_the_database_is_a_pickle(tmp_path: Path) -> None:
    engine = DbosEngine(url(tmp_path))
    engine.register("work", lambda durable, a: durable.step("one", lambda: {"marker": 1 // a["zero"]}))
    engine.launch()
    with pytest.raises(ZeroDivisionError):
        engine.run("work", "w1", {"zero": 0})
    engine.close()
    stored = (tmp_path / "work.sqlite").read_bytes()
    assert b"ZeroDivisionError" in stored
    assert b"py_pickle" not in stored


def test_closing_during_work_leaves_it_at_its_last_step_and_the_next_engine_goes_on(tmp_path: Path) -> None:
    effects, in_first, release = [], threading.Event(), threading.Event()

    def work(durable: Durable, _: dict[str, Any]) -> Any:
        def effect(k: int) -> int:
            effects.append(k)
            if effects == [0]:
                in_first.set()
                assert release.wait(30)
            return k

        return [durable.step(f"s{k}", lambda k=k: effect(k)) for k in range(3)]

    first = DbosEngine(url(tmp_path))
    first.register("work", work)
    first.launch()
    refused: list[BaseException] = []

    def caller() -> None:
        try:
            first.run("work", "w1", {})
        except UnavailableError as error:
            refused.append(error)

    waiting = threading.Thread(target=caller)
    waiting.start()
    assert in_first.wait(30)
    closing = threading.Thread(target=first.close)
    closing.start()
    while not first._closing:
        threading.Event().wait(0.001)
    release.set()
    closing.join()
    waiting.join()
    assert len(refused) == 1
    assert effects == [0]
    second = DbosEngine(url(tmp_path))
    second.register("work", work)
    second.launch()
    assert second.run("work", "w1", {}) == [0, 1, 2]
    second.close()
    assert effects == [0, 1, 2]


def test_a_second_engine_in_one_process_is_refused(tmp_path: Path) -> None:
    first, second = DbosEngine(url(tmp_path)), DbosEngine(url(tmp_path))
    first.launch()
    with pytest.raises(ConflictError, match="already"):
        second.launch()
    first.close()
    second.launch()
    second.close()


def test_a_database_that_cannot_be_opened_is_named_and_the_next_launch_may_succeed(tmp_path: Path) -> None:
    broken = DbosEngine(url(tmp_path / "no" / "such" / "folder"))
    with pytest.raises(StorageUnavailableError, match="cannot be opened"):
        broken.launch()
    engine = DbosEngine(url(tmp_path))
    engine.launch()
    engine.close()
