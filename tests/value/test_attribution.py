"""Money attributed to the model, and the cases in which it must not be."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.use_case import KpiContract
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.value.attribution import AttributionParams, Reason, aipw_scores, attribute
from roadworthy.value.ledger import entry


def revenue(seed: int, n: int = 20_000, share: float = 0.05, lift: float = 1.0) -> tuple[Floats, Bools]:
    """Log-normal revenue per unit; the model adds `lift` to each unit it decides."""
    rng = np.random.default_rng(seed)
    held_out = rng.random(n) < share
    return rng.lognormal(1.0, 1.0, n) + np.where(held_out, 0.0, lift), held_out


def test_the_estimate_equals_horvitz_thompson_when_nothing_is_expected() -> None:
    values, held_out = revenue(1, n=4000, share=0.2)
    zero = np.zeros(4000)
    scores = aipw_scores(values, held_out, np.full(4000, 0.2), (zero, zero))
    oracle = values[~held_out].sum() / 0.8 / 4000 - values[held_out].sum() / 0.2 / 4000
    assert scores.mean() == pytest.approx(oracle)


def test_the_interval_is_the_published_asymptotic_sequence() -> None:
    values, held_out = revenue(2, n=10_000)
    found = attribute(values, held_out, 0.05, params=AttributionParams(n_tune=10_000))
    scores = aipw_scores(values, held_out, np.full(10_000, 0.05))
    # Oracle O11: at n = n_tune = 10000 and 95 % the bound is 3.035209 standard errors.
    half = 3.035209 * scores.std(ddof=1) / 100.0
    assert found.interval is not None
    assert found.interval.high - found.interval.low == pytest.approx(2 * half, rel=1e-6)


def test_a_true_gain_of_one_is_covered_at_every_look_in_at_least_95_percent_of_runs() -> None:
    wrong, runs = 0, 100
    for seed in range(runs):
        values, held_out = revenue(seed)
        looks = [attribute(values[:n], held_out[:n], 0.05) for n in range(5000, 20_001, 2500)]
        wrong += any(a.interval is not None and not a.interval.low <= 1.0 <= a.interval.high for a in looks)
    assert wrong <= 7  # binomial 95 % upper limit of 5 in 100 is 9


def test_running_means_narrow_the_interval() -> None:
    values, held_out = revenue(3)
    h = np.full(len(values), 0.05)
    zero = np.zeros(len(values))
    bare = aipw_scores(values, held_out, h, (zero, zero))
    assert aipw_scores(values, held_out, h).std() < 0.85 * bare.std()


def test_knowing_the_customer_narrows_the_interval_and_does_not_bias() -> None:
    rng = np.random.default_rng(4)
    need = rng.normal(0, 5, 20_000)
    held_out = rng.random(20_000) < 0.1
    values = 10 + need + np.where(held_out, 0.0, 2.0) + rng.normal(0, 1, 20_000)
    plain = attribute(values, held_out, 0.1)
    informed = attribute(values, held_out, 0.1, expected=(10 + need, 10 + need))
    assert informed.interval.low < 2.0 < informed.interval.high
    assert informed.interval.high - informed.interval.low < 0.4 * (plain.interval.high - plain.interval.low)


def test_total_and_hold_out_cost_follow_from_the_value_per_unit() -> None:
    values, held_out = revenue(5)
    found = attribute(values, held_out, 0.05)
    assert found.total == pytest.approx(found.per_unit * (~held_out).sum())
    assert found.holdout_cost == pytest.approx(found.per_unit * held_out.sum())
    assert found.total_interval.low == pytest.approx(found.interval.low * (~held_out).sum())


def test_the_hold_out_share_may_change_over_time_as_logged() -> None:
    rng = np.random.default_rng(6)
    h = np.where(np.arange(20_000) < 10_000, 0.3, 0.05)
    held_out = rng.random(20_000) < h
    # The market doubles half way: comparing raw means would be Simpson's paradox.
    values = np.where(np.arange(20_000) < 10_000, 5.0, 10.0) + rng.normal(0, 1, 20_000)
    found = attribute(values, held_out, h)
    assert found.interval.low < 0.0 < found.interval.high
    assert found.value_model - found.value_holdout > 1.0


def test_young_units_are_left_out_of_both_arms_and_counted() -> None:
    values, held_out = revenue(7)
    due = np.arange(20_000) < 15_000
    late = np.where(due, values, np.where(held_out, 0.0, np.nan))  # held-out outcomes happen to arrive early
    found = attribute(late, held_out, 0.05, due=due)
    same = attribute(values[:15_000], held_out[:15_000], 0.05)
    assert found.pending == 5000
    assert found.per_unit == pytest.approx(same.per_unit)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda v, h: (v, np.zeros_like(h), 0.05, None), Reason.NO_HOLD_OUT, id="no hold-out"),
        pytest.param(lambda v, h: (v, h, 0.0, None), Reason.NO_HOLD_OUT, id="share of zero"),
        pytest.param(lambda v, h: (v[:0], h[:0], 0.05, None), Reason.NO_HOLD_OUT, id="no decisions"),
        pytest.param(lambda v, h: (v, np.ones_like(h), 0.05, None), Reason.NO_MODEL_UNITS, id="only hold-out"),
        pytest.param(lambda v, h: (v[:1000], h[:1000], 0.05, None), Reason.FEW_HELD_OUT, id="50 held out"),
        pytest.param(lambda v, h: (v, h, 0.05, np.zeros_like(h)), Reason.NOT_DUE, id="all too young"),
        pytest.param(lambda v, h: (v, h, 0.10, None), Reason.BROKEN_ASSIGNMENT, id="5 % held out, 10 % declared"),
        pytest.param(lambda v, h: (np.full_like(v, np.nan), h, 0.05, None), Reason.FEW_HELD_OUT, id="no outcomes"),
        pytest.param(
            lambda v, h: (np.where(h | (np.arange(len(v)) % 2 == 0), v, np.nan), h, 0.05, None),
            Reason.UNEQUAL_COVERAGE,
            id="half of the model's outcomes missing",
        ),
    ],
)
def test_what_a_hold_out_cannot_carry_is_not_measurable(change, reason) -> None:  # type: ignore[no-untyped-def]
    values, held_out, share, due = change(*revenue(8))
    found = attribute(values, held_out, share, due=due)
    assert (found.measurable, found.reason) == (False, reason)
    assert found.sentence.startswith("Not measurable: ")
    assert (found.per_unit, found.interval, found.total, found.holdout_cost) == (None, None, None, None)


def test_arrays_that_do_not_match_are_refused() -> None:
    values, held_out = revenue(9, n=500)
    with pytest.raises(DataError, match="different lengths"):
        attribute(values, held_out[:-1], 0.05)
    with pytest.raises(DataError, match="infinite"):
        attribute(np.full(500, np.inf), held_out, 0.05)


def test_a_parameter_outside_its_range_is_named() -> None:
    with pytest.raises(SettingError, match="min_units"):
        AttributionParams(min_units=5)


def ledger_line(values: Floats, held_out: Bools):  # type: ignore[no-untyped-def]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    contract = KpiContract("k", "u", 1, "EUR", "outcome", 1.0, (), (), 0.05, True, at)
    found = attribute(values, held_out, 0.05)
    return entry(id="l", endpoint="e", version="v", contract=contract, since=at, until=at, attribution=found)


def test_the_ledger_states_what_was_measured_in_the_contracts_unit() -> None:
    line = ledger_line(*revenue(10))
    assert line.measurable
    assert (line.unit, line.contract, line.reason) == ("EUR", "k", "")
    assert line.units_served + line.units_held_out == 20_000
    assert line.total == pytest.approx(line.per_unit * line.units_served)


def test_the_ledger_says_not_measurable_instead_of_guessing() -> None:
    values, held_out = revenue(11)
    line = ledger_line(values, np.zeros_like(held_out))
    assert not line.measurable
    assert line.total is None
    assert "nothing to compare" in line.reason
    assert line.value_model == pytest.approx(values.mean())


def test_a_window_without_any_known_value_gets_no_line() -> None:
    values, held_out = revenue(12)
    assert ledger_line(np.full_like(values, np.nan), held_out) is None
