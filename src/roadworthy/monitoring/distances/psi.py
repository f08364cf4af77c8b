"""Population stability index."""

from __future__ import annotations

import numpy as np

from roadworthy.monitoring.distances.counts import Counts, checked_counts


def psi(reference: Counts, current: Counts, floor: float = 1e-4) -> float:
    """Sum of (q - p) ln(q / p) over bins, p and q the shares, those below `floor` raised to it; 0 (same) upwards.

    Raises:
        DataError: different bins or an empty table.

    Reference: Kullback & Leibler 1951 (the symmetric divergence J); usual limits 0.1 and 0.25.
    """
    a, b = checked_counts(reference, current)
    p, q = np.maximum(a / a.sum(), floor), np.maximum(b / b.sum(), floor)
    return float(np.sum((q - p) * np.log(q / p)))
