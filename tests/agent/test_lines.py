"""The agent beside an application: every line of its file is reported once, whatever happens to the file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.agent.delivery import Delivery
from roadworthy.agent.lines import LONGEST_LINE, Lines
from roadworthy.agent.reporter import Reporter
from roadworthy.agent.sidecar import follow

from .conftest import Plane, rows


def line(name: str, **changes: Any) -> str:
    """One decision as an application writes it."""
    return json.dumps({"request_id": name, "inputs": rows(1)[0], "score": 0.4, "acted": True, **changes}) + "\n"


def written(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))


class Side:
    """A sidecar that can be started anew."""

    def __init__(self, plane: Plane, path: Path) -> None:
        self.plane, self.path = plane, path
        self.reporter = Reporter("edge", plane.url, plane.token("report"))
        self.start()

    def start(self) -> None:
        now = self.plane.world.clock.now
        self.lines = Lines(self.path, now)
        self.delivery = Delivery(self.reporter, self.lines, now(), batch=4)

    def names(self) -> list[str]:
        """The request ids on record after another report."""
        self.delivery.flush()
        return [d.request_id for d in self.plane.logged()]


@pytest.fixture
def side(plane: Plane, tmp_path: Path) -> Iterator[Side]:
    made = Side(plane, tmp_path / "decisions.jsonl")
    yield made
    made.lines.close()
    made.reporter.close()


def test_lines_are_reported_as_they_are_written(side: Side) -> None:
    assert side.names() == []
    written(side.path, line("a"), line("b"))
    assert side.names() == ["a", "b"]
    written(side.path, *(line(f"c{n}") for n in range(10)))
    assert len(side.names()) == 12
    assert side.delivery.taken == 12


def test_a_line_without_its_end_is_waited_for(side: Side) -> None:
    whole = line("a")
    written(side.path, whole[:20])
    assert side.names() == []
    written(side.path, whole[20:])
    assert (side.names(), side.lines.lost) == (["a"], 0)


def test_after_a_restart_it_goes_on_where_it_was(side: Side) -> None:
    written(side.path, line("a"), line("b"))
    assert side.names() == ["a", "b"]
    side.lines.close()
    side.start()
    written(side.path, line("c"))
    assert side.names() == ["a", "b", "c"]
    assert side.delivery.taken == 1


def test_lines_reported_before_a_crash_that_forgot_it_are_kept_once(side: Side) -> None:
    written(side.path, line("a", at="2026-03-02T08:00:00+00:00"), line("b"))
    side.names()
    side.lines.close()
    side.path.with_name("decisions.jsonl.reported").unlink()
    side.start()
    assert sorted(side.names()) == ["a", "b"]
    assert side.delivery.taken == 2


def test_a_file_that_is_rotated_loses_no_line(side: Side) -> None:
    written(side.path, line("a"))
    assert side.names() == ["a"]
    written(side.path, line("b"))
    side.path.rename(side.path.with_suffix(".1"))
    written(side.path, line("c"))
    assert side.names() == ["a", "b", "c"]


def test_a_file_that_is_cut_is_read_from_its_beginning(side: Side) -> None:
    written(side.path, line("a"), line("b"))
    assert side.names() == ["a", "b"]
    side.path.write_text("")
    assert side.names() == ["a", "b"]
    written(side.path, line("c"))
    assert side.names() == ["a", "b", "c"]


NO_DECISION = {
    "no JSON": "{\n",
    "no object": "[]\n",
    "no inputs": '{"request_id": "x", "score": 0.1, "acted": true}\n',
    "no request id": '{"inputs": {}, "score": 0.1, "acted": true}\n',
    "a score that is text": '{"request_id": "x", "inputs": {}, "score": "much", "acted": true}\n',
    "a time that is none": '{"request_id": "x", "inputs": {}, "score": 0.1, "acted": true, "at": "noon"}\n',
    "far too long": '{"request_id": "' + "x" * (2 * LONGEST_LINE) + '"}\n',
    "nested without end": "[" * 100_000 + "\n",
}


@pytest.mark.parametrize("bad", NO_DECISION.values(), ids=NO_DECISION)
def test_a_line_that_is_no_decision_is_counted_and_the_next_is_reported(side: Side, bad: str) -> None:
    written(side.path, line("a"), bad, "\n", line("b"))
    assert (side.names(), side.lines.lost) == (["a", "b"], 1)
    side.delivery.flush()
    assert side.plane.registered().lost == 1


def test_a_line_the_control_plane_refuses_is_counted_and_passed_over_after_a_restart_too(side: Side) -> None:
    written(side.path, line("a"), line("bad", score=3), line("b"))
    assert (side.names(), side.delivery.standing.refused) == (["a", "b"], 1)
    side.lines.close()
    side.start()
    assert (side.names(), side.delivery.standing.refused) == (["a", "b"], 0)


def test_what_is_written_before_the_end_is_reported_at_the_end(side: Side) -> None:
    stop, rounds = threading.Event(), 0

    def told(delivery: Delivery) -> None:
        nonlocal rounds
        rounds += 1
        written(side.path, line(f"r{rounds}"))
        if rounds == 2:
            stop.set()

    ended = follow(side.path, side.reporter, side.plane.world.clock.now, stop, every_s=0.001, told=told)
    assert [d.request_id for d in side.plane.logged()] == ["r1", "r2"]
    assert ended.taken == 2
