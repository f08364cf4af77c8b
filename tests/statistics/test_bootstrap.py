"""The bootstrap interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from roadworthy.domain.errors import DataError
from roadworthy.statistics.bootstrap import bootstrap
from roadworthy.statistics.means import mean_interval
from roadworthy.statistics.ranking import auc


def test_for_a_mean_it_agrees_with_student_s_interval():
    values = np.random.default_rng(1).normal(10, 2, 400)
    found = bootstrap(lambda rows: float(values[rows].mean()), 400, np.random.default_rng(2), draws=4000)
    known = mean_interval(values)
    assert (found.low, found.high) == (pytest.approx(known.low, abs=0.03), pytest.approx(known.high, abs=0.03))


def test_the_same_seed_gives_the_same_interval():
    one, two = (bootstrap(lambda rows: float(rows.mean()), 50, np.random.default_rng(5)) for _ in range(2))
    assert one == two


def test_a_few_undefined_resamples_are_left_out():
    y = np.arange(40) < 5
    found = bootstrap(lambda rows: auc(y[rows], rows.astype(float)), 40, np.random.default_rng(0), draws=400)
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)


def test_a_statistic_that_is_mostly_undefined_is_refused():
    y = np.arange(40) < 1
    with pytest.raises(DataError, match="undefined on"):
        bootstrap(lambda rows: auc(y[rows], rows.astype(float)), 40, np.random.default_rng(0))


@pytest.mark.parametrize(("n", "draws"), [(1, 200), (100, 5)])
def test_too_little_to_resample_is_refused(n, draws):
    with pytest.raises(DataError, match="says nothing"):
        bootstrap(lambda rows: float(len(rows)), n, np.random.default_rng(0), draws=draws)
