"""Two-sample Kolmogorov-Smirnov distance, on raw values or on counts over ordered bins."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import kolmogorov

from roadworthy.domain.errors import DataError
from roadworthy.monitoring.distances.counts import Counts, checked_counts
from roadworthy.statistics.frame import Array


def ks(reference: Array, current: Array) -> float:
    """Largest gap between the two distribution functions of raw values (missing ones left out), 0..1.

    Raises:
        DataError: a side has no values.
    """
    a, b = (np.sort(x[~np.isnan(x)]) for x in (np.asarray(v, dtype=np.float64) for v in (reference, current)))
    if len(a) == 0 or len(b) == 0:
        raise DataError("a sample has no values", remedy="A distance needs values on both sides.")
    points = np.concatenate([a, b])
    gaps = np.searchsorted(a, points, "right") / len(a) - np.searchsorted(b, points, "right") / len(b)
    return float(np.abs(gaps).max())


def binned_ks(reference: Counts, current: Counts) -> float:
    """The same on counts over ordered bins: never above the raw distance, as it sees it at the edges only.

    Raises:
        DataError: different bins or an empty table.
    """
    a, b = checked_counts(reference, current)
    return float(np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max())


def ks_p_value(distance: float, n_reference: int, n_current: int) -> float:
    """Probability of at least this distance between samples of one distribution (asymptotic; safe with ties).

    References: Kolmogorov 1933; Smirnov 1948.
    """
    effective = n_reference * n_current / (n_reference + n_current)
    return float(kolmogorov(math.sqrt(effective) * distance))
