"""kill -9 of a real process at every commit boundary of every service, on SQLite and on a PostgreSQL server."""

from __future__ import annotations

import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

import act_process  # noqa: E402 - the line above says where from
from act_process import FOUND  # noqa: E402
from acts import ACTS, POINTS, Act, assert_settled  # noqa: E402
from installation import Installation  # noqa: E402
from small_world import START  # noqa: E402

from roadworthy.domain.trust import Person  # noqa: E402


def killed(processes: Any, at: Installation, now: datetime, name: str, point: str, nth: int) -> bool:
    """Whether the process died at that point; otherwise it came to its end in peace."""
    process = processes.Process(target=act_process.die_in, args=(str(at.root), at.url, now, name, point, nth))
    process.start()
    process.join(90)
    assert process.exitcode in (-signal.SIGKILL, 0)
    return bool(process.exitcode)


def assert_once(at: Installation, now: datetime, act: Act, had: int) -> None:
    """After a restart: nothing of the act is there and it can be done again, or all of it, and it was done once."""
    with at.open() as world:
        world.clock.advance(now - world.clock.now())
        assert_settled(world)
        if not act.told or world.actions().count(act.told) == had:
            act.do(world)
        if act.told:
            assert world.actions().count(act.told) == had + 1
        assert_settled(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(set(ACTS) - {"cancel a gate"})
)  # a restart carries it out: test_gate_faults
def test_an_act_whose_process_is_killed_is_done_once_after_a_restart_or_can_be_done_again(
    processes: Any, serving: Installation, tmp_path: Path, name: str
) -> None:
    act, prepared = ACTS[name], serving.copy(tmp_path)
    with prepared.open() as world:
        act.prepare(world)
        had, now = world.actions().count(act.told), world.clock.now()
    tried = 0
    for point in POINTS:
        nth = 1
        while killed(processes, attempt := prepared.copy(tmp_path), now, name, point, nth):
            assert_once(attempt, now, act, had)
            nth += 1
            assert nth < 50
        tried += nth - 1
    assert tried >= 2, "no commit boundary was reached"


@pytest.mark.parametrize("point", POINTS)
def test_an_installation_killed_while_it_is_founded_is_founded_at_the_next_start(
    processes: Any, database_url: str, tmp_path: Path, point: str
) -> None:
    at = Installation(tmp_path / "w", database_url if database_url.startswith("postgresql") else "")
    died = killed(processes, at, START, FOUND, point, 1)
    assert died == (point != "deploy.before-publish")
    with at.open() as world:
        assert world.actions().count("installation-founded") == 1
        assert [p.id for p in world.all(Person)] == ["platform", "admin"]
        world.cast()
        assert_settled(world)
