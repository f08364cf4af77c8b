"""Intervals of means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from roadworthy.domain.errors import DataError
from roadworthy.statistics.means import difference, mean_interval


def test_mean_interval_is_student_s():
    values = np.array([3.1, 2.7, 5.5, 4.0, 3.3])
    low, high = t.interval(0.9, 4, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(5))
    found = mean_interval(values, 0.9)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_difference_is_welch_s():
    rng = np.random.default_rng(0)
    a, b = rng.normal(5, 1, 12), rng.normal(4, 3, 30)
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    gap, found = difference(a, b)
    assert gap == pytest.approx(a.mean() - b.mean())
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_constant_samples_differ_by_exactly_their_gap():
    gap, found = difference(np.ones(3), np.zeros(3))
    assert (gap, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]], ids=["none", "one", "missing"])
def test_too_few_or_missing_rows_are_refused(values):
    with pytest.raises(DataError):
        mean_interval(np.array(values))
    with pytest.raises(DataError):
        difference(np.array([1.0, 2.0]), np.array(values))
