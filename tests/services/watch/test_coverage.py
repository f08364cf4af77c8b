"""Coverage and the delay curve of outcomes: early ones are kept and matched later, and nothing is counted twice."""

from __future__ import annotations

import pytest
from small_world import ENDPOINT, at, days

from roadworthy.domain.errors import NotFoundError
from roadworthy.services.watch.coverage import outcome_coverage


def test_outcomes_before_their_decision_are_kept_counted_and_matched_when_it_appears() -> None:
    world = at("serving")
    world.report({"early-0": 1.0, "early-1": 0.0, "nobody": 1.0})
    before = outcome_coverage(world.house, ENDPOINT)
    assert (before.requests, before.known, before.unmatched) == (0, 0, 3)
    assert before.curve == ()
    world.live(4, 8, "early")
    after = outcome_coverage(world.house, ENDPOINT)
    assert (after.requests, after.known, after.unmatched, after.some_unmatched) == (4, 2, 1, ("nobody",))


def test_coverage_counts_what_is_due_and_a_correction_once() -> None:
    world = at("serving")
    world.live(10, 8, "old")
    world.clock.advance(days(8))
    world.live(10, 9, "new")
    world.report({f"old-{n}": 1.0 for n in range(6)})
    world.report({"old-1": 0.0, "new-1": 1.0})
    found = outcome_coverage(world.house, ENDPOINT)
    assert (found.requests, found.known, found.due, found.due_known) == (20, 7, 10, 6)


def test_the_delay_curve_counts_only_decisions_old_enough_for_each_point() -> None:
    world = at("serving")
    world.live(10, 8, "a")
    world.clock.advance(days(1.5))
    world.report({f"a-{n}": 1.0 for n in range(4)})
    world.clock.advance(days(3))
    world.live(10, 9, "b")
    world.report({"a-5": 1.0, "b-0": 1.0})
    curve = {p.days: (p.decisions, p.share) for p in outcome_coverage(world.house, ENDPOINT).curve}
    assert curve == {0.04: (10, 0.0), 0.25: (10, 0.0), 1: (10, 0.0), 2: (10, 0.4), 3: (10, 0.4)}
    world.clock.advance(days(1))
    curve = {p.days: (p.decisions, p.share) for p in outcome_coverage(world.house, ENDPOINT).curve}
    assert curve[1] == (20, pytest.approx(0.05))
    assert curve[5] == (10, 0.5)


def test_an_endpoint_that_is_not_there_is_said_so() -> None:
    with pytest.raises(NotFoundError):
        outcome_coverage(at("prepared").house, "nowhere")
