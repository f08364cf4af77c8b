"""What looking again costs: the formula against its own inequality, and against analysts who look for luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from roadworthy.domain.errors import SettingError
from roadworthy.statistics.reuse import looks_width

LEVEL = 0.95


@pytest.mark.parametrize("looks", [1, 2, 7])
@pytest.mark.parametrize("bits", [1.0, 10.0])
def test_the_chance_of_all_models_an_analyst_may_arrive_at_adds_up_to_what_is_left_of_the_level(
    looks: int, bits: float
) -> None:
    t = looks_width(400, looks, LEVEL, bits)
    per_model = 2 * math.exp(-2 * 400 * t * t)
    assert 2 ** (bits * (looks - 1)) * per_model == pytest.approx(1 - LEVEL)


def test_one_look_is_hoeffdings_interval_and_wider_than_the_exact_binomial_one() -> None:
    t = looks_width(400, 1, LEVEL, 10.0)
    assert t == pytest.approx(math.sqrt(math.log(2 / 0.05) / 800))
    outside = binom.cdf(400 * (0.5 - t), 400, 0.5) + binom.sf(400 * (0.5 + t) - 1, 400, 0.5)
    assert outside <= 0.05


def test_each_look_costs_and_rows_pay_for_it() -> None:
    widths = [looks_width(500, k, LEVEL, 10.0) for k in range(1, 20)]
    assert widths == sorted(widths)
    assert looks_width(5000, 5, LEVEL, 10.0) < looks_width(500, 5, LEVEL, 10.0)
    assert looks_width(500, 5, LEVEL, 0.0) == looks_width(500, 1, LEVEL, 0.0)  # who is told nothing learns nothing


BAD = {
    "no rows": (0, 1, 0.95, 10.0, "rows"),
    "no look": (10, 0, 0.95, 10.0, "looks"),
    "certainty": (10, 1, 1.0, 10.0, "level"),
    "less than nothing told": (10, 1, 0.95, -1.0, "bits"),
    "everything told": (10, 1, 0.95, math.inf, "bits"),
}


@pytest.mark.parametrize(("rows", "looks", "level", "bits", "name"), BAD.values(), ids=BAD)
def test_arguments_outside_their_range_are_refused_by_name(
    rows: int, looks: int, level: float, bits: float, name: str
) -> None:
    with pytest.raises(SettingError, match=f"{name} is"):
        looks_width(rows, looks, level, bits)


@pytest.mark.parametrize("looks", [2, 10, 50])
def test_an_analyst_who_keeps_the_best_of_k_random_models_stays_below_the_bound(looks: int) -> None:
    rng = np.random.default_rng(looks)
    y = (np.arange(400) % 2 == 0).astype(float)
    optimism = []
    for _ in range(60):
        best = max(roc_auc_score(y, rng.random(400)) for _ in range(looks))
        optimism.append(best - 0.5)  # random scores: the truth is 0.5
    bound = looks_width(200, looks, LEVEL, 10.0)
    assert np.mean(optimism) > 0.01  # the best of k does look better than it is
    assert max(optimism) < bound


def test_the_boosting_attack_beats_one_look_and_stays_below_the_bound_for_all_of_them() -> None:
    """Blum & Hardt's attack: keep the random labellings that were told to be above a half, and let them vote."""
    rng, rows, looks = np.random.default_rng(1), 400, 60
    naive, honest = looks_width(rows, 1, LEVEL, 10.0), looks_width(rows, looks + 1, LEVEL, 10.0)
    optimism = []
    for _ in range(40):
        y = rng.integers(0, 2, rows)
        guesses = rng.integers(0, 2, (looks, rows))
        told = (guesses == y).mean(axis=1)
        vote = guesses[told > 0.5].mean(axis=0) > 0.5
        optimism.append(float((vote == y).mean()) - 0.5)
    assert np.mean(optimism) > naive  # the interval of a first look would have believed it
    assert max(optimism) < honest
