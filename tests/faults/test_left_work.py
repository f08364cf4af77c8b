"""A worker dies holding work: whoever shares its database takes it up, and nobody while it lives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

import holding_process  # noqa: E402 - the line above says where from
from acts import assert_settled  # noqa: E402
from small_world import V1, World  # noqa: E402

from roadworthy.domain.errors import ConflictError  # noqa: E402
from roadworthy.domain.gate import GateRun  # noqa: E402
from roadworthy.domain.lifecycle import State  # noqa: E402
from roadworthy.services.gates.interventions import retry_gate  # noqa: E402
from roadworthy.services.gates.run import adopt_gates, gate_run  # noqa: E402

RUN = f"validation-{V1}-1"


class Place:
    """A workspace and its database in which `offers:1` waits for its validation."""

    def __init__(self, url: str, root: Path, processes: Any) -> None:
        self.url, self.root, self.processes = url, root, processes
        with self.open("maker") as world:
            world.prepare().register()

    def open(self, executor: str) -> Any:
        """It, in this process, as a server of this name has it."""
        return World.on(self.url, self.root, executor=executor)

    @contextmanager
    def held(self, executor: str, point: str = "gate.check-done") -> Iterator[tuple[Any, Any]]:
        """Another process in the middle of the gate, and what lets it go on."""
        there, go_on = self.processes.Event(), self.processes.Event()
        given = (str(self.root), self.url, executor, point, there, go_on)
        process = self.processes.Process(target=holding_process.hold, args=given)
        process.start()
        try:
            assert there.wait(90)
            yield process, go_on
        finally:
            process.kill()
            process.join(30)


@pytest.fixture
def place(database_url: str, tmp_path: Path, processes: Any) -> Place:
    url = database_url if database_url.startswith("postgresql") else ""
    return Place(url, tmp_path / "w", processes)


def assert_concluded_once(world: World) -> None:
    (run,) = world.all(GateRun)
    names = [(f.step, f.check) for f in run.findings]
    assert len(set(names)) == len(names)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    for action in ("validation-started", "validation-concluded", "sealed-data-read"):
        assert world.actions().count(action) == 1, action
    assert_settled(world)


@pytest.mark.parametrize("point", ["gate.check-done", "gate.before-conclude"])
def test_a_server_beside_a_killed_one_takes_up_its_gate_and_no_sooner(place: Place, point: str) -> None:
    with place.held("first", point) as (process, _), place.open("second") as world:
        assert adopt_gates(world.house) == []
        with pytest.raises(ConflictError, match="is being carried out"):
            retry_gate(world.house, world.who("dan"), RUN)
        process.kill()
        process.join(30)
        assert _taken_up(world) == [RUN]
        world.house.engine.run("gate", f"{RUN}#2", {"run": RUN})
        assert adopt_gates(world.house) == []
        assert_concluded_once(world)


def test_a_server_that_lives_brings_its_gate_to_its_own_end_beside_another(place: Place) -> None:
    with place.held("first") as (process, go_on), place.open("second") as world:
        go_on.set()
        process.join(60)
        assert process.exitcode == 0
        assert adopt_gates(world.house) == []
        assert_concluded_once(world)


def test_a_second_server_of_the_same_name_leaves_the_work_of_the_first_alone(place: Place) -> None:
    with place.held("first") as (process, go_on), place.open("first") as world:
        assert gate_run(world.house, RUN).verdict is None
        assert adopt_gates(world.house) == []
        go_on.set()
        process.join(60)
        assert process.exitcode == 0
        assert_concluded_once(world)


def test_three_servers_that_take_up_the_same_gate_at_once_conclude_it_once(place: Place) -> None:
    with place.held("first") as (process, _):
        process.kill()
        process.join(30)
    barrier = place.processes.Barrier(3)
    started = [
        place.processes.Process(
            target=holding_process.adopt, args=(str(place.root), place.url, f"server-{n}", barrier)
        )
        for n in range(3)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [p.exitcode for p in started] == [0] * 3
    with place.open("last") as world:
        assert_concluded_once(world)


def _taken_up(world: World) -> list[str]:
    """What is taken up as soon as the other's death is seen: the server may take a moment to see it itself."""
    for _ in range(200):
        found = adopt_gates(world.house)
        if found:
            return found
    return []
