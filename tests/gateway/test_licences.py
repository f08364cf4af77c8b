"""Keeping to the licences: rows outside are refused or go to another arm, and after the end answers stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from roadworthy.domain.errors import IntegrityError, NotLicensedError, UnavailableError
from roadworthy.domain.serving import ArmRole
from roadworthy.domain.trust import Licence
from roadworthy.gateway.assign import Permits, text_of
from roadworthy.gateway.resolve import Health


def licensed(world: Any, version: str, **terms: Any) -> None:
    world.licences[version] = Licence(version, world.clock.now(), **terms)


def body(world: Any, jobs: list[str], units: list[str]) -> bytes:
    raw = world.body([40] * len(jobs), units)
    return raw.replace(
        b'"datatype": "BYTES", "data": [' + b", ".join([b'"clerk"'] * len(jobs)) + b"]",
        b'"datatype": "BYTES", "data": [' + b", ".join(f'"{j}"'.encode() for j in jobs) + b"]",
    )


def test_a_row_outside_is_refused_naming_column_value_and_what_is_allowed(world: Any) -> None:
    licensed(world, "v1", only={"job": ("clerk", "nurse")})
    world.publish()
    assert world.infer(body(world, ["nurse"], ["u-1"])).status_code == 200
    reply = world.infer(body(world, ["clerk", "pilot"], ["u-2", "u-3"]))
    said = reply.json()
    assert (reply.status_code, said["code"]) == (403, "not-licensed")
    assert said["fields"] == {
        "field": "job",
        "row": 1,
        "value": "pilot",
        "allowed": ["clerk", "nurse"],
        "version": "v1",
    }
    assert len(world.decisions()) == 1
    counted = 'roadworthy_unlicensed_requests_total{endpoint="offers",version="v1",column="job"} 1'
    assert counted in world.gateway.metrics.text()


def test_a_missing_value_is_outside_every_condition(world: Any) -> None:
    licensed(world, "v1", only={"balance": ("0",)})
    world.publish()
    assert world.infer(world.body()).json()["fields"]["value"] == ""


def test_after_the_end_answers_stop_with_the_reason_and_before_it_they_do_not(world: Any) -> None:
    end = world.clock.now() + timedelta(days=30)
    licensed(world, "v1", until=end)
    world.publish()
    world.clock.advance(timedelta(days=30) - timedelta(microseconds=1))
    assert world.infer(world.body()).status_code == 200
    world.clock.advance(timedelta(microseconds=1))
    reply = world.infer(world.body(units=["u-2"]))
    assert (reply.status_code, reply.json()["fields"]["reason"]) == (503, "licence-ended")
    assert f"the approval of v1 ended at {end.isoformat()}" in reply.json()["error"]
    assert world.gateway.resolver.endpoint_health("offers").health is Health.BROKEN
    assert world.request("GET", "/v2/health/ready").status_code == 503


def test_a_model_whose_approval_has_ended_is_not_loaded_and_a_renewed_one_is(world: Any) -> None:
    licensed(world, "v1", until=world.clock.now())
    made = world.publish()
    with pytest.raises(UnavailableError, match="ended at"):
        world.gateway.infer("offers", world.body())
    assert world.models == {}
    licensed(world, "v1", until=world.clock.now() + timedelta(days=1))
    world.publish(replace(made, revision=2))
    world.gateway.resolver.current("offers")
    world.gateway.resolver.settle()
    assert world.gateway.infer("offers", world.body()).versions == ("v1",)
    assert set(world.models) == {"v1"}


def test_rows_a_challenger_is_not_licensed_for_go_to_the_champion_and_the_probability_is_exact(
    world: Any,
) -> None:
    licensed(world, "v2", only={"job": ("nurse",)})
    world.publish(world.canary(0.4, holdout=0.1))
    units = [f"u-{i}" for i in range(400)]
    jobs = ["nurse" if i % 2 else "clerk" for i in range(400)]
    assert world.infer(body(world, jobs, units)).status_code == 200
    chances: dict[tuple[str, str], set[float]] = {}
    for d in world.decisions():
        chances.setdefault((d.inputs["job"], d.arm), set()).add(round(d.propensity, 12))
    assert chances == {
        ("nurse", "champion"): {0.54},
        ("nurse", "challenger"): {0.36},
        ("nurse", "hold-out"): {0.1},
        ("clerk", "champion"): {0.9},
        ("clerk", "hold-out"): {0.1},
    }
    moved = sum(
        world.gateway.resolver.current("offers").assigner.assign(u).arm.name == "challenger"
        for u, job in zip(units, jobs, strict=True)
        if job == "clerk"
    )
    assert f'roadworthy_redirected_rows_total{{endpoint="offers"}} {moved}' in world.gateway.metrics.text()


def test_rows_the_champion_is_not_licensed_for_go_to_the_challenger(world: Any) -> None:
    licensed(world, "v1", only={"job": ("nurse",)})
    world.publish(world.canary(0.4))
    assert world.infer(body(world, ["clerk"] * 50, [f"u-{i}" for i in range(50)])).status_code == 200
    assert {(d.arm, d.propensity) for d in world.decisions()} == {("challenger", 1.0)}


def test_an_arm_without_a_share_takes_nothing_over(world: Any) -> None:
    licensed(world, "v2", only={"job": ("nurse",)})
    former = world.arm("v1", ArmRole.CHALLENGER, 0.0)
    world.publish(world.deployment(world.arm("v2", ArmRole.CHAMPION, 1.0), former))
    assert world.infer(body(world, ["clerk"], ["u-1"])).status_code == 403


def test_a_champion_does_not_answer_for_a_failed_arm_what_it_is_not_licensed_for(world: Any) -> None:
    licensed(world, "v1", only={"job": ("nurse",)})
    world.publish(world.canary(1.0, habit="raises"))
    reply = world.infer(body(world, ["clerk"], ["u-1"]))
    assert reply.status_code == 503
    assert "out of order" in reply.json()["error"]
    assert world.infer(body(world, ["nurse"], ["u-2"])).status_code == 200


def test_held_out_rows_need_no_licence(world: Any) -> None:
    licensed(world, "v1", only={"job": ("nurse",)}, until=world.clock.now())
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0), holdout=1.0))
    assert world.infer(body(world, ["clerk"], ["u-1"])).status_code == 200
    assert world.gateway.resolver.endpoint_health("offers").health is Health.SERVING


def test_an_arm_without_a_licence_is_not_served(world: Any) -> None:
    with pytest.raises(IntegrityError, match="nothing says what it is approved for"):
        Permits([world.arm("v1", ArmRole.CHAMPION, 1.0)], {})


def test_the_two_refusals_are_told_apart(world: Any) -> None:
    licensed(world, "v1", only={"job": ("nurse",)})
    world.publish()
    with pytest.raises(NotLicensedError):
        world.gateway.infer("offers", world.body())
    licensed(world, "v1", until=world.clock.now())
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0), revision=2))
    with pytest.raises(UnavailableError):
        world.gateway.infer("offers", world.body())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("north", "north"),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (np.bool_(False), "false"),
        (None, ""),
    ],
    ids=str,
)
def test_values_are_compared_as_conditions_write_them(value: Any, text: str) -> None:
    assert (text_of(value), text_of(np.nan)) == (text, "")
