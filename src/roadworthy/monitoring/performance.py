"""Mathematical drift: does the score still order the outcomes as it did? From realised outcomes, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.use_case import Measured
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.calibration import expected_calibration_error
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.statistics.means import mean_interval
from roadworthy.statistics.ranking import auc, auc_interval


@dataclass(frozen=True)
class PerformanceParams(DetectorParams):
    """What the score must still do.

    Attributes:
        max_drop: of the AUC below the reference's (0..0.5).
        min_each: outcomes of each class below which the AUC is not judged.
        no_better: an AUC surely below this is called no better than chance, even if it is surely above 0.5.
        min_each_for_chance: the same for "no better than chance", which needs more to be fair to the model.
        max_gap: between mean score and rate of events (0..1).
        min_rows: outcomes below which calibration is not judged.
        level: of the intervals (0..1).
        good_coverage, min_coverage: share of due decisions with an outcome (0..1).
    """

    RANGES: ClassVar = {
        "max_drop": (0.0, 0.5),
        "min_each": (10, 1e9),
        "no_better": (0.5, 1.0),
        "min_each_for_chance": (10, 1e9),
        "max_gap": (0.0, 1.0),
        "min_rows": (30, 1e9),
        "level": (0.5, 0.9999),
        "good_coverage": (0.0, 1.0),
        "min_coverage": (0.0, 1.0),
    }

    max_drop: float = 0.05
    min_each: int = 30
    no_better: float = 0.55
    min_each_for_chance: int = 100
    max_gap: float = 0.05
    min_rows: int = 200
    level: float = 0.95
    good_coverage: float = 0.8
    min_coverage: float = 0.3


def detect(
    reference_auc: float,
    y: Floats,
    scores: Floats,
    params: PerformanceParams | None = None,
    *,
    reference_ece: float | None = None,
) -> tuple[Signal, ...]:
    """Three signals of kind MATHEMATICAL_DRIFT: `auc`, `chance` and `calibration`.

    auc: FAIL when the interval's upper end is below `reference_auc` - `max_drop`, WARN when only the estimate is.
    chance: FAIL when the interval includes 0.5, or lies below `no_better`. calibration: FAIL when the interval of
    mean outcome minus mean score lies outside +-`max_gap`, WARN when only the estimate does. INCONCLUSIVE: too few
    outcomes. Intervals are DeLong's and Student's, for one look.

    Args:
        y: outcomes 1/0, NaN where unknown; `scores` in 0..1, NaN where the model did not answer; shape (n_rows,).
    """
    settings = params or PerformanceParams()
    known = ~np.isnan(y) & ~np.isnan(scores)
    outcomes, answers = y[known], scores[known]
    each = (int(outcomes.sum()), int(len(outcomes) - outcomes.sum()))
    ordering = _ordering(reference_auc, outcomes, answers, each, settings)
    return (*ordering, _calibration(outcomes, answers, reference_ece, settings))


def coverage(
    y: Floats,
    params: PerformanceParams | None = None,
    *,
    due: Bools | None = None,
    delay_days: Floats | None = None,
) -> Signal:
    """How many decisions have an outcome, of those old enough (`due`); one signal of kind LABEL_COVERAGE.

    PASS from `good_coverage`, WARN from `min_coverage`, INCONCLUSIVE below: performance numbers then rest on the
    few that happened to arrive. `delay_days` (decision to outcome, NaN where none) gives the median and 90 % delay.
    """
    settings = params or PerformanceParams()
    aged = np.ones(len(y), dtype=np.bool_) if due is None else due
    n, known = int(aged.sum()), int((aged & ~np.isnan(y)).sum())
    details: dict[str, Any] = {"rows": len(y), "due": n, "known": int((~np.isnan(y)).sum())}
    arrived = np.empty(0) if delay_days is None else delay_days[~np.isnan(delay_days)]
    if len(arrived):
        details |= {"delay_days_p50": float(np.median(arrived)), "delay_days_p90": float(np.quantile(arrived, 0.9))}
    if n == 0:
        message, verdict, share = "no decision is old enough to have an outcome", Verdict.INCONCLUSIVE, None
    else:
        share = known / n
        enough = Verdict.WARN if share >= settings.min_coverage else Verdict.INCONCLUSIVE
        verdict = Verdict.PASS if share >= settings.good_coverage else enough
        message = f"{known} of {n} due decisions have an outcome ({share:.1%})"
    return Signal(
        monitor="label-coverage",
        kind=SignalKind.LABEL_COVERAGE,
        subject="outcomes",
        verdict=verdict,
        message=message,
        statistic=share,
        threshold=settings.good_coverage,
        unit="share",
        rows=len(y),
        defect=DefectKind.OPERATIONS_GAP if verdict is Verdict.WARN else None,
        details=details,
    )


def _ordering(
    reference_auc: float, y: Floats, scores: Floats, each: tuple[int, int], params: PerformanceParams
) -> tuple[Signal, Signal]:
    if min(each) < params.min_each:
        few = f"{each[0]} positive and {each[1]} negative outcomes are too few (needed: {params.min_each} each)"
        return _undecided("auc", few, len(y)), _undecided("chance", few, len(y))
    area, interval = auc(y, scores), auc_interval(y, scores, params.level)
    limit = reference_auc - params.max_drop
    verdict = Verdict.FAIL if interval.high < limit else Verdict.WARN if area < limit else Verdict.PASS
    shown = f"AUC {area:.3f} ({params.level:.0%} interval {interval.low:.3f} to {interval.high:.3f})"
    details = {"reference_auc": reference_auc, "positives": each[0], "negatives": each[1]}
    measured = Measured("auc", area, "AUC", len(y), interval)
    ordering = _signal(verdict, f"{shown}, reference {reference_auc:.3f}", measured, limit, details)
    if min(each) < params.min_each_for_chance:
        few = f"{each[0]} positive and {each[1]} negative outcomes cannot tell a weak score from chance"
        return ordering, _undecided("chance", few, len(y))
    lost = interval.low <= 0.5 or interval.high < params.no_better
    said = f"the score says nothing about the outcome: {shown}" if lost else f"{shown}: better than chance"
    verdict = Verdict.FAIL if lost else Verdict.PASS
    return ordering, _signal(verdict, said, replace(measured, name="chance"), 0.5, details)


def _calibration(y: Floats, scores: Floats, reference_ece: float | None, params: PerformanceParams) -> Signal:
    if len(y) < params.min_rows:
        return _undecided("calibration", f"{len(y)} outcomes are too few (needed: {params.min_rows})", len(y))
    gap, interval = float(np.mean(y - scores)), mean_interval(y - scores, params.level)
    far = interval.low > params.max_gap or interval.high < -params.max_gap
    verdict = Verdict.FAIL if far else Verdict.WARN if abs(gap) > params.max_gap else Verdict.PASS
    message = f"mean score {scores.mean():.3f}, events {y.mean():.3f}"
    details = {"ece": expected_calibration_error(y, scores, 10), "reference_ece": reference_ece}
    measured = Measured("calibration", gap, "share", len(y), interval)
    return _signal(verdict, message, measured, params.max_gap, details, DefectKind.MISCALIBRATED)


def _undecided(subject: str, message: str, rows: int) -> Signal:
    return Signal("performance", SignalKind.MATHEMATICAL_DRIFT, subject, Verdict.INCONCLUSIVE, message, rows=rows)


def _signal(
    verdict: Verdict,
    message: str,
    measured: Measured,
    threshold: float,
    details: dict[str, Any],
    defect: DefectKind = DefectKind.MATHEMATICAL_DRIFT,
) -> Signal:
    return Signal(
        monitor="performance",
        kind=SignalKind.MATHEMATICAL_DRIFT,
        subject=measured.name,
        verdict=verdict,
        message=message,
        statistic=measured.value,
        interval=measured.interval,
        threshold=threshold,
        unit=measured.unit,
        rows=measured.n,
        defect=defect if verdict in (Verdict.FAIL, Verdict.WARN) else None,
        details=details,
    )
