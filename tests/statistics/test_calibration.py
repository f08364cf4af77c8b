"""Calibration table, error, slope and intercept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from roadworthy.domain.errors import DataError
from roadworthy.statistics.calibration import (
    calibration_slope_intercept,
    calibration_table,
    expected_calibration_error,
)


def draw(slope: float = 1.0, intercept: float = 0.0, n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    scores = expit(rng.normal(-1, 1.2, n))
    return rng.random(n) < expit(intercept + slope * logit(scores)), scores


def test_the_table_equals_scikit_learn_s_curve():
    y, scores = draw()
    rates, means = calibration_curve(y, scores, n_bins=10)
    table = calibration_table(y, scores)
    assert [row["rate"] for row in table] == pytest.approx(rates)
    assert [row["mean_score"] for row in table] == pytest.approx(means)
    assert sum(row["n"] for row in table) == len(y)


def test_the_table_is_plain_json_and_leaves_empty_bins_out():
    table = calibration_table(np.array([0, 1]), np.array([0.05, 1.0]))
    assert json.loads(json.dumps(table)) == table
    assert [(row["low"], row["n"]) for row in table] == [(0.0, 1), (0.9, 1)]


def test_the_error_of_a_hand_computed_case():
    y, scores = np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 0.8, 0.8])
    assert expected_calibration_error(y, scores, bins=2) == pytest.approx(0.5 * 0.4 + 0.5 * 0.2)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -0.7), (1.8, 0.4)])
def test_slope_and_intercept_equal_an_unpenalised_logistic_regression(slope, intercept):
    y, scores = draw(slope, intercept)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(scores)[:, None], y)
    found = calibration_slope_intercept(y, scores)
    assert found == (pytest.approx(model.coef_[0, 0], abs=1e-4), pytest.approx(model.intercept_[0], abs=1e-4))
    assert found == (pytest.approx(slope, abs=0.15), pytest.approx(intercept, abs=0.15))


def test_scores_of_exactly_zero_and_one_do_not_break_the_slope():
    y, scores = draw()
    slope, intercept = calibration_slope_intercept(
        y, np.where(scores > 0.8, 1.0, np.where(scores < 0.05, 0.0, scores))
    )
    assert 0.0 < slope < 1.0
    assert abs(intercept) < 2.0


BAD = {
    "one class": ([1, 1], [0.2, 0.4], "both classes"),
    "constant score": ([0, 1], [0.3, 0.3], "more than one distinct score"),
    "separated": ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "infinite"),
    "not a probability": ([0, 1], [0.1, 1.2], "between 0 and 1"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_slope_that_does_not_exist_is_refused(case):
    y, scores, reason = case
    with pytest.raises(DataError, match=reason):
        calibration_slope_intercept(np.array(y), np.array(scores))


def test_no_bins_are_refused():
    with pytest.raises(DataError, match="bins"):
        calibration_table(np.array([0, 1]), np.array([0.1, 0.2]), bins=0)
