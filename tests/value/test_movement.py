"""Why a KPI moved: the market, the model, or not to be told."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from roadworthy.domain.errors import DataError
from roadworthy.value.movement import Cause, KpiWindow, explain


def window(seed: int, treated: float, held: float, n: int = 20_000, share: float = 0.1) -> KpiWindow:
    rng = np.random.default_rng(seed)
    held_out = rng.random(n) < share
    return KpiWindow((rng.random(n) < np.where(held_out, held, treated)).astype(np.float64), held_out)


@pytest.mark.parametrize(
    ("before", "after", "cause", "said"),
    [
        pytest.param((0.05, 0.05), (0.50, 0.50), Cause.NOT_ATTRIBUTABLE, "rose as much", id="the market rose"),
        pytest.param((0.10, 0.10), (0.20, 0.10), Cause.ATTRIBUTABLE, "is the model's doing", id="the model rose"),
        pytest.param(
            (0.20, 0.10), (0.12, 0.11), Cause.ATTRIBUTABLE, "of the fall is the model's", id="the model faded"
        ),
        pytest.param((0.10, 0.10), (0.30, 0.40), Cause.HARMFUL, "does harm", id="the market hides a loss"),
        pytest.param((0.10, 0.10), (0.10, 0.10), Cause.UNMOVED, "did not move", id="nothing moved"),
        pytest.param((0.30, 0.30), (0.10, 0.10), Cause.NOT_ATTRIBUTABLE, "fell as much", id="the market fell"),
        pytest.param(
            (0.40, 0.20), (0.60, 0.50), Cause.NOT_ATTRIBUTABLE, "contribution fell", id="less help in a boom"
        ),
    ],
)
def test_a_movement_has_a_cause_and_a_sentence(
    before: tuple[float, float], after: tuple[float, float], cause: Cause, said: str
) -> None:
    found = explain("conversion", "share", window(1, *before), window(2, *after))
    assert found.cause is cause
    assert said in found.sentence


def test_market_and_model_add_up_to_the_total_exactly() -> None:
    found = explain("conversion", "share", window(3, 0.1, 0.1), window(4, 0.3, 0.2))
    assert found.market.value + found.model.value == pytest.approx(found.total.value, abs=1e-12)
    assert found.contrast_after.value - found.contrast_before.value == pytest.approx(found.model.value)


def test_the_total_interval_agrees_with_scipy() -> None:
    before, after = window(5, 0.1, 0.1), window(6, 0.3, 0.2)
    found = explain("conversion", "share", before, after)
    a, b = after.values[~after.held_out], before.values[~before.held_out]
    oracle = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (found.total.interval.low, found.total.interval.high) == pytest.approx(
        (oracle.low, oracle.high), abs=1e-4
    )


@pytest.mark.parametrize(
    ("share", "n", "said"),
    [
        pytest.param(0.0, 20_000, "only 0 held-out units", id="no hold-out"),
        pytest.param(0.001, 20_000, "held-out units have a known value", id="a handful"),
        pytest.param(0.1, 500, "too small to tell", id="too few to tell"),
    ],
)
def test_a_small_hold_out_is_not_measurable(share: float, n: int, said: str) -> None:
    found = explain("conversion", "share", window(7, 0.2, 0.2, n, share), window(8, 0.3, 0.25, n, share))
    assert found.cause is Cause.NOT_MEASURABLE
    assert said in found.sentence


def test_pending_outcomes_are_no_zeros() -> None:
    after = window(9, 0.5, 0.5)
    pending = KpiWindow(np.where(np.arange(20_000) % 3 == 0, np.nan, after.values), after.held_out)
    assert explain("conversion", "share", window(10, 0.5, 0.5), pending).cause is Cause.UNMOVED


def test_money_is_shown_in_its_unit() -> None:
    rng = np.random.default_rng(11)
    held_out = rng.random(5000) < 0.2
    before = KpiWindow(rng.normal(10, 1, 5000), held_out)
    after = KpiWindow(rng.normal(10, 1, 5000) + np.where(held_out, 0.0, 3.0), held_out)
    assert "rose from 10" in explain("margin", "EUR", before, after).sentence
    assert "EUR" in explain("margin", "EUR", before, after).sentence


def test_a_window_of_unequal_arrays_is_refused() -> None:
    with pytest.raises(DataError, match="do not match"):
        explain("k", "EUR", KpiWindow(np.zeros(3), np.zeros(2, dtype=np.bool_)), window(1, 0.1, 0.1))


def test_a_market_that_rises_tenfold_is_credited_to_the_model_in_at_most_five_percent_of_runs() -> None:
    causes = [
        explain("conversion", "share", window(s, 0.05, 0.05, 5000), window(s + 10_000, 0.5, 0.5, 5000)).cause
        for s in range(300)
    ]
    # One tail of a 95 % interval each; 2.5 % of 300 plus 2.5 binomial standard errors.
    assert causes.count(Cause.ATTRIBUTABLE) <= 14
    assert causes.count(Cause.HARMFUL) <= 14
