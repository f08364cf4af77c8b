"""How well scores order and price a yes/no outcome: AUC with DeLong intervals, log loss, Brier, average precision.

All functions take `y` of shape (n_rows,) with 0/1 or booleans and `scores` of shape (n_rows,), and refuse anything
else with `DataError`. Nothing here decides what is good enough.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import rankdata

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Interval
from roadworthy.statistics.frame import Array, Bools, Floats


def auc(y: Array, scores: Array) -> float:
    """Probability that a random positive scores above a random negative, ties counting one half.

    Raises:
        DataError: `y` has one class only, is not 0/1, or a value is missing.

    Reference: Mann & Whitney 1947; Hanley & McNeil 1982.
    """
    events, values = _both_classes(y, scores)
    return float(_components(events, values)[0])


def auc_interval(y: Array, scores: Array, level: float = 0.95, log_models: float = 0.0) -> Interval:
    """Interval of the AUC from DeLong's variance, in the O(n log n) midrank form, cut to 0..1.

    With `log_models` it holds for exp(log_models) models at once, each given (1 - level) / exp(log_models) to be
    wrong with (Bonferroni): whichever of them somebody chose after looking, it is inside. So far out the variance's
    own error counts: Student's quantile with as many degrees of freedom as the rarer class has rows, less one.

    At an observed AUC of exactly 0 or 1 that variance is zero, which would claim certainty; then the bound is the
    exact one for min(positives, negatives) independent pairs, all ordered alike: alpha^(1/pairs), where alpha is
    1 - level divided by the number of models.

    Raises:
        DataError: fewer than two rows of either class, or as in `auc`.

    References: DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014 (IEEE Signal Processing Letters 21).
    """
    events, values = _two_of_each(y, scores)
    area, v10, v01 = _components(events, values)
    if area in (0.0, 1.0):
        edge = math.exp((math.log1p(-level) - log_models) / min(len(v10), len(v01)))
        return Interval(edge, 1.0, level) if area == 1.0 else Interval(0.0, 1.0 - edge, level)
    error = float(np.sqrt(np.var(v10, ddof=1) / len(v10) + np.var(v01, ddof=1) / len(v01)))
    half = _quantile(level, log_models, min(len(v10), len(v01)) - 1) * error
    return Interval(max(0.0, area - half), min(1.0, area + half), level)


def auc_difference(y: Array, a: Array, b: Array, level: float = 0.95) -> tuple[float, Interval]:
    """AUC(a) - AUC(b) on the same rows, with the paired DeLong interval.

    Where that variance is zero although the orderings differ (both perfect), the two single intervals are
    subtracted end to end instead: conservative, never certain.

    Raises:
        DataError: as in `auc_interval`.

    Reference: DeLong, DeLong & Clarke-Pearson 1988.
    """
    events, first = _two_of_each(y, a)
    second = _two_of_each(y, b)[1]
    area_a, v10_a, v01_a = _components(events, first)
    area_b, v10_b, v01_b = _components(events, second)
    gap = float(area_a - area_b)
    variance = np.var(v10_a - v10_b, ddof=1) / len(v10_a) + np.var(v01_a - v01_b, ddof=1) / len(v01_a)
    if variance < 1e-18 and not np.array_equal(rankdata(first), rankdata(second)):
        one, two = auc_interval(y, a, level), auc_interval(y, b, level)
        return gap, Interval(one.low - two.high, one.high - two.low, level)
    half = _z(level) * float(np.sqrt(variance))
    return gap, Interval(max(-1.0, gap - half), min(1.0, gap + half), level)


def log_loss(y: Array, scores: Array) -> float:
    """Mean negative log likelihood, in nats; probabilities are kept one float epsilon away from 0 and 1.

    Raises:
        DataError: a score outside 0..1, or as in `auc` (one class is allowed).
    """
    events, values = _probabilities(y, scores)
    eps = float(np.finfo(np.float64).eps)
    kept = np.clip(values, eps, 1.0 - eps)
    return float(-np.mean(np.where(events, np.log(kept), np.log1p(-kept))))


def brier(y: Array, scores: Array) -> float:
    """Mean squared distance between probability and outcome, 0 (best) to 1. Reference: Brier 1950.

    Raises:
        DataError: as in `log_loss`.
    """
    events, values = _probabilities(y, scores)
    return float(np.mean((values - events) ** 2))


def average_precision(y: Array, scores: Array) -> float:
    """Precision averaged over the recall it buys: sum of (R_n - R_{n-1}) P_n over distinct scores, best first.

    Raises:
        DataError: as in `auc`.
    """
    events, values = _both_classes(y, scores)
    order = np.argsort(-values, kind="stable")
    ranked, hits = values[order], np.cumsum(events[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    recalls = hits[last] / hits[-1]
    precisions = hits[last] / (last + 1)
    return float(np.sum(np.diff(recalls, prepend=0.0) * precisions))


def checked_pair(y: Array, scores: Array) -> tuple[Bools, Floats]:
    """`y` as booleans and `scores` as floats, both (n_rows,).

    Raises:
        DataError: different lengths, no rows, a missing value, or a `y` that is neither 0 nor 1.
    """
    if len(y) != len(scores):
        raise DataError(
            f"there are {len(y)} outcomes and {len(scores)} scores", remedy="Give one score per outcome."
        )
    if len(y) == 0:
        raise DataError("there are no rows", remedy="Give at least one outcome with its score.")
    outcomes, values = np.asarray(y).astype(np.float64), np.asarray(scores).astype(np.float64)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise DataError(
            f"{bad} of {len(values)} scores are missing or infinite", remedy="Score every row.", field="scores"
        )
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise DataError("an outcome is neither 0 nor 1", remedy="Map the outcome to 0 and 1.", field="y")
    return outcomes == 1.0, values


def _probabilities(y: Array, scores: Array) -> tuple[Bools, Floats]:
    events, values = checked_pair(y, scores)
    if values.min() < 0.0 or values.max() > 1.0:
        raise DataError(
            f"scores range from {values.min():.6g} to {values.max():.6g}",
            remedy="This metric needs probabilities between 0 and 1.",
            field="scores",
        )
    return events, values


def _both_classes(y: Array, scores: Array) -> tuple[Bools, Floats]:
    events, values = checked_pair(y, scores)
    if events.all() or not events.any():
        raise DataError(
            f"all {len(events)} outcomes are {int(events[0])}",
            remedy="A ranking metric needs rows of both classes.",
            field="y",
        )
    return events, values


def _two_of_each(y: Array, scores: Array) -> tuple[Bools, Floats]:
    events, values = _both_classes(y, scores)
    positives = int(events.sum())
    if min(positives, len(events) - positives) < 2:
        raise DataError(
            f"there are {positives} positive and {len(events) - positives} negative rows",
            remedy="An AUC interval needs at least two rows of each class.",
            field="y",
        )
    return events, values


def _components(events: Bools, values: Floats) -> tuple[float, Floats, Floats]:
    """AUC and DeLong's structural components: V10 per positive, V01 per negative."""
    positive, negative = values[events], values[~events]
    m, n = len(positive), len(negative)
    together = rankdata(np.concatenate([positive, negative]))
    v10 = (together[:m] - rankdata(positive)) / n
    v01 = 1.0 - (together[m:] - rankdata(negative)) / m
    return float(v10.mean()), v10, v01


def _z(level: float) -> float:
    return float(ndtri(0.5 + level / 2.0))


def _quantile(level: float, log_models: float, freedom: int) -> float:
    if not log_models:
        return _z(level)
    tail = math.exp(math.log((1.0 - level) / 2.0) - log_models)
    return -float(stdtrit(freedom, max(tail, sys.float_info.min)))
