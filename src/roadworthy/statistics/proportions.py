"""Intervals for a rate (k of n) and for the difference of two rates."""

from __future__ import annotations

import math

from scipy.special import ndtri
from scipy.stats import beta

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Interval


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Score interval of a rate: right on average, and never outside 0..1.

    Raises:
        DataError: no trials, or successes outside 0..n.

    Reference: Wilson 1927.
    """
    _refuse_impossible(successes, n)
    z2 = float(ndtri(0.5 + level / 2.0)) ** 2
    rate = successes / n
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # Rounding must not move the exact ends 0 and 1.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high, level)


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Exact interval of a rate: covers with at least `level` at any n, so it is wider than `wilson`.

    Raises:
        DataError: no trials, or successes outside 0..n.

    Reference: Clopper & Pearson 1934.
    """
    _refuse_impossible(successes, n)
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1.0 - tail, successes + 1, n - successes))
    return Interval(low, high, level)


def difference(k1: int, n1: int, k2: int, n2: int, level: float = 0.95) -> tuple[float, Interval]:
    """k1/n1 - k2/n2 with Newcombe's hybrid score interval.

    Raises:
        DataError: no trials on a side, or successes outside 0..n.

    Reference: Newcombe 1998, Statistics in Medicine 17, method 10.
    """
    first, second = wilson(k1, n1, level), wilson(k2, n2, level)
    p1, p2 = k1 / n1, k2 / n2
    gap = p1 - p2
    low = gap - math.hypot(p1 - first.low, second.high - p2)
    high = gap + math.hypot(first.high - p1, p2 - second.low)
    return gap, Interval(max(-1.0, low), min(1.0, high), level)


def _refuse_impossible(successes: int, n: int) -> None:
    if n <= 0 or not 0 <= successes <= n:
        raise DataError(
            f"a rate of {successes} in {n} does not exist",
            remedy="Give at least one trial and between 0 and n successes.",
            successes=successes,
            n=n,
        )
