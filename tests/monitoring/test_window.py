"""A whole review of a window, on the bank's real calls and on a quiet week."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from roadworthy.domain.errors import DataError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.conclude import conclude
from roadworthy.monitoring.window import ReviewWindow, review
from roadworthy.statistics.frame import Frame


def quiet(n: int = 3000, seed: int = 1) -> ReviewWindow:
    def side(rng: np.random.Generator, rows: int):  # type: ignore[no-untyped-def]
        x = rng.normal(0, 1, rows)
        p = 1 / (1 + np.exp(-2 * x))
        return Frame({"x": np.clip(x, -3, 3)}), p, (rng.random(rows) < p).astype(np.float64)

    before, now = side(np.random.default_rng(0), 5000), side(np.random.default_rng(seed), n)
    return ReviewWindow(*before, *now, np.arange(n) % 10 == 0)


@pytest.mark.parametrize("period", ["2009 H1", "2009 H2", "2010 H1", "2010 H2"])
def test_mathematical_drift_while_conversion_rises(bank, period: str) -> None:  # type: ignore[no-untyped-def]
    found = conclude(review(bank.window(bank.rows(period))))
    assert found.verdict is Verdict.FAIL
    assert found.defects[0] is DefectKind.MATHEMATICAL_DRIFT
    assert {DefectKind.DATA_DRIFT, DefectKind.BUSINESS_DRIFT} <= set(found.defects)
    assert "Do not congratulate the model: base rate rose from 4.8%" in found.sentence
    assert "Goes back to modelling and analysis" in found.sentence


def test_the_hold_out_proves_that_the_rise_is_not_the_models(bank) -> None:  # type: ignore[no-untyped-def]
    assert "without the model" in conclude(review(bank.window(bank.rows("2009 H2")))).sentence


@pytest.mark.parametrize("start", [24_064, 30_000, 41_000])
def test_thirty_five_rows_raise_no_alarm(bank, start: int) -> None:  # type: ignore[no-untyped-def]
    signals = review(bank.window(np.arange(start, start + 35)))
    assert not [s for s in signals if s.verdict in (Verdict.WARN, Verdict.FAIL)]
    assert conclude(signals).verdict is Verdict.INCONCLUSIVE


def test_a_quiet_window_passes() -> None:
    assert conclude(review(quiet())).verdict is Verdict.PASS


def test_without_outcomes_the_review_is_inconclusive_and_never_a_pass() -> None:
    window = quiet()
    found = conclude(review(replace(window, y=np.full(3000, np.nan))))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "mathematical drift" in found.sentence


def test_no_decisions_at_all_are_inconclusive_and_silence_fails() -> None:
    window = quiet(n=0)
    assert conclude(review(window)).verdict is Verdict.INCONCLUSIVE
    silent = conclude(review(replace(window, expected_rows=500.0)))
    assert (silent.verdict, silent.defects) == (Verdict.FAIL, (DefectKind.DATA_QUALITY,))


def test_early_outcomes_of_young_decisions_do_not_count() -> None:
    window = quiet()
    due = np.arange(3000) < 2000
    # Events are known at once, non-events only when the time is up: the young third looks like all events.
    early = np.where(due | (window.y == 1.0), window.y, np.nan)
    assert conclude(review(replace(window, y=early, due=due))).verdict is Verdict.PASS
    assert conclude(review(replace(window, y=early))).verdict is Verdict.FAIL


def test_the_kpi_is_reviewed_in_its_unit_when_given() -> None:
    rng = np.random.default_rng(2)
    window = replace(quiet(), values_reference=rng.normal(10, 2, 5000), values=rng.normal(14, 2, 3000), unit="EUR")
    kpi = next(s for s in review(window) if s.subject == "kpi per unit")
    assert (kpi.verdict, kpi.unit) == (Verdict.FAIL, "EUR")


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match="the window has 3000 rows"):
        replace(quiet(), y=np.zeros(10))


def test_signals_survive_json_and_repeat_exactly() -> None:
    signals = review(quiet())
    again = msgspec.json.decode(msgspec.json.encode(signals), type=tuple[Signal, ...])
    assert again == signals == review(quiet())


def test_the_window_is_not_changed_by_its_review() -> None:
    window = quiet()
    kept = [np.array(a, copy=True) for a in (window.scores, window.y, window.inputs["x"])]
    review(window)
    for before, after in zip(kept, (window.scores, window.y, window.inputs["x"]), strict=True):
        np.testing.assert_array_equal(before, after)
