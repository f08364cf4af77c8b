"""Business drift: the base rate and the KPI, up or down, the hold-out beside them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.business_drift import BusinessDriftParams, base_rate, detect, kpi_per_unit
from roadworthy.statistics.frame import Floats


def events(n: int, share: float) -> Floats:
    return (np.arange(n) < round(n * share)).astype(np.float64)


@pytest.mark.parametrize(
    ("before", "after", "n", "expected"),
    [
        pytest.param(0.20, 0.20, 2000, Verdict.PASS, id="unmoved"),
        pytest.param(0.20, 0.22, 9000, Verdict.PASS, id="significant and small"),
        pytest.param(0.20, 0.24, 2000, Verdict.WARN, id="four points"),
        pytest.param(0.20, 0.27, 2000, Verdict.FAIL, id="seven points"),
        pytest.param(0.20, 0.12, 2000, Verdict.FAIL, id="down"),
        pytest.param(0.01, 0.025, 5000, Verdict.FAIL, id="a small rate more than doubled"),
        pytest.param(0.05, 0.503, 1179, Verdict.FAIL, id="a KPI that rises is drift too"),
        pytest.param(0.20, 0.27, 100, Verdict.PASS, id="could be chance"),
        pytest.param(0.20, 0.90, 99, Verdict.INCONCLUSIVE, id="one outcome too few"),
    ],
)
def test_the_base_rate_moves_by_size_and_significance(
    before: float, after: float, n: int, expected: Verdict
) -> None:
    found = base_rate(events(5000, before), events(n, after))
    assert found.verdict is expected
    assert (found.defect is DefectKind.BUSINESS_DRIFT) == (expected in (Verdict.WARN, Verdict.FAIL))


def test_the_interval_is_newcombes() -> None:
    # Newcombe 1998, table II (a): 56/70 - 48/80 gives 0.2 with 0.0524 to 0.3339.
    found = base_rate(events(80, 0.6), events(70, 0.8), BusinessDriftParams(min_rows=30))
    assert found.statistic == pytest.approx(0.2)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_pending_outcomes_are_not_counted_as_non_events() -> None:
    y = np.where(np.arange(4000) % 2 == 0, np.nan, np.tile(events(10, 0.2), 400))
    found = base_rate(np.tile(events(10, 0.2), 200), y)
    assert found.rows == 2000


def test_the_hold_outs_own_movement_is_reported_beside_it() -> None:
    held_out = np.arange(4000) % 10 == 0
    rate, held = detect(events(5000, 0.05), np.random.default_rng(0).random(4000).round(), held_out)
    assert (rate.subject, held.subject) == ("base rate", "hold-out base rate")
    assert held.rows == 400
    assert held.details["after"] == pytest.approx(0.5, abs=0.1)
    assert len(detect(events(5000, 0.05), events(500, 0.05), np.zeros(500, dtype=np.bool_))) == 1


@pytest.mark.parametrize(
    ("shift", "n", "expected"),
    [
        pytest.param(0.0, 2000, Verdict.PASS, id="unmoved"),
        pytest.param(-3.5, 2000, Verdict.WARN, id="a third of a deviation"),
        pytest.param(10.0, 2000, Verdict.FAIL, id="a whole deviation"),
        pytest.param(10.0, 50, Verdict.INCONCLUSIVE, id="too few"),
    ],
)
def test_the_kpi_per_unit_moves_in_its_own_unit(shift: float, n: int, expected: Verdict) -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(100, 10, 5000), rng.normal(100 + shift, 10, n)
    found = kpi_per_unit(before, after, "EUR")
    assert found.verdict is expected
    if expected is not Verdict.INCONCLUSIVE:
        oracle = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
        assert (found.interval.low, found.interval.high) == pytest.approx((oracle.low, oracle.high))
        assert found.unit == "EUR"


RATES = {"2008 end": 0.053, "2009 H1": 0.147, "2009 H2": 0.398, "2010 H1": 0.542, "2010 H2": 0.506}


@pytest.mark.parametrize("period", RATES)
def test_the_banks_conversion_rises_from_five_to_fifty_percent(bank, period: str) -> None:  # type: ignore[no-untyped-def]
    found = base_rate(bank.y[bank.reference], bank.y[bank.rows(period)])
    assert found.details == pytest.approx({"before": 0.048, "after": RATES[period]}, abs=0.001)
    assert found.verdict is (Verdict.PASS if period == "2008 end" else Verdict.FAIL)


def test_bike_demand_rises_year_on_year(bike) -> None:  # type: ignore[no-untyped-def]
    demand, year = bike.floats("cnt"), bike.floats("yr")
    found = kpi_per_unit(demand[year == 0], demand[year == 1], "rentals per hour")
    assert found.details["after"] / found.details["before"] == pytest.approx(1.63, abs=0.01)
    assert found.verdict is Verdict.FAIL
