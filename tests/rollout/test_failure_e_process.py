"""The e-process over failure events."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.rollout.failure_e_process import FailureEvent, FailureTest, harm_test, observe, safety_test

EVENTS = st.lists(st.builds(FailureEvent, share=st.floats(0.01, 0.99), from_canary=st.booleans()), max_size=40)


def failures(canary: int, total: int, share: float) -> list[FailureEvent]:
    return [FailureEvent(share, i < canary) for i in range(total)]


@pytest.mark.parametrize(("canary", "expected"), [(4, 118.9681), (1, 0.7082715)])
def test_ten_failures_at_share_five_percent_give_the_published_numbers(canary, expected):
    assert observe(harm_test(), failures(canary, 10, 0.05)).e == pytest.approx(expected, abs=5e-5)


@given(EVENTS, st.floats(0.5, 3.0))
@settings(max_examples=50, deadline=None)
def test_e_is_the_mean_over_the_grid_of_the_likelihood_ratios(events, null):
    for test in (harm_test(null), safety_test(null)):

        def q(share, ratio):
            return share * ratio / (share * ratio + 1 - share)

        def ratio(alt, null=null):
            return math.prod(
                q(e.share, alt) / q(e.share, null)
                if e.from_canary
                else (1 - q(e.share, alt)) / (1 - q(e.share, null))
                for e in events
            )

        expected = sum(ratio(alt) for alt in test.grid) / len(test.grid)
        assert observe(test, events).e == pytest.approx(expected, rel=1e-9)


@given(EVENTS)
@settings(max_examples=50, deadline=None)
def test_late_harm_is_the_prior_mean_over_all_starting_events(events):
    late = sum(observe(harm_test(), events[t - 1 :]).e / (t * (t + 1)) for t in range(1, len(events) + 1))
    expected = 0.9 * observe(harm_test(), events).e + 0.1 * (late + 1 / (len(events) + 1))
    assert observe(harm_test(late_weight=0.1), events).e == pytest.approx(expected, rel=1e-9)


def test_a_canary_that_turns_bad_late_is_found_sooner_with_some_capital_kept_for_it():
    good = [FailureEvent(0.5, i % 2 == 0) for i in range(2000)]
    bad = [FailureEvent(0.5, i % 6 != 0) for i in range(400)]
    kept, spent = (observe(harm_test(late_weight=w), good) for w in (0.1, 0.0))
    needed = [next(n for n in range(1, 401) if observe(t, bad[:n]).peak_e >= 20) for t in (kept, spent)]
    assert needed[0] < needed[1] / 2


@given(EVENTS, st.data())
@settings(max_examples=50, deadline=None)
def test_cutting_the_list_in_two_changes_no_bit(events, data):
    cut = data.draw(st.integers(0, len(events)))
    for test in (harm_test(), harm_test(late_weight=0.1), safety_test()):
        assert observe(observe(test, events[:cut]), events[cut:]) == observe(test, events)


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_failures_does_not_change_where_e_ends(own, random):
    mixed = random.sample(own, len(own))
    one, two = (observe(harm_test(), [FailureEvent(0.2, y) for y in ys]) for ys in (own, mixed))
    assert one.log_e == pytest.approx(two.log_e)


@given(st.floats(0.001, 0.999), st.floats(0.2, 10.0))
def test_one_more_failure_multiplies_e_by_one_on_average_under_the_null(share, null):
    chance = share * null / (share * null + 1 - share)
    for test in (harm_test(null), harm_test(null, late_weight=0.3), safety_test(null)):
        canary, champion = (observe(test, [FailureEvent(share, own)]).e for own in (True, False))
        assert chance * canary + (1 - chance) * champion == pytest.approx(1.0)


def test_more_of_the_canary_s_failures_mean_more_harm_and_less_safety():
    harm = [observe(harm_test(), failures(k, 12, 0.3)).log_e for k in range(13)]
    safe = [observe(safety_test(), failures(k, 12, 0.3)).log_e for k in range(13)]
    assert harm == sorted(harm)
    assert safe == sorted(safe, reverse=True)


def test_the_peak_remembers_a_crossing_between_two_looks():
    calm = [FailureEvent(0.05, False)] * 200
    test = observe(harm_test(), failures(4, 4, 0.05) + calm)
    assert test.e < 20 < test.peak_e


def test_before_any_failure_nothing_is_known():
    assert observe(harm_test(), []).e == pytest.approx(1.0)


def test_an_event_while_one_arm_had_all_traffic_says_nothing():
    test = observe(harm_test(), [FailureEvent(0.0, False), FailureEvent(1.0, True)])
    assert (test.e, test.events) == (pytest.approx(1.0), 2)


def test_overwhelming_evidence_stays_a_finite_number():
    test = observe(harm_test(), [FailureEvent(0.01, True)] * 2000)
    assert math.isfinite(test.e)
    assert test.log_e > 2000


def test_the_state_survives_json():
    test = observe(harm_test(), failures(2, 5, 0.1))
    assert msgspec.json.decode(msgspec.json.encode(test), type=FailureTest) == test


@pytest.mark.parametrize(
    "event",
    [FailureEvent(math.nan, True), FailureEvent(1.2, True), FailureEvent(0.0, True), FailureEvent(1.0, False)],
    ids=["missing share", "share above 1", "canary without traffic", "champion without traffic"],
)
def test_an_impossible_failure_is_refused(event):
    with pytest.raises(DataError, match="canary share"):
        observe(harm_test(), [event])


def test_a_late_weight_outside_its_range_is_refused():
    with pytest.raises(SettingError, match="late_weight"):
        harm_test(late_weight=1.0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf])
def test_a_ratio_that_is_not_positive_is_refused(ratio):
    with pytest.raises(SettingError, match="ratio"):
        harm_test(ratio)


def run(rng: np.random.Generator, ratio: float, share: float, events: int, test: FailureTest) -> FailureTest:
    chance = share * ratio / (share * ratio + 1 - share)
    return observe(test, [FailureEvent(share, bool(own)) for own in rng.random(events) < chance])


@pytest.mark.parametrize("late", [0.0, 0.1])
def test_equal_arms_are_called_harmful_at_most_five_percent_of_the_time_though_always_watched(late):
    rng = np.random.default_rng(1)
    false = sum(run(rng, 1.0, 0.1, 400, harm_test(late_weight=late)).peak_e >= 20 for _ in range(400))
    assert false / 400 <= 0.05


def test_a_canary_at_the_limit_is_called_safe_at_most_five_percent_of_the_time():
    rng = np.random.default_rng(2)
    false = sum(run(rng, 2.0, 0.1, 400, safety_test(2.0)).peak_e >= 20 for _ in range(400))
    assert false / 400 <= 0.05


def test_a_canary_five_times_as_bad_is_found_and_an_equal_one_proven_safe():
    rng = np.random.default_rng(3)
    assert all(run(rng, 5.0, 0.1, 150, harm_test()).peak_e >= 20 for _ in range(200))
    assert all(run(rng, 1.0, 0.3, 600, safety_test()).peak_e >= 20 for _ in range(200))
