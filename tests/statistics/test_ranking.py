"""AUC, its DeLong intervals, and the scores for probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from roadworthy.domain.errors import DataError
from roadworthy.statistics.ranking import auc, auc_difference, auc_interval, average_precision, brier, log_loss


def draw(seed: int, n: int = 300, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.3
    return y, np.clip(np.round(rng.normal(0.4 + 0.15 * y, 0.2), decimals), 0, 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("own", "oracle"),
    [
        pytest.param(auc, roc_auc_score, id="auc"),
        pytest.param(log_loss, sklearn_log_loss, id="log-loss"),
        pytest.param(brier, brier_score_loss, id="brier"),
        pytest.param(average_precision, average_precision_score, id="average-precision"),
    ],
)
def test_scores_with_ties_equal_those_of_scikit_learn(own, oracle, seed):
    y, scores = draw(seed, decimals=1)
    assert own(y, scores) == pytest.approx(oracle(y, scores), abs=1e-12)


def test_delong_variance_equals_its_definition_over_all_pairs():
    y, scores = draw(7, n=60, decimals=1)
    up, down = scores[y], scores[~y]
    psi = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    variance = np.var(psi.mean(axis=1), ddof=1) / len(up) + np.var(psi.mean(axis=0), ddof=1) / len(down)
    found = auc_interval(y, scores)
    assert found.high - found.low == pytest.approx(2 * 1.959963984540054 * np.sqrt(variance), rel=1e-10)


def test_paired_difference_equals_delong_s_definition_over_all_pairs():
    y, a = draw(8, n=60, decimals=1)
    b = draw(9, n=60, decimals=1)[1] + 0.2 * y

    def psi(s):
        return (s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y])

    d = psi(a) - psi(b)
    variance = np.var(d.mean(axis=1), ddof=1) / y.sum() + np.var(d.mean(axis=0), ddof=1) / (~y).sum()
    gap, interval = auc_difference(y, a, b)
    assert gap == pytest.approx(roc_auc_score(y, a) - roc_auc_score(y, b))
    assert (interval.high - interval.low) / 2 == pytest.approx(1.959963984540054 * np.sqrt(variance), rel=1e-10)


def test_a_model_compared_with_itself_differs_by_exactly_nothing():
    y, a = draw(1)
    gap, interval = auc_difference(y, a, 3 * a)
    assert (gap, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_perfect_separation_on_few_rows_is_not_certainty():
    y, scores = np.array([0, 0, 0, 1, 1, 1]), np.arange(6.0)
    found = auc_interval(y, scores)
    assert found.low == pytest.approx(0.05 ** (1 / 3))
    assert found.high == 1.0


def test_two_perfect_but_different_models_are_not_proven_equal():
    y = np.array([0, 0, 1, 1])
    gap, interval = auc_difference(y, np.array([1.0, 2, 3, 4]), np.array([1.0, 1, 3, 4]))
    assert gap == 0.0
    assert interval.low < -0.5 < 0.5 < interval.high


def test_auc_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered, truth = np.random.default_rng(3), 0, 0.7602499389065233  # Phi(1/sqrt 2)
    for _ in range(1000):
        y = np.arange(200) < 80
        interval = auc_interval(y, rng.normal(1.0 * y))
        covered += interval.low <= truth <= interval.high
    assert 0.93 <= covered / 1000 <= 0.97


@given(st.integers(0, 10_000), st.permutations(range(40)))
@settings(max_examples=50, deadline=None)
def test_auc_ignores_row_order_and_any_increasing_transformation(seed, order):
    y, scores = draw(seed, n=40)
    y[:2] = [False, True]
    assert auc(y[order], np.exp(scores[order])) == pytest.approx(auc(y, scores), abs=1e-12)
    assert auc(y, -scores) == pytest.approx(1 - auc(y, scores), abs=1e-12)


BAD = {
    "one class": ([1, 1, 1], [0.1, 0.2, 0.3], "both classes"),
    "different lengths": ([0, 1], [0.1, 0.2, 0.3], "one score per outcome"),
    "no rows": ([], [], "no rows"),
    "missing score": ([0, 1], [0.1, np.nan], "missing or infinite"),
    "outcome not 0 or 1": ([0, 2], [0.1, 0.2], "neither 0 nor 1"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_data_without_an_answer_is_refused_with_the_reason(case):
    y, scores, reason = case
    with pytest.raises(DataError, match=reason):
        auc(np.array(y), np.array(scores, dtype=float))


def test_an_interval_needs_two_rows_of_each_class():
    with pytest.raises(DataError, match="at least two rows of each class"):
        auc_interval(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3]))


def test_probabilities_outside_their_range_are_refused():
    with pytest.raises(DataError, match="between 0 and 1"):
        brier(np.array([0, 1]), np.array([-0.1, 0.5]))
