"""Agents over the API: a token that covers reports, and nothing else, is all one of them needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from simulated_offers import INPUTS, simulate
from small_world import ENDPOINT, V1


@pytest.fixture
def api(api_at: Callable[[str], Any]) -> Any:
    """The API with the agent `edge`."""
    found = api_at("activated")
    body = {"name": "edge", "endpoint": ENDPOINT, "version": V1, "every_s": 30}
    assert found.ask("POST", "/agents", "omar", json=body).status_code == 201
    return found


def made(**changes: Any) -> dict[str, Any]:
    frame, _ = simulate(1, 5)
    inputs = dict(frame.select(INPUTS).rows()[0])
    plain = {"request_id": "e-1", "unit_id": "u-1", "inputs": inputs, "score": 0.4, "acted": True}
    return {**plain, "at": "2026-03-02T08:00:00Z", **changes}


def test_a_token_for_reports_reports_and_may_do_nothing_else(api: Any) -> None:
    body = {"person": "omar", "name": "edge", "scopes": ["report"]}
    secret = api.ask("POST", "/tokens", "omar", json=body).json()["secret"]
    reply = api.ask("POST", "/agents/edge/reports", token=secret, json={"decisions": [made()]})
    assert (reply.status_code, reply.json()) == (200, {"decisions": 1, "every_s": 30.0})
    assert [d.agent for d in api.world.house.decisions.read(ENDPOINT)] == ["edge"]
    for method, path in (("GET", "/agents"), ("POST", "/agents/edge/retirement"), ("GET", "/traces/e-1")):
        assert api.ask(method, path, token=secret, json={"reason": "x"}).status_code == 403, path


def test_who_is_registered_is_listed_with_whether_it_is_silent(api: Any) -> None:
    (agent,) = api.ask("GET", f"/agents?endpoint={ENDPOINT}", "ada").json()
    assert (agent["id"], agent["silent"], agent["seen_at"]) == ("edge", False, None)
    assert api.ask("GET", "/agents?endpoint=other", "ada").json() == []


@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({"decisions": [made(score="much")]}, 422),
        ({"decisions": [made(score=2)]}, 422),
        ({"decisions": [made(at="noon")]}, 422),
        ({"decisions": [made(at="2026-03-02T08:00:00")]}, 422),
        ({"decisions": [made(agent="another")]}, 422),
        ({"life": {"lost": -1}}, 422),
        ({"life": {"started_at": "2026-03-02T08:00:00"}}, 422),
    ],
)
def test_a_report_that_cannot_be_one_is_refused(api: Any, report: dict[str, Any], status: int) -> None:
    assert api.ask("POST", "/agents/edge/reports", "omar", json=report).status_code == status
    assert api.world.house.decisions.read(ENDPOINT) == []


def test_an_agent_nobody_registered_reports_nothing(api: Any) -> None:
    assert api.ask("POST", "/agents/other/reports", "omar", json={}).status_code == 404
