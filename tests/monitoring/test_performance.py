"""Mathematical drift: from realised outcomes, with intervals, and never from too few."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.performance import PerformanceParams, coverage, detect
from roadworthy.statistics.frame import Floats


def scored(seed: int, n: int, separation: float, rate: float = 0.2) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < rate).astype(np.float64)
    return y, 1 / (1 + np.exp(-rng.normal(separation * y, 1.0)))


def signals(reference_auc: float, y: Floats, scores: Floats) -> dict[str, Signal]:
    return {s.subject: s for s in detect(reference_auc, y, scores)}


@pytest.mark.parametrize(
    ("separation", "n", "auc", "chance"),
    [
        # A separation of d gives an AUC of Phi(d / sqrt 2): 1.19 -> 0.80, 1.0 -> 0.76, 0.5 -> 0.64.
        pytest.param(1.19, 4000, Verdict.PASS, Verdict.PASS, id="as good as the reference"),
        pytest.param(1.05, 4000, Verdict.PASS, Verdict.PASS, id="a drop that is allowed"),
        pytest.param(0.50, 4000, Verdict.FAIL, Verdict.PASS, id="worse, not useless"),
        pytest.param(0.00, 4000, Verdict.FAIL, Verdict.FAIL, id="chance"),
        pytest.param(0.05, 40_000, Verdict.FAIL, Verdict.FAIL, id="surely above 0.5 and still useless"),
        pytest.param(-0.5, 4000, Verdict.FAIL, Verdict.FAIL, id="worse than chance"),
        pytest.param(0.00, 300, Verdict.FAIL, Verdict.INCONCLUSIVE, id="60 events: a drop, chance not shown"),
        pytest.param(0.00, 100, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, id="20 events: nothing to say"),
    ],
)
def test_the_auc_is_judged_by_its_interval(separation: float, n: int, auc: Verdict, chance: Verdict) -> None:
    found = signals(0.80, *scored(1, n, separation))
    assert (found["auc"].verdict, found["chance"].verdict) == (auc, chance)


def test_the_statistic_is_sklearns_auc_of_the_known_rows() -> None:
    y, scores = scored(2, 2000, 1.0)
    late = np.where(np.arange(2000) % 3 == 0, np.nan, y)
    found = signals(0.8, late, scores)["auc"]
    known = ~np.isnan(late)
    assert found.statistic == pytest.approx(roc_auc_score(y[known], scores[known]))
    assert found.rows == int(known.sum())
    assert found.interval.low < found.statistic < found.interval.high


def test_just_below_the_limit_only_warns() -> None:
    y, scores = scored(3, 1500, 1.0)
    area = roc_auc_score(y, scores)
    found = signals(area + 0.05 + 0.001, y, scores)["auc"]
    assert (found.verdict, found.defect) == (Verdict.WARN, DefectKind.MATHEMATICAL_DRIFT)
    assert signals(area + 0.05 - 0.001, y, scores)["auc"].verdict is Verdict.PASS


def test_a_model_at_its_reference_level_fails_in_at_most_one_window_of_a_hundred() -> None:
    fails = sum(signals(0.80, *scored(s, 1000, 1.19))["auc"].verdict is Verdict.FAIL for s in range(200))
    assert fails <= 2


@pytest.mark.parametrize(
    ("shift", "n", "expected"),
    [
        pytest.param(0.0, 3000, Verdict.PASS, id="calibrated"),
        pytest.param(0.04, 3000, Verdict.PASS, id="a gap that is allowed"),
        pytest.param(0.06, 1000, Verdict.WARN, id="a gap not surely too large"),
        pytest.param(0.20, 3000, Verdict.FAIL, id="far off"),
        pytest.param(0.20, 199, Verdict.INCONCLUSIVE, id="too few outcomes"),
    ],
)
def test_calibration_is_the_gap_between_score_and_events(shift: float, n: int, expected: Verdict) -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(0.2, 0.6, n)
    # One event in each neighbourhood of p, so that chance does not blur the gap.
    y = (np.argsort(np.argsort(rng.random(n))) / n < p).astype(np.float64)
    gap = float(y.mean() - p.mean())
    found = signals(0.6, y, p + gap + shift)["calibration"]
    assert found.verdict is expected
    if expected is Verdict.FAIL:
        assert found.defect is DefectKind.MISCALIBRATED


def test_rows_without_an_answer_are_left_out() -> None:
    y, scores = scored(5, 2000, 1.2)
    assert signals(0.8, y, np.where(np.arange(2000) < 500, np.nan, scores))["auc"].rows == 1500


@pytest.mark.parametrize(
    ("known", "due", "expected"),
    [
        pytest.param(0.9, 1.0, Verdict.PASS, id="nearly all"),
        pytest.param(0.5, 1.0, Verdict.WARN, id="half"),
        pytest.param(0.1, 1.0, Verdict.INCONCLUSIVE, id="a tenth"),
        pytest.param(0.1, 0.1, Verdict.PASS, id="a tenth, and no more are due"),
        pytest.param(0.0, 0.0, Verdict.INCONCLUSIVE, id="none due"),
    ],
)
def test_label_coverage_counts_only_decisions_old_enough(known: float, due: float, expected: Verdict) -> None:
    order = np.arange(1000)
    y = np.where(order < known * 1000, 1.0, np.nan)
    found = coverage(y, due=order < due * 1000)
    assert (found.verdict, found.kind) == (expected, SignalKind.LABEL_COVERAGE)


def test_label_delay_is_measured() -> None:
    found = coverage(np.ones(5), delay_days=np.array([1.0, 2.0, 3.0, 4.0, np.nan]))
    assert found.details["delay_days_p50"] == pytest.approx(2.5)
    assert found.details["delay_days_p90"] == pytest.approx(3.7)


PUBLISHED = {"2008 end": 0.534, "2009 H1": 0.518, "2009 H2": 0.509, "2010 H1": 0.457, "2010 H2": 0.467}


@pytest.mark.parametrize("period", PUBLISHED)
def test_the_banks_model_is_at_chance_in_every_later_period(bank, period: str) -> None:  # type: ignore[no-untyped-def]
    where = bank.rows(period)
    before = roc_auc_score(bank.y[bank.reference], bank.scores[bank.reference])
    found = signals(before, bank.y[where], bank.scores[where])
    assert before == pytest.approx(0.822, abs=0.02)
    assert found["auc"].statistic == pytest.approx(PUBLISHED[period], abs=0.02)
    assert found["auc"].verdict is found["chance"].verdict is Verdict.FAIL


def test_a_parameter_can_ask_for_more_outcomes() -> None:
    y, scores = scored(6, 1000, 1.0)
    found = detect(0.8, y, scores, PerformanceParams(min_each=500))
    assert {s.verdict for s in found[:2]} == {Verdict.INCONCLUSIVE}
