"""Confidence sequences and mixtures, against published and independently computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.statistics.sequences import (
    asymptotic_interval,
    asymptotic_margin,
    betting_interval,
    log_mixture,
    log_mixture_one_sided,
    mixture_bound,
    mixture_bound_one_sided,
    msprt_log_ratio,
    tuned_rho,
)


def test_two_sided_mixture_gives_confseq_s_numbers():
    rho = tuned_rho(100, 0.05)
    assert rho == pytest.approx(12.60056, abs=5e-6)
    assert log_mixture(10, 100, rho) == pytest.approx(-0.6510052, abs=5e-8)
    assert mixture_bound(100, rho) == pytest.approx(30.35209, abs=5e-6)


def test_one_sided_mixture_gives_confseq_s_numbers():
    rho = tuned_rho(100, 0.05, one_sided=True)
    assert log_mixture_one_sided(10, 100, rho) == pytest.approx(-0.06502391, abs=5e-9)
    assert mixture_bound_one_sided(100, rho) == pytest.approx(27.66071, abs=5e-6)


@pytest.mark.parametrize(("s", "v", "rho"), [(3.0, 10.0, 2.0), (-4.0, 25.0, 9.0)])
def test_mixtures_are_integrals_of_the_exponential_martingale(s, v, rho):
    def weighted(x):
        return math.exp(x * s - x * x * v / 2) * norm.pdf(x, scale=rho**-0.5)

    assert log_mixture(s, v, rho) == pytest.approx(math.log(quad(weighted, -np.inf, np.inf)[0]))
    assert log_mixture_one_sided(s, v, rho) == pytest.approx(math.log(2 * quad(weighted, 0, np.inf)[0]))


def test_asymptotic_sequence_of_a_relative_lift_gives_gbstats_numbers():
    n_a, n_b = 3000, 3461
    a, b = 1396.87 / n_a, 2422.7 / n_b
    var_a = (52377.9767 - n_a * a * a) / (n_a - 1)
    var_b = (134698.29 - n_b * b * b) / (n_b - 1)
    se = math.sqrt(var_b / n_b / a**2 + b**2 * var_a / n_a / a**4)
    found = asymptotic_interval((b - a) / a, se, n_a + n_b, n_tune=1000)
    assert (found.low, found.high) == (pytest.approx(-0.55844, abs=5e-6), pytest.approx(1.56516, abs=5e-6))


def test_asymptotic_sequence_of_two_rates_gives_gbstats_numbers():
    n_a, n_b = 3000, 3461
    a, b = 1396 / n_a, 2422 / n_b
    se = math.sqrt(b * (1 - b) / n_b / a**2 + b**2 * a * (1 - a) / n_a / a**4)
    found = asymptotic_interval((b - a) / a, se, n_a + n_b, n_tune=5000)
    assert (found.low, found.high) == (pytest.approx(0.40098, abs=1e-5), pytest.approx(0.60675, abs=1e-5))


@pytest.mark.parametrize(("n", "ratio"), [(1000, 1.7163), (5000, 1.5486), (10_000, 1.5620), (100_000, 1.7025)])
def test_looking_always_costs_this_much_width(n, ratio):
    sequence = asymptotic_interval(0.0, 1.0, n, n_tune=5000)
    assert sequence.high / 1.959963984540054 == pytest.approx(ratio, abs=5e-5)


def test_eppo_s_width_at_its_tuning_point():
    assert asymptotic_interval(0.0, 1.0, 10_000, n_tune=10_000).high == pytest.approx(3.035209, abs=5e-7)


def test_the_one_sided_margin_is_the_mixture_s_own_up_to_its_closed_form_approximation():
    n, tune = 4000, 5000
    rho = tuned_rho(tune, 0.05, one_sided=True)
    exact = mixture_bound_one_sided(n, rho) / math.sqrt(n)
    assert asymptotic_margin(1.0, n, 0.05, tune) == pytest.approx(exact, rel=0.01)
    assert asymptotic_margin(1.0, n, 0.05, tune) < asymptotic_interval(0.0, 1.0, n, 0.95, tune).high


def test_msprt_gives_the_published_ratio_and_equals_the_mixture():
    found = msprt_log_ratio(0.1, 1000, 2.0, 0.01)
    assert math.exp(found) == pytest.approx(3.278722, abs=5e-7)
    assert math.exp(-found) == pytest.approx(0.304997, abs=5e-7)
    assert found == pytest.approx(log_mixture(1000 * 0.1 / math.sqrt(2.0), 1000, 2.0 / 0.01))


def test_betting_keeps_exactly_the_means_no_gambler_got_rich_against():
    x = np.random.default_rng(4).beta(2, 5, 60)
    mean, var, lam = 0.5, 0.25, []
    total, squares = 0.5, 0.25
    for i, value in enumerate(x, start=1):
        lam.append(math.sqrt(2 * math.log(2 / 0.05) / (var * i * math.log(i + 1))))
        total += value
        mean = total / (i + 1)
        squares += (value - mean) ** 2
        var = squares / (i + 1)

    def kept(m):
        up = math.prod(1 + min(bet, 0.5 / m) * (v - m) for bet, v in zip(lam, x, strict=True))
        down = math.prod(1 - min(bet, 0.5 / (1 - m)) * (v - m) for bet, v in zip(lam, x, strict=True))
        return max(up, down) / 2 < 1 / 0.05

    found = betting_interval(x, 0.0, 1.0)
    assert [kept(found.low + d) for d in (-1e-6, 1e-6)] == [False, True]
    assert [kept(found.high + d) for d in (-1e-6, 1e-6)] == [True, False]


def test_betting_moves_with_its_bounds_and_mirrors_with_its_sign():
    x = np.random.default_rng(5).random(40)
    one = betting_interval(x, 0.0, 1.0)
    moved = betting_interval(10 * x - 3, -3.0, 7.0)
    mirrored = betting_interval(-x, -1.0, 0.0)
    assert (moved.low, moved.high) == (pytest.approx(10 * one.low - 3), pytest.approx(10 * one.high - 3))
    assert (mirrored.low, mirrored.high) == (pytest.approx(-one.high), pytest.approx(-one.low))


def test_one_row_proves_next_to_nothing():
    found = betting_interval(np.array([1.0]), 0.0, 1.0)
    assert (found.low, found.high) == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.5, 0.93])
def test_betting_covers_at_every_look_at_once(rate):
    rng, missed, looks = np.random.default_rng(6), 0, (5, 10, 20, 40, 80, 160, 320, 640)
    for _ in range(1000):
        x = (rng.random(640) < rate).astype(float)
        seen = [betting_interval(x[:n], 0.0, 1.0) for n in looks]
        missed += any(not found.low <= rate <= found.high for found in seen)
    assert missed / 1000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


BAD = {
    "alpha 0": (lambda: tuned_rho(100, 0.0), SettingError),
    "rho 0": (lambda: log_mixture(1, 1, 0.0), SettingError),
    "no units": (lambda: asymptotic_interval(0.0, 1.0, 0), DataError),
    "no standard error": (lambda: asymptotic_interval(0.0, math.nan, 10), DataError),
    "no rows to bet on": (lambda: betting_interval(np.array([]), 0.0, 1.0), DataError),
    "value beyond its bound": (lambda: betting_interval(np.array([1.1]), 0.0, 1.0), DataError),
    "missing value": (lambda: betting_interval(np.array([math.nan]), 0.0, 1.0), DataError),
    "bounds swapped": (lambda: betting_interval(np.array([0.5]), 1.0, 0.0), SettingError),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_has_no_answer_is_refused(case):
    call, error = case
    with pytest.raises(error):
        call()
