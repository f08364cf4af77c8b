"""`run_apart`: the call's errors come back, and whatever it does to its process costs the caller one error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

import apart_calls

from roadworthy.adapters.benches.apart import run_apart
from roadworthy.domain.errors import BadOutputError, ModelRaisedError
from roadworthy.domain.gate import Limits

AMPLE = Limits(time_s=60.0, memory_mib=1024)


def test_a_call_that_succeeds_was_made_in_another_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    run_apart(partial(apart_calls.write_pid, str(note)), AMPLE)
    assert int(note.read_text()) != os.getpid()


def test_an_error_comes_back_as_its_own_class_with_its_fields() -> None:
    with pytest.raises(BadOutputError, match="answered NaN") as caught:
        run_apart(apart_calls.answer_nan, AMPLE)
    assert caught.value.fields == {"rows": 3}


def test_what_a_call_prints_is_not_taken_for_its_answer() -> None:
    run_apart(apart_calls.print_much, AMPLE)


HARM: dict[str, tuple[Callable[[], object], str]] = {
    "aborts": (os.abort, "exit code -6"),
    "exits as if nothing were wrong": (partial(os._exit, 0), "without an answer"),
    "exits with a code": (partial(sys.exit, 3), "exit code 3"),
    "eats memory": (apart_calls.eat, "more than 1024 MiB"),
}


@pytest.mark.parametrize(("call", "said"), HARM.values(), ids=HARM)
def test_a_call_that_harms_its_process_is_an_error(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ModelRaisedError, match=said):
        run_apart(call, AMPLE)


def test_a_call_that_never_comes_back_is_ended_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    with pytest.raises(match=r"tried for 3 s"):
        run_apart(partial(apart_calls.hang_with_child, str(note)), Limits(time_s=3.0, memory_mib=1024))
    for pid in map(int, note.read_text().split()):
        assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(1000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False
