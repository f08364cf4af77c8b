"""Two count tables over the same bins, checked and turned into shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.statistics.frame import Array, Floats

Counts = Sequence[int] | Array
"""Rows per bin, shape (n_bins,)."""


def checked_counts(reference: Counts, current: Counts) -> tuple[Floats, Floats]:
    """Both tables as float64, shape (n_bins,).

    Raises:
        DataError: different bins, a negative count, or a table that is empty: a distance to nothing does not exist.
    """
    a, b = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"{a.shape} and {b.shape} counts do not match", remedy="Count both over the same bins.")
    if min(a.min(initial=0.0), b.min(initial=0.0)) < 0.0:
        raise DataError("a count is negative", remedy="Counts are numbers of rows.")
    if a.sum() == 0.0 or b.sum() == 0.0:
        raise DataError("a table has no rows", remedy="A distance needs rows on both sides.")
    return a, b


def pooled(reference: Counts, current: Counts, min_expected: float = 5.0) -> tuple[Floats, Floats]:
    """The tables with small bins put together: those expecting fewer than `min_expected` rows if both are alike.

    The chi-square approximation needs this (Cochran 1954). Returns at least one bin.
    """
    a, b = checked_counts(reference, current)
    expected = (a + b) * min(a.sum(), b.sum()) / (a.sum() + b.sum())
    small = expected < min_expected
    if not small.any():
        return a, b
    if not small.all():
        # The rest bin itself may be too small: then the next smallest bin joins it.
        order = np.argsort(np.where(small, -1.0, expected), kind="stable")
        while expected[small].sum() < min_expected and not small.all():
            small[order[int(small.sum())]] = True
    join = (np.append(x[~small], x[small].sum()) for x in (a, b))
    return next(join), next(join)
