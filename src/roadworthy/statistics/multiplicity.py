"""Many questions at once: which of them may be answered yes without too many of the answers being wrong."""

from __future__ import annotations

import numpy as np

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.statistics.frame import Array, Bools, Floats


def adjusted_p_values(p_values: Array) -> Floats:
    """Benjamini-Hochberg adjusted p-values, shape (n_questions,), in the order given; 1 at most.

    Raises:
        DataError: a p-value missing or outside 0..1: a question that could not be asked is left out by the caller,
            never entered as 1.

    Reference: Benjamini & Hochberg 1995 (valid under independence or positive dependence).
    """
    p = np.asarray(p_values).astype(np.float64)
    if not bool(np.all((p >= 0.0) & (p <= 1.0))):
        raise DataError(
            "a p-value is missing or outside 0..1", remedy="Leave out the questions that could not be asked."
        )
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def benjamini_hochberg(p_values: Array, q: float = 0.05) -> Bools:
    """Which questions are rejected with a false discovery rate of at most `q`, shape (n_questions,).

    Raises:
        DataError: as in `adjusted_p_values`.
        SettingError: `q` outside 0..1.
    """
    _refuse_rate("q", q)
    rejected: Bools = adjusted_p_values(p_values) <= q
    return rejected


def e_benjamini_hochberg(e_values: Array, alpha: float = 0.05) -> Bools:
    """Which questions are rejected by e-BH: the k largest with e_(k) >= m / (alpha k), under any dependence.

    Raises:
        DataError: an e-value missing or negative (infinite is allowed: it is proof).
        SettingError: `alpha` outside 0..1.

    Reference: Wang & Ramdas 2022 (JRSS-B 84).
    """
    _refuse_rate("alpha", alpha)
    e = np.asarray(e_values).astype(np.float64)
    if not bool(np.all(e >= 0.0)):
        raise DataError(
            "an e-value is missing or negative", remedy="Leave out the questions that could not be asked."
        )
    m = len(e)
    order = np.argsort(-e, kind="stable")
    enough = np.flatnonzero(e[order] * alpha * np.arange(1, m + 1) >= m)
    rejected = np.zeros(m, dtype=np.bool_)
    if len(enough):
        rejected[order[: enough[-1] + 1]] = True
    return rejected


def _refuse_rate(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise SettingError(f"{name} is {value}", remedy="Give an error rate between 0 and 1.", field=name)
