"""Chi-square test that two count tables come from one distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from roadworthy.monitoring.distances.counts import Counts, checked_counts


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Statistic, degrees of freedom and p-value (0..1)."""

    statistic: float
    freedom: int
    p_value: float


def chi_square(reference: Counts, current: Counts) -> ChiSquare | None:
    """Homogeneity of two count tables, no continuity correction; None with one occupied bin: nothing can differ.

    Not to be trusted where bins expect fewer than about 5 rows: see `pooled`.

    Raises:
        DataError: different bins or an empty table.

    Reference: Pearson 1900.
    """
    a, b = checked_counts(reference, current)
    occupied = (a + b) > 0.0
    table = np.stack([a[occupied], b[occupied]])
    freedom = table.shape[1] - 1
    if freedom == 0:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return ChiSquare(statistic, freedom, float(chdtrc(freedom, statistic)))
