"""Gate runs over the API: progress check by check, waiting for news, cancelling, trying again, why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_playbooks import CHEAP, playbook
from small_world import V1

from roadworthy.domain.gate import Gate
from roadworthy.services.gates.run import WORK, start_gate
from roadworthy.web.api.runs import LOOK_S, awaited


def started(api: Any) -> str:
    world = api.world
    run = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    return str(run.id)


def test_a_run_says_of_every_check_whether_it_waits_runs_or_is_done(api_at: Callable[[str], Any]) -> None:
    api = api_at("registered")
    run = started(api)
    shown = api.ask("GET", f"/runs/{run}", "ada").json()
    assert {c["status"] for c in shown["checks"]} == {"waiting"}
    assert [c["key"] for c in shown["checks"]] == shown["planned"]
    api.world.house.engine.run(WORK, run, {"run": run})
    done = api.ask("GET", f"/runs/{run}", "ada").json()
    assert {c["status"] for c in done["checks"]} == {"done"}
    kpi = next(c for c in done["checks"] if c["key"] == "V1:kpi-contract")
    assert (kpi["verdict"], kpi["started_at"] is not None, kpi["finished_at"] is not None) == ("pass", True, True)
    assert done["stamp"] != shown["stamp"]


def test_with_a_stale_stamp_the_answer_comes_at_once_and_a_concluded_run_is_not_waited_for(
    api_at: Callable[[str], Any],
) -> None:
    api = api_at("validated")
    run = api.ask("GET", f"/versions/{V1}").json()["runs"][0]["id"]
    stamp = api.ask("GET", f"/runs/{run}").json()["stamp"]
    assert api.ask("GET", f"/runs/{run}?seen={stamp}&wait_s=30").json()["stamp"] == stamp
    assert api.ask("GET", f"/runs/{run}?wait_s=31").status_code == 422


def test_a_wait_ends_with_the_first_news_or_after_its_time() -> None:
    looks = iter([{"stamp": "1", "verdict": None}] * 3 + [{"stamp": "2", "verdict": None}])
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds

    assert awaited(lambda: next(looks), "1", 9.0, lambda: time[0], sleep)["stamp"] == "2"
    assert time[0] == pytest.approx(3 * LOOK_S)
    still = {"stamp": "1", "verdict": None}
    assert awaited(lambda: still, "1", 1.0, lambda: time[0], sleep) == still
    assert time[0] >= 1.0 + 3 * LOOK_S


def test_a_run_is_cancelled_and_tried_again(api_at: Callable[[str], Any]) -> None:
    api = api_at("registered")
    run = started(api)
    assert api.ask("POST", f"/runs/{run}/cancel", "ada", json={"reason": "no"}).status_code == 403
    assert api.ask("POST", f"/runs/{run}/cancel", "dan", json={"reason": ""}).status_code == 422
    done = api.ask("POST", f"/runs/{run}/cancel", "dan", json={"reason": "wrong data"})
    assert (done.status_code, done.json()["ending"]["kind"]) == (200, "cancelled")
    assert api.ask("POST", f"/runs/{run}/cancel", "dan", json={"reason": "again"}).status_code == 409
    again = api.ask("POST", f"/runs/{run}/retry", "dan", json={})
    assert (again.status_code, again.json()["id"]) == (201, f"validation-{V1}-2")
    assert api.ask("GET", f"/versions/{V1}").json()["version"]["state"] == "awaiting-sign-off"


def test_a_fresh_gate_is_asked_for_in_the_body(api_at: Callable[[str], Any]) -> None:
    api = api_at("registered")
    body = {"playbook": playbook("V6:data-quality", waive=()).decode()}
    api.ask("POST", f"/versions/{V1}/gates/validation", "dan", json=body)
    held = api.ask("POST", f"/versions/{V1}/gates/validation", "dan", json=body).json()
    fresh = api.ask("POST", f"/versions/{V1}/gates/validation", "dan", json={**body, "fresh": True}).json()
    assert [f["reused_from"] for f in held["findings"] if f["check"] == "data-quality"] == [f"validation-{V1}-1"]
    assert [f["reused_from"] for f in fresh["findings"] if f["check"] == "data-quality"] == [""]


def test_why_names_what_blocks_or_what_comes_next(api_at: Callable[[str], Any]) -> None:
    blocked = api_at("validated").ask("GET", f"/versions/{V1}/why", "ada").json()
    assert (blocked["blocked"], [o["kind"] for o in blocked["obstacles"]]) == (True, ["no-sign-off"])
    free = api_at("registered").ask("GET", f"/versions/{V1}/why", "ada").json()
    assert (free["blocked"], free["next_step"]) == (False, f"roadworthy validate {V1}")
