"""What looking again costs: the count against its definition, and the interval against analysts who look for luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from roadworthy.domain.errors import SettingError
from roadworthy.statistics.ranking import auc_interval
from roadworthy.statistics.reuse import log_models

LEVEL, BITS = 0.95, 10.0


def optimism_and_half(y: np.ndarray, scores: np.ndarray, looks: int) -> tuple[float, float]:
    """How far the figure lies above one half, and how far the lower limit after so many looks lies below it."""
    value = roc_auc_score(y, scores)
    return value - 0.5, value - auc_interval(y, scores, LEVEL, log_models(looks, BITS)).low


@pytest.mark.parametrize("looks", [1, 2, 3])
@pytest.mark.parametrize("bits", [0, 1, 4])
def test_the_models_are_all_transcripts_of_the_earlier_looks(looks: int, bits: int) -> None:
    transcripts = {divmod(n, 2**bits) for n in range(2 ** (bits * (looks - 1)))}
    assert math.exp(log_models(looks, bits)) == pytest.approx(len(transcripts))


def test_the_interval_is_delongs_with_students_quantile_at_the_level_left_to_one_model() -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(300) % 3 == 0).astype(float)
    scores = rng.random(300) + 0.3 * y
    once, twice = auc_interval(y, scores, LEVEL), auc_interval(y, scores, LEVEL, log_models(2, BITS))
    error = (once.high - once.low) / (2 * norm.isf(0.025))
    assert twice.high - twice.low == pytest.approx(2 * t.isf(0.025 / 1024, 99) * error)


def test_each_look_costs() -> None:
    y, scores = (np.arange(4000) % 2).astype(float), np.random.default_rng(1).random(4000)
    lows = [auc_interval(y, scores, LEVEL, log_models(k, BITS)).low for k in range(1, 20)]
    assert lows == sorted(lows, reverse=True)
    assert len(set(lows)) == len(lows)


def test_more_looks_than_a_float_can_count_leave_nothing_and_never_not_a_number() -> None:
    y = (np.arange(400) % 2).astype(float)
    for scores in (np.random.default_rng(1).random(400), np.full(400, 0.5)):
        low = auc_interval(y, scores, LEVEL, log_models(10**6, BITS)).low
        assert 0.0 <= low <= 0.5


def test_a_useless_model_leaves_the_interval_no_more_often_than_its_level_says_far_out_too() -> None:
    rng, y, outside = np.random.default_rng(12), np.r_[np.ones(40), np.zeros(400)], 0
    for _ in range(4000):
        outside += auc_interval(y, rng.random(440), LEVEL, math.log(20)).low > 0.5
    assert outside <= 4000 * 0.00125 + 3 * math.sqrt(4000 * 0.00125)


def test_a_perfect_figure_is_worth_less_after_looks_too() -> None:
    y = (np.arange(100) < 50).astype(float)
    assert auc_interval(y, y, LEVEL, log_models(2, BITS)).low == pytest.approx((0.05 / 1024) ** (1 / 50))


BAD = {
    "no look": (0, 10.0, "looks"),
    "less than nothing told": (1, -1.0, "bits"),
    "everything told": (1, math.inf, "bits"),
}


@pytest.mark.parametrize(("looks", "bits", "name"), BAD.values(), ids=BAD)
def test_arguments_outside_their_range_are_refused_by_name(looks: int, bits: float, name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is"):
        log_models(looks, bits)


@pytest.mark.parametrize("looks", [2, 10, 50])
def test_an_analyst_who_keeps_the_best_of_k_random_models_stays_below_the_bound(looks: int) -> None:
    rng = np.random.default_rng(looks)
    y = (np.arange(400) % 2 == 0).astype(float)
    found = []
    for _ in range(60):
        best = max((rng.random(400) for _ in range(looks)), key=lambda scores: roc_auc_score(y, scores))
        found.append(optimism_and_half(y, best, looks))  # random scores: the truth is 0.5
    assert np.mean([optimism for optimism, _ in found]) > 0.01  # the best of k does look better than it is
    assert np.mean([optimism < half for optimism, half in found]) >= LEVEL


def test_the_boosting_attack_beats_one_look_and_stays_below_the_bound_for_all_of_them() -> None:
    """Blum & Hardt's attack: keep the random scores that were told to be better than chance, and let them vote."""
    rng, rows, looks = np.random.default_rng(1), 400, 60
    y = (np.arange(rows) % 2).astype(float)
    naive, honest = [], []
    for _ in range(30):
        guesses = rng.random((looks, rows))
        told = np.array([roc_auc_score(y, guess) for guess in guesses])
        vote = guesses[told > 0.5].mean(axis=0)
        naive.append(optimism_and_half(y, vote, 1))
        honest.append(optimism_and_half(y, vote, looks + 1))
    assert np.mean([optimism > half for optimism, half in naive]) > 0.9  # a first look's interval would believe it
    assert all(optimism < half for optimism, half in honest)
