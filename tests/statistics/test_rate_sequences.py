"""The failure rate that may be looked at after every request."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, betabinom, binom

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.statistics.rate_sequences import log_e_rate_below, rate_interval


@pytest.mark.parametrize(("k", "n"), [(0, 50), (2, 300), (9, 300)])
def test_e_is_the_integral_of_likelihood_ratios_below_the_limit(k, n):
    prior = beta(0.5, 0.5)

    def ratio(root):  # p = root^2 takes the singularity of the prior at 0 away
        p = root * root
        return binom.pmf(k, n, p) / binom.pmf(k, n, 0.02) * prior.pdf(p) * 2 * root if root > 0 else 0.0

    expected = quad(ratio, 0.0, math.sqrt(0.02), epsabs=1e-13)[0] / prior.cdf(0.02)
    assert math.exp(log_e_rate_below(k, n, 0.02)) == pytest.approx(expected, rel=1e-6)


def test_a_rate_far_above_the_limit_proves_nothing_even_at_huge_counts():
    assert log_e_rate_below(50_000, 100_000, 0.01) < -1000


def test_no_failures_prove_one_percent_within_four_hundred_requests():
    assert log_e_rate_below(0, 370, 0.01) < math.log(20) < log_e_rate_below(0, 380, 0.01)


def test_before_the_first_trial_e_is_one():
    assert log_e_rate_below(0, 0, 0.01) == pytest.approx(0.0)
    assert (rate_interval(0, 0).low, rate_interval(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(("k", "n"), [(0, 80), (3, 80), (80, 80), (700, 1000)])
def test_the_interval_ends_where_the_beta_binomial_is_twenty_times_the_binomial(k, n):
    found = rate_interval(k, n)
    for edge in {found.low, found.high} - {0.0, 1.0}:
        assert betabinom.pmf(k, n, 0.5, 0.5) / binom.pmf(k, n, edge) == pytest.approx(20.0, rel=1e-6)
    assert found.low <= k / n <= found.high


@pytest.mark.parametrize("rate", [0.01, 0.015])
def test_an_unsafe_rate_is_proven_safe_at_any_look_at_most_alpha_of_the_time(rate):
    rng, wrong = np.random.default_rng(8), 0
    for _ in range(400):
        failures = np.cumsum(rng.random(3000) < rate)
        wrong += any(log_e_rate_below(int(failures[n - 1]), n, 0.01) >= math.log(20) for n in range(50, 3001, 50))
    assert wrong / 400 <= 0.05


def test_impossible_counts_and_limits_are_refused():
    with pytest.raises(DataError, match="do not exist"):
        log_e_rate_below(3, 2, 0.01)
    with pytest.raises(SettingError, match="limit"):
        log_e_rate_below(0, 2, 1.0)
