"""Confidence-based performance estimation: accuracy and AUC of a window whose outcomes are not known yet.

A calibrated score is the probability of the event, so it says how often acting on it will be right. That holds only
while P(outcome | score) is what it was on the reference. CBPE therefore follows a change of the *inputs*, and by
construction does **not** see a change of what the inputs *mean* (mathematical drift). On the bank data of 2009 H1
it says accuracy 0.68 and AUC 0.65 where 0.33 and 0.52 came true. It fills the gap until outcomes arrive; its pass
is no proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import isotonic_regression

from roadworthy.domain.errors import DataError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.calibration import expected_calibration_error
from roadworthy.statistics.frame import Floats


@dataclass(frozen=True)
class CbpeParams(DetectorParams):
    """When an estimate is reported as a warning.

    Attributes:
        max_drop: of the estimated AUC below the reference's estimate (0..0.5).
        min_rows: scores below which nothing is estimated.
    """

    RANGES: ClassVar = {"max_drop": (0.0, 0.5), "min_rows": (30, 1e9)}

    max_drop: float = 0.05
    min_rows: int = 200


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Score -> probability, learned on the reference: linear between the points; no points = the score itself."""

    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of the event, shape (n_rows,)."""
        if not self.scores:
            return np.clip(scores, 0.0, 1.0)
        return np.interp(scores, self.scores, self.probabilities)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected accuracy and AUC of `rows` decisions; `auc` None when the scores cannot order anything."""

    accuracy: float
    auc: float | None
    rows: int


def fit(y: Floats, scores: Floats) -> Calibrator:
    """A calibrator from reference outcomes (1/0) and scores, shape (n_rows,); the identity if that is better.

    Isotonic regression is used when, fitted on one half (every other row), it lowers the expected calibration error
    on the other half, both ways together.

    Raises:
        DataError: fewer than 20 rows, or a missing value.

    References: Zadrozny & Elkan 2002 (isotonic); CBPE as in NannyML's documentation.
    """
    if len(y) != len(scores) or len(y) < 20 or np.isnan(y).any() or np.isnan(scores).any():
        raise DataError(
            f"{len(y)} reference outcomes and {len(scores)} scores cannot calibrate",
            remedy="Give at least 20 rows, each with an outcome and a score.",
        )
    even = np.arange(len(y)) % 2 == 0
    raw = calibrated = 0.0
    for learn, judge in ((even, ~even), (~even, even)):
        half = _isotonic(y[learn], scores[learn])
        raw += expected_calibration_error(y[judge], np.clip(scores[judge], 0.0, 1.0), 10)
        calibrated += expected_calibration_error(y[judge], half(scores[judge]), 10)
    return _isotonic(y, scores) if calibrated < raw else Calibrator()


def estimate(calibrator: Calibrator, scores: Floats, threshold: float) -> Estimate:
    """What to expect of these scores if P(outcome | score) has not changed.

    accuracy = mean of p where score >= threshold, of 1 - p elsewhere. AUC = the share of (event, non-event) pairs
    in order when every row counts as an event with weight p and as a non-event with weight 1 - p.

    Raises:
        DataError: no rows, or a missing score.
    """
    if len(scores) == 0 or np.isnan(scores).any():
        raise DataError("there are no scores, or some are missing", remedy="Leave out rows without a score.")
    p = calibrator(scores)
    accuracy = float(np.mean(np.where(scores >= threshold, p, 1.0 - p)))
    values, where = np.unique(scores, return_inverse=True)
    events = np.bincount(where, weights=p, minlength=len(values))
    others = np.bincount(where, weights=1.0 - p, minlength=len(values))
    pairs = events.sum() * others.sum()
    if pairs <= 0.0:
        return Estimate(accuracy, None, len(scores))
    below = np.concatenate([[0.0], np.cumsum(others)[:-1]])
    return Estimate(accuracy, float((events * (below + others / 2.0)).sum() / pairs), len(scores))


def detect(
    y_reference: Floats,
    scores_reference: Floats,
    scores: Floats,
    threshold: float,
    params: CbpeParams | None = None,
) -> Signal:
    """One signal `estimated auc` of kind MATHEMATICAL_DRIFT; never FAIL, as it is an estimate.

    WARN when the estimate is more than `max_drop` below the reference's, else PASS. INCONCLUSIVE below `min_rows`
    scores, or when the scores order nothing.
    """
    settings = params or CbpeParams()
    usable = ~np.isnan(y_reference) & ~np.isnan(scores_reference)
    answered = scores[~np.isnan(scores)]
    if len(answered) < settings.min_rows or usable.sum() < settings.min_rows:
        few = (
            f"{min(len(answered), int(usable.sum()))} scores are too few to estimate (needed: {settings.min_rows})"
        )
        return _signal(Verdict.INCONCLUSIVE, few, None, len(answered), settings, None)
    calibrator = fit(y_reference[usable], scores_reference[usable])
    before = estimate(calibrator, scores_reference[usable], threshold)
    now = estimate(calibrator, answered, threshold)
    if before.auc is None or now.auc is None:
        return _signal(Verdict.INCONCLUSIVE, "the scores order nothing", now, len(answered), settings, before)
    verdict = Verdict.WARN if now.auc < before.auc - settings.max_drop else Verdict.PASS
    message = (
        f"estimated AUC {now.auc:.3f} (reference {before.auc:.3f}), accuracy {now.accuracy:.3f}, without outcomes; "
        "blind to a change of what the inputs mean"
    )
    return _signal(verdict, message, now, len(answered), settings, before)


def _isotonic(y: Floats, scores: Floats) -> Calibrator:
    values, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rates = np.bincount(where, weights=y) / counts
    fitted = np.clip(isotonic_regression(rates, weights=counts).x, 0.0, 1.0)
    # Only the corners of the steps are needed: between equal neighbours interpolation gives the same.
    flat = np.concatenate([[False], (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:]), [False]])
    keep = ~flat[: len(fitted)]
    return Calibrator(tuple(values[keep].tolist()), tuple(fitted[keep].tolist()))


def _signal(
    verdict: Verdict, message: str, now: Estimate | None, rows: int, params: CbpeParams, before: Estimate | None
) -> Signal:
    limit = before.auc - params.max_drop if before is not None and before.auc is not None else None
    return Signal(
        monitor="cbpe",
        kind=SignalKind.MATHEMATICAL_DRIFT,
        subject="estimated auc",
        verdict=verdict,
        message=message,
        statistic=now.auc if now is not None else None,
        threshold=limit,
        unit="AUC",
        rows=rows,
        defect=DefectKind.MATHEMATICAL_DRIFT if verdict is Verdict.WARN else None,
        details={} if now is None else {"estimated_accuracy": now.accuracy, "estimate_only": True},
    )
