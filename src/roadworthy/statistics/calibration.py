"""Does a score of 0.2 mean that two in ten happen? Calibration table, its error, and slope and intercept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from roadworthy.domain.errors import DataError
from roadworthy.statistics.frame import Array, Bools, Floats
from roadworthy.statistics.ranking import checked_pair

_MAX_STEPS = 100


def calibration_table(y: Array, scores: Array, bins: int = 10) -> list[dict[str, Any]]:
    """Rows of {low, high, mean_score, rate, n} over `bins` equal-width score bins; empty bins are left out.

    Raises:
        DataError: `bins` below 1, a score outside 0..1, or a missing value.
    """
    events, values = _probabilities(y, scores, bins)
    where = np.minimum((values * bins).astype(np.intp), bins - 1)
    counts = np.bincount(where, minlength=bins)
    score_sums = np.bincount(where, weights=values, minlength=bins)
    event_sums = np.bincount(where, weights=events.astype(np.float64), minlength=bins)
    return [
        {
            "low": i / bins,
            "high": (i + 1) / bins,
            "mean_score": float(score_sums[i] / counts[i]),
            "rate": float(event_sums[i] / counts[i]),
            "n": int(counts[i]),
        }
        for i in np.flatnonzero(counts).tolist()
    ]


def expected_calibration_error(y: Array, scores: Array, bins: int = 10) -> float:
    """Mean over rows of |mean score - rate| of the row's bin, 0 (best) to 1.

    Raises:
        DataError: as in `calibration_table`.

    Reference: Naeini, Cooper & Hauskrecht, AAAI 2015.
    """
    table = calibration_table(y, scores, bins)
    total = sum(row["n"] for row in table)
    return float(sum(row["n"] * abs(row["mean_score"] - row["rate"]) for row in table) / total)


def calibration_slope_intercept(y: Array, scores: Array) -> tuple[float, float]:
    """(slope, intercept) of the logistic regression of `y` on logit(score); (1, 0) is perfect.

    A slope below 1 says the scores are too extreme (overfit), an intercept below 0 that they are too high.

    Raises:
        DataError: one class only, a constant score, or scores that separate the classes perfectly (the slope is
            then infinite).

    Reference: Cox 1958; Van Calster et al. 2019 (BMC Medicine 17).
    """
    events, values = _probabilities(y, scores, 1)
    if events.all() or not events.any() or np.ptp(values) == 0.0:
        raise DataError(
            "a calibration slope needs both classes and more than one distinct score",
            remedy="Give rows of both classes, scored by a model that is not constant.",
        )
    eps = float(np.finfo(np.float64).eps)
    x = logit(np.clip(values, eps, 1.0 - eps))
    if _separated(events, x):
        raise DataError(
            "the scores separate the classes perfectly, so the slope is infinite",
            remedy="Look for leakage, or give more rows.",
        )
    intercept, slope = _logistic(np.column_stack([np.ones_like(x), x]), events.astype(np.float64))
    return slope, intercept


def _separated(events: Bools, x: Floats) -> bool:
    up, down = x[events], x[~events]
    return bool(up.min() >= down.max() or down.min() >= up.max())


def _logistic(design: NDArray[np.float64], target: Floats) -> tuple[float, float]:
    """Newton's method with step halving, so that extreme scores cannot make it diverge."""
    theta = np.zeros(design.shape[1])
    loss = _negative_log_likelihood(design, target, theta)
    for _ in range(_MAX_STEPS):
        p = expit(design @ theta)
        weights = p * (1.0 - p)
        hessian = design.T @ (design * weights[:, None])
        step = np.linalg.lstsq(hessian, design.T @ (target - p), rcond=None)[0]
        scale, tried = 1.0, _negative_log_likelihood(design, target, theta + step)
        while tried > loss and scale > 1e-8:
            scale /= 2.0
            tried = _negative_log_likelihood(design, target, theta + scale * step)
        theta = theta + scale * step
        if abs(loss - tried) < 1e-13 * max(1.0, abs(loss)):
            return float(theta[0]), float(theta[1])
        loss = tried
    raise DataError(
        f"the calibration slope did not settle in {_MAX_STEPS} steps",
        remedy="Look for scores of exactly 0 or 1, or give more rows.",
    )


def _negative_log_likelihood(design: NDArray[np.float64], target: Floats, theta: Floats) -> float:
    eta = design @ theta
    return float(np.sum(np.logaddexp(0.0, eta) - target * eta))


def _probabilities(y: Array, scores: Array, bins: int) -> tuple[Bools, Floats]:
    if bins < 1:
        raise DataError(f"{bins} bins cannot hold anything", remedy="Give at least one bin.", field="bins")
    events, values = checked_pair(y, scores)
    if values.min() < 0.0 or values.max() > 1.0:
        raise DataError(
            f"scores range from {values.min():.6g} to {values.max():.6g}",
            remedy="Calibration needs probabilities between 0 and 1.",
            field="scores",
        )
    return events, values
