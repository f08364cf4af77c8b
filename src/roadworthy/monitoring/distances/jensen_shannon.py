"""Jensen-Shannon distance."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import rel_entr

from roadworthy.monitoring.distances.counts import Counts, checked_counts


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """Square root of the Jensen-Shannon divergence in bits, 0 (same) to 1 (nothing in common); a metric.

    Raises:
        DataError: different bins or an empty table.

    References: Lin 1991; Endres & Schindelin 2003.
    """
    a, b = checked_counts(reference, current)
    p, q = a / a.sum(), b / b.sum()
    middle = (p + q) / 2.0
    divergence = float(np.sum(rel_entr(p, middle) + rel_entr(q, middle))) / (2.0 * math.log(2.0))
    return math.sqrt(min(1.0, max(0.0, divergence)))
