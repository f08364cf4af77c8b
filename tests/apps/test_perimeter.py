"""The perimeter: one version behind the real gateway over real HTTP, without a user and without a trace outside."""

from __future__ import annotations

import math
import threading

import httpx
import numpy as np
import pytest
from simulated_offers import INPUTS, simulate
from small_world import V1, World, at

from roadworthy.apps.perimeter import MALFORMED, LocalPerimeter, LocalTrial
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.serving import Probe
from roadworthy.services.gates.scoring import scorer


@pytest.fixture(scope="module")
def world() -> World:
    return at("registered")


def opened(world: World) -> tuple[LocalPerimeter, object, bytes]:
    version = world.version(V1)
    return LocalPerimeter(world.house.workshop), version, world.house.artifacts.get(version.artifact)


ROWS, _ = simulate(40, 3)
COLUMNS = ROWS.select(INPUTS).columns


def test_every_way_in_gives_the_scores_of_the_model_itself(world: World) -> None:
    perimeter, version, artifact = opened(world)
    expected = scorer(world.house, world.version(V1))(ROWS)
    with perimeter.open(version, artifact) as trial:
        ways = {"rest": trial.rest(COLUMNS), "in code": trial.in_code(COLUMNS), "batch": trial.batch(COLUMNS)}
    for name, scores in ways.items():
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12, err_msg=name)


def test_a_probe_counts_what_was_answered_echoed_and_logged_and_what_was_refused(world: World) -> None:
    perimeter, version, artifact = opened(world)
    with perimeter.open(version, artifact) as trial:
        found = trial.probe(COLUMNS)
    assert (found.requests, found.answered, found.echoed_ids, found.logged) == (40, 40, 40, 40)
    assert (found.malformed_sent, found.malformed_refused) == (len(MALFORMED), len(MALFORMED))
    assert 0 < found.latency_ms_p50 <= found.latency_ms_p99 < math.inf


def test_a_drill_takes_the_model_back_under_traffic_and_no_request_fails(world: World) -> None:
    perimeter, version, artifact = opened(world)
    with perimeter.open(version, artifact) as trial:
        found = trial.drill(COLUMNS)
        after = trial.rest(COLUMNS)
    assert (found.ran, found.failed, found.requests) == (True, 0, 40)
    assert 0 < found.seconds_to_restore < 10
    assert np.isfinite(after).all()


def test_everything_a_trial_started_ends_with_it(world: World) -> None:
    perimeter, version, artifact = opened(world)
    before = set(threading.enumerate())  # other tests of this process may keep servers of their own
    with perimeter.open(version, artifact) as trial:
        assert isinstance(trial, LocalTrial)
        url = str(trial._client.base_url) if trial._client else ""
        assert httpx.get(f"{url}/v2/health/live").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/v2/health/live")
    left = set(threading.enumerate()) - before
    assert not [t.name for t in left if t.name.startswith(("server-", "gateway-load"))]


def test_a_trial_leaves_no_decision_in_the_real_log(world: World) -> None:
    perimeter, version, artifact = opened(world)
    with perimeter.open(version, artifact) as trial:
        trial.rest(COLUMNS)
    assert world.house.decisions.read("trial") == []


def test_a_trial_that_was_not_opened_says_so(world: World) -> None:
    _, version, artifact = opened(world)
    trial = LocalTrial(world.house.workshop, version, artifact)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError, match="has not been opened"):
        trial.rest(COLUMNS)
    trial.gateway.close()


def test_probing_without_rows_measures_no_latency(world: World) -> None:
    perimeter, version, artifact = opened(world)
    with perimeter.open(version, artifact) as trial:
        found: Probe = trial.probe({n: c[:0] for n, c in COLUMNS.items()})
    assert (found.requests, found.answered) == (0, 0)
    assert math.isnan(found.latency_ms_p99)
