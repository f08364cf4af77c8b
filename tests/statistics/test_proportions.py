"""Intervals of rates and of their differences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from roadworthy.domain.errors import DataError
from roadworthy.statistics.proportions import clopper_pearson, difference, wilson

CASES = [(0, 10), (10, 10), (3, 17), (81, 263), (1, 100_000)]


@pytest.mark.parametrize(("k", "n"), CASES)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_intervals_equal_those_of_scipy(k, n, level):
    for own, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        low, high = binomtest(k, n).proportion_ci(level, method)
        found = own(k, n, level)
        assert (found.low, found.high, found.level) == (pytest.approx(low), pytest.approx(high), level)


NEWCOMBE = {  # Newcombe 1998, table II, method 10
    "56/70 - 48/80": (56, 70, 48, 80, 0.0524, 0.3339),
    "9/10 - 3/10": (9, 10, 3, 10, 0.1705, 0.8090),
    "6/7 - 2/7": (6, 7, 2, 7, 0.0582, 0.8062),
    "5/56 - 0/29": (5, 56, 0, 29, -0.0381, 0.1926),
    "10/10 - 0/10": (10, 10, 0, 10, 0.6075, 1.0000),
}


@pytest.mark.parametrize("case", NEWCOMBE.values(), ids=NEWCOMBE.keys())
def test_difference_equals_newcombe_s_published_table(case):
    k1, n1, k2, n2, low, high = case
    gap, interval = difference(k1, n1, k2, n2)
    assert gap == pytest.approx(k1 / n1 - k2 / n2)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 50), st.integers(50, 90), st.integers(0, 30), st.integers(30, 60))
def test_swapping_the_sides_flips_the_sign(k1, n1, k2, n2):
    gap, one = difference(k1, n1, k2, n2)
    back, two = difference(k2, n2, k1, n1)
    assert back == pytest.approx(-gap)
    assert (two.low, two.high) == (pytest.approx(-one.high), pytest.approx(-one.low))


@pytest.mark.parametrize(("k", "n"), [(0, 0), (5, 4), (-1, 4)])
def test_an_impossible_rate_is_refused(k, n):
    with pytest.raises(DataError, match="does not exist"):
        wilson(k, n)
    with pytest.raises(DataError, match="does not exist"):
        clopper_pearson(k, n)
