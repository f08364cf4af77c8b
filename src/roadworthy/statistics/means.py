"""Intervals for a mean and for the difference of two means, for values that are not 0/1."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Interval
from roadworthy.statistics.frame import Array, Floats


def mean_interval(values: Array, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of `values`, shape (n_rows,), in their own unit.

    Raises:
        DataError: fewer than two rows, or a value is missing.
    """
    data = _finite(values, "values")
    half = _t(level, len(data) - 1) * float(np.std(data, ddof=1)) / math.sqrt(len(data))
    centre = float(data.mean())
    return Interval(centre - half, centre + half, level)


def difference(a: Array, b: Array, level: float = 0.95) -> tuple[float, Interval]:
    """mean(a) - mean(b) of two independent samples with Welch's interval (variances may differ).

    Raises:
        DataError: fewer than two rows on a side, or a value is missing.

    Reference: Welch 1947.
    """
    first, second = _finite(a, "a"), _finite(b, "b")
    gap = float(first.mean() - second.mean())
    va, vb = float(np.var(first, ddof=1)) / len(first), float(np.var(second, ddof=1)) / len(second)
    if va + vb == 0.0:
        return gap, Interval(gap, gap, level)
    freedom = (va + vb) ** 2 / (va**2 / (len(first) - 1) + vb**2 / (len(second) - 1))
    half = _t(level, freedom) * math.sqrt(va + vb)
    return gap, Interval(gap - half, gap + half, level)


def _t(level: float, freedom: float) -> float:
    return float(stdtrit(freedom, 0.5 + level / 2.0))


def _finite(values: Array, name: str) -> Floats:
    data = np.asarray(values).astype(np.float64)
    if len(data) < 2:
        raise DataError(
            f"'{name}' has {len(data)} rows", remedy="An interval of a mean needs at least two.", field=name
        )
    if not np.isfinite(data).all():
        bad = int((~np.isfinite(data)).sum())
        raise DataError(
            f"{bad} of {len(data)} values in '{name}' are missing or infinite",
            remedy="Drop or fill them before taking a mean.",
            field=name,
        )
    return data
