"""An interval for a statistic that has no formula: recompute it on rows drawn with replacement."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Interval

_MIN_FINITE_SHARE = 0.9


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    n_rows: int,
    rng: np.random.Generator,
    draws: int = 200,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of `statistic(row_indices)` over `draws` resamples of `n_rows` rows.

    A draw on which the statistic is undefined (raises `DataError`, or is NaN) is left out; when more than one draw
    in ten is, the interval would describe the lucky draws only and is refused.

    Raises:
        DataError: fewer than two rows, fewer than 20 draws, or too many undefined draws.

    Reference: Efron & Tibshirani 1993, ch. 13.
    """
    if n_rows < 2 or draws < 20:
        raise DataError(
            f"a bootstrap of {n_rows} rows with {draws} draws says nothing",
            remedy="Give at least 2 rows and 20 draws.",
            n_rows=n_rows,
            draws=draws,
        )
    drawn = [_value(statistic, rng.integers(0, n_rows, size=n_rows)) for _ in range(draws)]
    finite = [v for v in drawn if math.isfinite(v)]
    if len(finite) < _MIN_FINITE_SHARE * draws:
        raise DataError(
            f"the statistic is undefined on {draws - len(finite)} of {draws} resamples",
            remedy="Give more rows, or more rows of the rare class.",
        )
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return Interval(float(low), float(high), level)


def _value(statistic: Callable[[NDArray[np.intp]], float], rows: NDArray[np.intp]) -> float:
    try:
        return float(statistic(rows))
    except DataError:
        return math.nan
