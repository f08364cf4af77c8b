"""Status tells what is left of every approval that serves: days, decisions, and what moved in the newest review."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from small_playbooks import WAIVED
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.gate import Gate
from roadworthy.domain.review import ReviewRun, Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.licence.expiry import Standing, as_of, standing_of
from roadworthy.services.licence.standing import suspend
from roadworthy.services.watch.status import status


def serving(terms: str) -> World:
    """`offers:1` in front of all traffic, approved under these terms."""
    world = at("registered")
    world.validate(V1, WAIVED + f'\napproval:\n  low: {{{terms}, reason: "a test"}}\n'.encode())
    sign_off(world.house, world.who("vera"), V1, approved=True, reason="ok")
    world.gate(V1, Gate.RELEASE)
    world.accept(V1)
    world.gate(V1, Gate.ACTIVATION)
    world.deploy(V1)
    return world


def left(world: World) -> tuple[Standing, ...]:
    (endpoint,) = status(world.house).endpoints
    return endpoint.approvals


def reviewed(world: World, *verdicts: Verdict) -> None:
    """A review whose signals came out like this."""
    now = world.clock.now()
    signals = tuple(Signal(f"m{i}", SignalKind.DATA_DRIFT, "x", v, "told") for i, v in enumerate(verdicts))
    with world.house.store.begin() as tx:
        number = tx.of(ReviewRun).count() + 1
        since = now - timedelta(days=1)
        run = ReviewRun(
            f"review-{number}", ENDPOINT, "offers", V1, since, now, now, 9, 0, Verdict.WARN, signals, "x"
        )
        tx.of(ReviewRun).add(run)


def test_days_and_decisions_left_are_those_of_the_licence_command() -> None:
    world = serving("max_age_days: 100, max_decisions: 1000")
    world.live(60, 11, "m")
    world.clock.advance(days(30))
    (standing,) = left(world)
    assert standing == standing_of(world.house, V1)
    model = [d for d in world.house.decisions.read(ENDPOINT) if d.version == V1]
    assert standing.days_left == pytest.approx(70)
    assert standing.decisions_left == 1000 - len(model)


def test_the_drift_share_is_that_of_the_newest_review_and_counts_only_what_was_measured() -> None:
    world = serving("max_age_days: 100")
    assert left(world)[0].drift_share is None
    reviewed(world, Verdict.FAIL, Verdict.FAIL)
    reviewed(world, Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.ERROR)
    assert left(world)[0].drift_share == 0.5
    reviewed(world, Verdict.INCONCLUSIVE)
    assert left(world)[0].drift_share is None


def test_what_serves_nothing_any_more_is_not_listed() -> None:
    world = serving("max_age_days: 100")
    suspend(world.house, world.who("omar"), V1, "an incident")
    assert left(world) == ()


def test_a_standing_that_was_read_before_goes_on_by_the_calendar() -> None:
    world = serving("max_age_days: 100, max_decisions: 1000")
    before = standing_of(world.house, V1)
    for age in (0, 50, 95, 100, 130):
        then = world.clock.now() + days(age)
        assert as_of(before, then) == standing_of(world.house, V1, then)
    unlimited = replace(before, approval=None)
    assert as_of(unlimited, world.clock.now() + days(9)) == unlimited
