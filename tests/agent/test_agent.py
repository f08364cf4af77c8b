"""The agent in an application: everything is reported, nothing waits for it, and what could not be told is counted."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from roadworthy.agent import Agent
from roadworthy.apps.background import BackgroundServer
from roadworthy.domain.errors import SettingError
from roadworthy.web.api.app import build_api

from .conftest import Plane, rows


def agent_of(plane: Plane, **about: Any) -> Agent:
    """An agent that is not started: what it reports is reported by `flush`."""
    given = {"url": plane.url, "token": plane.token("report"), "now": plane.world.clock.now, **about}
    return Agent("edge", **given)


def decide(agent: Agent, n: int, prefix: str = "e", **about: Any) -> list[bool]:
    """Some decisions."""
    return [
        agent.decided(f"{prefix}-{i}", inputs=inputs, **{"score": 0.4, "acted": True, **about})
        for i, inputs in enumerate(rows(n))
    ]


def test_what_is_decided_is_on_record_when_the_application_ends(plane: Plane) -> None:
    with agent_of(plane, every_s=0.01) as agent:
        assert all(decide(agent, 30))
    assert [d.request_id for d in plane.logged()] == [f"e-{i}" for i in range(30)]
    assert {d.agent for d in plane.logged()} == {"edge"}
    assert (len(plane.logged()), agent.standing.waiting, agent.problem) == (30, 0, "")


def test_without_decisions_it_says_that_it_lives(plane: Plane) -> None:
    assert plane.registered().seen_at is None
    agent = agent_of(plane)
    assert agent.flush()
    assert plane.registered().seen_at == plane.world.clock.now()
    agent.close()


def test_while_nobody_answers_decisions_wait_and_what_finds_no_room_is_counted_and_told(plane: Plane) -> None:
    server = BackgroundServer(build_api(plane.world.house, "t", "admin"))
    server.stop()
    agent = agent_of(plane, url=server.url, capacity=5)
    assert decide(agent, 8) == [True] * 5 + [False] * 3
    assert not agent.flush()
    assert "ConnectError" in agent.problem
    assert (agent.standing.waiting, agent.standing.lost) == (5, 3)
    with BackgroundServer(build_api(plane.world.house, "t", "admin"), port=server.port):
        assert agent.flush()
    assert len(plane.logged()) == 5
    assert plane.registered().lost == 3
    agent.close()


def test_the_application_never_waits_for_a_control_plane_that_hangs(plane: Plane) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        agent = agent_of(plane, url=f"http://127.0.0.1:{silent.getsockname()[1]}", every_s=0.01, batch=10).start()
        inputs = rows(1)[0]
        began = time.perf_counter()
        for n in range(5000):
            agent.decided(f"e-{n}", inputs=inputs, score=0.4, acted=False)
        assert time.perf_counter() - began < 2.0
        began = time.perf_counter()
        agent.close(timeout_s=0.2)
        assert time.perf_counter() - began < 5.0


def test_a_token_that_does_not_cover_reports_reports_nothing_and_loses_nothing(plane: Plane) -> None:
    agent = agent_of(plane, token=plane.token("review"))
    decide(agent, 3)
    assert not agent.flush()
    assert "does not cover report" in agent.problem
    assert (agent.standing.waiting, plane.logged()) == (3, [])
    agent.close()


def test_a_decision_that_is_refused_is_given_up_and_the_others_are_taken(plane: Plane) -> None:
    agent = agent_of(plane)
    decide(agent, 3)
    agent.decided("bad", inputs=rows(1)[0], score=7.0, acted=True)
    agent.decided("worse", inputs={"x": object()}, score=0.1, acted=True)
    agent.decided("inf", inputs=rows(1)[0], score=float("inf"), acted=True)
    decide(agent, 2, "f")
    assert agent.flush()
    assert len(plane.logged()) == 5
    assert (agent.standing.refused, agent.standing.waiting) == (3, 0)
    agent.flush()
    assert plane.registered().refused == 3
    agent.close()


def test_a_report_that_is_too_large_goes_in_parts(plane: Plane) -> None:
    agent = agent_of(plane, batch=6000)
    inputs = rows(1)[0]
    for n in range(5001):
        agent.decided(f"e-{n}", inputs=inputs, score=0.4, acted=False)
    assert agent.flush()
    assert (len(plane.logged()), agent.standing.refused) == (5001, 0)
    agent.close()


def test_numpy_s_numbers_are_numbers_and_nan_is_missing(plane: Plane) -> None:
    agent = agent_of(plane)
    inputs = {
        k: np.float64("nan") if isinstance(v, float) else np.array([v])[0] if isinstance(v, int) else v
        for k, v in rows(1)[0].items()
    }
    agent.decided("e", inputs=inputs, score=float(np.float32(0.5)), acted=True)
    assert agent.flush(), agent.problem
    (decision,) = plane.logged()
    assert {v for k, v in decision.inputs.items() if isinstance(rows(1)[0][k], float)} == {None}
    agent.close()


def test_threads_that_decide_at_once_lose_nothing(plane: Plane) -> None:
    with agent_of(plane, every_s=0.005, batch=7) as agent:
        threads = [threading.Thread(target=decide, args=(agent, 40, f"t{n}")) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({d.request_id for d in plane.logged()}) == len(plane.logged()) == 160


@pytest.mark.parametrize(
    "about",
    [{"url": ""}, {"token": ""}, {"capacity": 0}, {"batch": 0}, {"every_s": 0}],
    ids=lambda a: next(iter(a)),
)
def test_what_an_agent_cannot_work_with_is_said_at_once(about: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Agent("edge", **{"url": "http://127.0.0.1:1", "token": "t", **about})


def test_importing_it_loads_httpx_and_the_standard_library_only() -> None:
    heavy = ("numpy", "msgspec", "pydantic", "sqlalchemy", "pyarrow")
    code = f"import sys, roadworthy.agent; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
