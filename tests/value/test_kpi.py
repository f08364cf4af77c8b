"""A contract on sealed data: value under both policies, the paired contrast, and limits in three ways."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from roadworthy.domain.errors import DataError, ExpressionError
from roadworthy.domain.use_case import Bound, Interval, KpiContract, KpiLimit, LimitResult, Measured
from roadworthy.statistics.frame import Frame
from roadworthy.value.kpi import limit_holds, on_sealed

RNG = np.random.default_rng(7)
N = 2000
Y = (RNG.random(N) < 0.2).astype(np.float64)
SCORES = np.clip(0.2 + 0.4 * (Y - 0.2) + RNG.normal(0, 0.15, N), 0, 1)
FRAME = Frame({"amount": RNG.uniform(50, 150, N)})


def contract(value: str, limits: tuple[KpiLimit, ...] = (), *, holdout_acts: bool = True) -> KpiContract:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return KpiContract("k", "u", 1, "EUR", value, 1.0, limits, (), 0.05, holdout_acts, at)


def test_the_contrast_is_the_paired_t_interval_of_the_two_policies() -> None:
    result = on_sealed(contract("CASE WHEN acted THEN amount * outcome - 20 ELSE 0 END"), FRAME, Y, SCORES, 0.3)
    gain = FRAME["amount"] * Y - 20
    model = np.where(SCORES >= 0.3, gain, 0.0)
    oracle = stats.ttest_rel(model, gain).confidence_interval(0.95)
    assert result.contrast is not None
    assert result.contrast.value == pytest.approx((model - gain).mean())
    assert (result.contrast.interval.low, result.contrast.interval.high) == pytest.approx((oracle.low, oracle.high))
    assert result.value.value == pytest.approx(model.mean())
    assert result.holdout.value == pytest.approx(gain.mean())


def test_the_holdout_policy_follows_the_contract() -> None:
    never = on_sealed(contract("CASE WHEN acted THEN 1 ELSE 0 END", holdout_acts=False), FRAME, Y, SCORES, 0.3)
    assert never.holdout.value == 0.0
    assert never.contrast.value == pytest.approx((SCORES >= 0.3).mean())


def test_a_limit_on_a_share_uses_wilsons_interval_even_when_nothing_happened() -> None:
    limit = KpiLimit("never", "outcome > 1", Bound.AT_MOST, 0.001, "share")
    measured = on_sealed(contract("outcome", (limit,)), FRAME, Y, SCORES, 0.3).limits[0].measured
    oracle = stats.binomtest(0, N).proportion_ci(method="wilson")
    assert measured.value == 0.0
    assert measured.interval.high == pytest.approx(oracle.high)


def test_a_limit_over_some_rows_counts_only_those() -> None:
    limit = KpiLimit("wasted", "CASE WHEN acted THEN 1 - outcome END", Bound.AT_MOST, 0.5, "share")
    measured = on_sealed(contract("outcome", (limit,)), FRAME, Y, SCORES, 0.3).limits[0].measured
    assert measured.n == int((SCORES >= 0.3).sum())


def test_a_limit_without_a_single_known_value_is_unknown_and_not_zero() -> None:
    limit = KpiLimit("wasted", "CASE WHEN acted THEN 1 - outcome END", Bound.AT_MOST, 0.5, "share")
    result = on_sealed(contract("outcome", (limit,)), FRAME, Y, SCORES, 2.0).limits[0]
    assert result.measured.n == 0
    assert result.measured.value is None
    assert limit_holds(result) is None


@pytest.mark.parametrize(
    ("bound", "low", "high", "expected"),
    [
        pytest.param(Bound.AT_MOST, 0.1, 0.2, True, id="at most, all below"),
        pytest.param(Bound.AT_MOST, 0.1, 0.25, True, id="at most, just touching"),
        pytest.param(Bound.AT_MOST, 0.2, 0.3, None, id="at most, straddling"),
        pytest.param(Bound.AT_MOST, 0.26, 0.3, False, id="at most, all above"),
        pytest.param(Bound.AT_LEAST, 0.25, 0.3, True, id="at least, just touching"),
        pytest.param(Bound.AT_LEAST, 0.2, 0.3, None, id="at least, straddling"),
        pytest.param(Bound.AT_LEAST, 0.1, 0.24, False, id="at least, all below"),
    ],
)
def test_a_limit_holds_fails_or_cannot_be_told_by_its_interval(
    bound: Bound, low: float, high: float, expected: bool | None
) -> None:
    measured = Measured("m", (low + high) / 2, "share", 100, Interval(low, high))
    assert limit_holds(LimitResult(KpiLimit("m", "outcome", bound, 0.25, "share"), measured)) is expected


def test_rows_without_outcome_are_left_out_of_the_value() -> None:
    y = np.where(np.arange(N) % 2 == 0, Y, np.nan)
    assert on_sealed(contract("outcome"), FRAME, y, SCORES, 0.3).value.n == N // 2


def test_nothing_known_at_all_is_an_error_and_not_a_value() -> None:
    with pytest.raises(DataError, match="unknown in all"):
        on_sealed(contract("outcome"), FRAME, np.full(N, np.nan), SCORES, 0.3)


def test_a_wrong_limit_is_named() -> None:
    limit = KpiLimit("complaints", "complaint", Bound.AT_MOST, 0.1, "share")
    with pytest.raises(ExpressionError, match="limit 'complaints' names the unknown column 'complaint'"):
        on_sealed(contract("outcome", (limit,)), FRAME, Y, SCORES, 0.3)


def test_one_outcome_per_row_is_required() -> None:
    with pytest.raises(DataError, match="do not match"):
        on_sealed(contract("outcome"), FRAME, Y[:-1], SCORES, 0.3)
