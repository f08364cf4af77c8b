"""Sample-ratio mismatch."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, dirichlet_multinomial, multinomial

from roadworthy.domain.errors import DataError
from roadworthy.rollout.assignment_health import AssignmentTest, observe, srm_p_value

EVEN = {"a": 0.5, "b": 0.5}
PUBLISHED = {
    "1000:1100": ([1, 1], [1000, 1100], 0.0290963),
    "three arms": ([1, 1, 1], [5000, 5000, 5300], 0.00278222),
    "Kohavi's case": ([1, 1], [821_588, 815_482], 1.82e-6),
}


def named(values):
    return dict(zip("abc", values, strict=False))


@pytest.mark.parametrize("case", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_the_fixed_look_gives_the_published_p_values(case):
    weights, counts, expected = case
    found = srm_p_value(named(weights), named(counts))
    assert found == pytest.approx(chisquare(counts).pvalue)
    assert found == pytest.approx(expected, rel=0.003)


@pytest.mark.parametrize(
    ("counts", "expected"), [([10, 20], 1.2920359), ([40, 80], 26.520983), ([340, 480], 14670.0701)]
)
def test_the_anytime_test_gives_the_published_e_values(counts, expected):
    assert math.exp(observe(AssignmentTest(), EVEN, named(counts)).log_e) == pytest.approx(expected, rel=1e-7)


def test_e_is_the_dirichlet_multinomial_over_the_multinomial():
    weights, counts = {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": 60, "b": 30, "c": 12}
    n, theta = list(counts.values()), np.array(list(weights.values()))
    expected = dirichlet_multinomial.logpmf(n, 100 * theta, 102) - multinomial.logpmf(n, 102, theta)
    assert observe(AssignmentTest(), weights, counts).log_e == pytest.approx(float(expected))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6))
@settings(max_examples=50)
def test_counting_in_pieces_ends_where_counting_at_once_does(pieces):
    test = AssignmentTest()
    for a, b in pieces:
        test = observe(test, EVEN, {"a": a, "b": b})
    whole = observe(AssignmentTest(), EVEN, {"a": sum(p[0] for p in pieces), "b": sum(p[1] for p in pieces)})
    assert test.log_e == pytest.approx(whole.log_e, abs=1e-9)


def test_arm_names_and_the_scale_of_weights_do_not_matter():
    one = observe(AssignmentTest(), {"a": 1, "b": 3}, {"a": 20, "b": 90})
    two = observe(AssignmentTest(), {"z": 0.75, "y": 0.25}, {"z": 90, "y": 20})
    assert one.log_e == pytest.approx(two.log_e)


def test_each_period_is_judged_by_the_weights_in_force_then():
    ramp = observe(AssignmentTest(), {"a": 0.9, "b": 0.1}, {"a": 900, "b": 100})
    ramp = observe(ramp, EVEN, {"a": 500, "b": 500})
    late = observe(ramp, EVEN, {"a": 100, "b": 400})
    assert not ramp.alarms(0.05)
    assert late.alarms(0.001)


def test_a_unit_on_an_arm_of_weight_zero_is_an_alarm_at_once():
    test = observe(AssignmentTest(), {"a": 1.0, "b": 0.0}, {"a": 5000, "b": 1})
    assert test.alarms(1e-9)
    assert test.leaked == ("b",)
    assert srm_p_value({"a": 0.5, "b": 0.5, "c": 0.0}, {"a": 1, "b": 1, "c": 1}) == 0.0


def test_a_leak_is_not_forgotten_when_the_weights_change():
    test = observe(AssignmentTest(), {"a": 1.0, "b": 0.0}, {"b": 1})
    assert observe(test, EVEN, {"a": 500, "b": 500}).alarms(0.001)


def test_a_right_assignment_watched_at_every_batch_alarms_at_most_alpha_of_the_time():
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(300):
        test = AssignmentTest()
        for _ in range(40):
            a = int(rng.binomial(50, 0.5))
            test = observe(test, EVEN, {"a": a, "b": 50 - a})
        alarms += test.alarms(0.05)
    assert alarms / 300 <= 0.05


def test_a_broken_assignment_is_found():
    rng = np.random.default_rng(1)
    for _ in range(50):
        a = int(rng.binomial(20_000, 0.52))
        assert observe(AssignmentTest(), EVEN, {"a": a, "b": 20_000 - a}).alarms(0.01)


def test_the_state_survives_json():
    test = observe(AssignmentTest(), EVEN, {"a": 3, "b": 9})
    assert msgspec.json.decode(msgspec.json.encode(test), type=AssignmentTest) == test


BAD = {
    "unknown arm": ({"a": 1.0}, {"b": 3}, "no weight"),
    "negative count": (EVEN, {"a": -1}, "negative"),
    "missing weight": ({"a": math.nan, "b": 1.0}, {"a": 1}, "missing"),
    "no weight at all": ({"a": 0.0}, {}, "no arm has weight"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_counts_that_cannot_be_judged_are_refused(case):
    weights, counts, reason = case
    with pytest.raises(DataError, match=reason):
        observe(AssignmentTest(), weights, counts)


def test_a_fixed_look_needs_units_on_two_arms():
    with pytest.raises(DataError, match="cannot show a mismatch"):
        srm_p_value(EVEN, {})
    with pytest.raises(DataError, match="cannot show a mismatch"):
        srm_p_value({"a": 1.0}, {"a": 100})
