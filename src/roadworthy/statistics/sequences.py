"""Inference that may be looked at after every row: mixture martingales, confidence sequences, betting.

A bound from here holds at all sample sizes at once, so stopping when it looks good does not spoil it. `alpha` is
the total error probability over all looks, `level` is 1 - alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import log_ndtr

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.use_case import Interval
from roadworthy.statistics.frame import Array, Floats

_BISECTIONS = 60


def tuned_rho(v_opt: float, alpha: float = 0.05, *, one_sided: bool = False) -> float:
    """The mixture's `rho` that makes its bound tightest at intrinsic time `v_opt` (the variance process's unit).

    Reference: Howard, Ramdas, McAuliffe & Sekhon 2021 (Annals of Statistics 49), proposition 3.
    """
    _refuse_alpha(alpha)
    _refuse_not_positive("v_opt", v_opt)
    tail = 2.0 * alpha if one_sided else alpha
    log_inverse = 2.0 * math.log(1.0 / tail)
    return v_opt / (log_inverse + math.log1p(log_inverse))


def log_mixture(s: float, v: float, rho: float) -> float:
    """log M of the two-sided normal mixture at centred sum `s` and variance process `v`; reject at M >= 1/alpha.

    References: Robbins 1970; Howard et al. 2021, proposition 5.
    """
    _refuse_not_positive("rho", rho)
    return 0.5 * math.log(rho / (v + rho)) + s * s / (2.0 * (v + rho))


def log_mixture_one_sided(s: float, v: float, rho: float) -> float:
    """log M of the one-sided normal mixture: grows only with large positive `s` (H0: the mean is not above 0).

    References: Robbins 1970; Howard et al. 2021, proposition 6.
    """
    _refuse_not_positive("rho", rho)
    root = math.sqrt(v + rho)
    return 0.5 * math.log(4.0 * rho / (v + rho)) + s * s / (2.0 * (v + rho)) + float(log_ndtr(s / root))


def mixture_bound(v: float, rho: float, alpha: float = 0.05) -> float:
    """|s| stays below this at every `v` at once with probability 1 - alpha (two-sided)."""
    _refuse_alpha(alpha)
    _refuse_not_positive("rho", rho)
    return math.sqrt((v + rho) * (math.log1p(v / rho) + 2.0 * math.log(1.0 / alpha)))


def mixture_bound_one_sided(v: float, rho: float, alpha: float = 0.05) -> float:
    """s stays below this at every `v` at once with probability 1 - alpha."""
    _refuse_alpha(alpha)
    goal = math.log(1.0 / alpha)
    # One-sided mass is at most twice the two-sided one, so the two-sided bound for alpha is always high enough.
    ceiling = mixture_bound(v, rho, alpha / 2.0)
    return float(brentq(lambda s: log_mixture_one_sided(s, v, rho) - goal, 0.0, ceiling))


def asymptotic_interval(
    estimate: float, standard_error: float, n: int, level: float = 0.95, n_tune: int = 5000
) -> Interval:
    """Two-sided asymptotic confidence sequence around an estimate whose usual standard error is known.

    Tightest near `n_tune` units. Not to be trusted below about 200 events: use `betting_interval` there.

    Reference: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, arXiv 2103.06476, theorem 2.2.
    """
    half = _asymptotic_half_width(standard_error, n, 1.0 - level, n_tune, one_sided=False)
    return Interval(estimate - half, estimate + half, level)


def asymptotic_margin(standard_error: float, n: int, alpha: float = 0.05, n_tune: int = 5000) -> float:
    """One-sided margin: `estimate - margin` is below the truth at every n at once, with probability 1 - alpha.

    Reference: arXiv 2103.06476, appendix B (one-sided sequences).
    """
    return _asymptotic_half_width(standard_error, n, alpha, n_tune, one_sided=True)


def msprt_log_ratio(difference: float, n: int, variance: float, tau2: float) -> float:
    """log of the mixture likelihood ratio of a mean difference over `n` pairs; reject at ratio >= 1/alpha.

    `variance` is var_a + var_b, `tau2` the variance of the prior N(0, tau2) on the difference: fix it before any
    data, or the guarantee is gone.

    Reference: Johari, Koomen, Pekelis & Walsh, KDD 2017.
    """
    _refuse_not_positive("tau2", tau2)
    _refuse_not_positive("variance", variance)
    total = variance + n * tau2
    return 0.5 * math.log(variance / total) + (n * difference) ** 2 * tau2 / (2.0 * variance * total)


def betting_interval(values: Array, low: float, high: float, level: float = 0.95) -> Interval:
    """Confidence sequence for the mean of values bounded by `low` and `high`: exact at any n, even tiny.

    `values` in time order, shape (n_rows,). A gambler bets half the money on the mean being higher, half on lower;
    a mean against which either would be 1/alpha times richer is refused.

    Raises:
        DataError: no rows, or a value that is missing or outside the bounds.

    Reference: Waudby-Smith & Ramdas 2024 (JRSS-B 86), hedged capital, predictable plug-in, truncation 1/2.
    """
    alpha = 1.0 - level
    _refuse_alpha(alpha)
    x = _unit_interval(values, low, high)
    bets = _plug_in_bets(x, alpha)
    goal = math.log(2.0 / alpha)
    # Capital on "the mean is higher" falls in m, so each side has one edge and bisection finds it.
    lower = _edge(lambda m: _log_capital(x, bets, m) >= goal)
    upper = 1.0 - _edge(lambda m: _log_capital(1.0 - x, bets, m) >= goal)
    return Interval(low + (high - low) * lower, low + (high - low) * upper, level)


def _asymptotic_half_width(standard_error: float, n: int, alpha: float, n_tune: int, *, one_sided: bool) -> float:
    _refuse_alpha(alpha)
    if n < 1 or n_tune < 1 or not (math.isfinite(standard_error) and standard_error >= 0.0):
        raise DataError(
            f"a confidence sequence needs units and a standard error, not n={n}, standard error={standard_error}",
            remedy="Give n and n_tune of at least 1 and a finite standard error.",
            n=n,
            n_tune=n_tune,
        )
    tail = 2.0 * alpha if one_sided else alpha
    r2 = (-2.0 * math.log(tail) + math.log(-2.0 * math.log(tail) + 1.0)) / n_tune
    growth = math.sqrt(n * r2 + 1.0)
    log_term = math.log1p(growth / (2.0 * alpha)) if one_sided else math.log(growth / alpha)
    spread = standard_error * math.sqrt(n)
    return spread * math.sqrt(2.0 * (n * r2 + 1.0) / (n * n * r2) * log_term)


def _plug_in_bets(x: Floats, alpha: float) -> Floats:
    """lambda_i from the variance of the rows before i only (predictable), shape (n_rows,)."""
    steps = np.arange(1, len(x) + 1, dtype=np.float64)
    means = (0.5 + np.cumsum(x)) / (steps + 1.0)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (steps + 1.0)
    before = np.concatenate([[0.25], variances[:-1]])
    bets: Floats = np.sqrt(2.0 * math.log(2.0 / alpha) / (before * steps * np.log1p(steps)))
    return bets


def _log_capital(x: Floats, bets: Floats, m: float) -> float:
    capped = np.minimum(bets, 0.5 / m) if m > 0.0 else bets
    return float(np.sum(np.log1p(capped * (x - m))))


def _edge(refused: Callable[[float], bool]) -> float:
    """The largest m still refused, from below; 0 when not even 0 is (the answer errs towards a wider interval)."""
    inside, outside = 1.0, 0.0
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2.0
        inside, outside = (inside, middle) if refused(middle) else (middle, outside)
    return outside


def _unit_interval(values: Array, low: float, high: float) -> NDArray[np.float64]:
    if not low < high:
        raise SettingError(f"the bounds {low} and {high} hold nothing", remedy="Give low below high.", low=low)
    data = np.asarray(values).astype(np.float64)
    if len(data) == 0 or not bool(np.all((data >= low) & (data <= high))):
        raise DataError(
            f"{int((~((data >= low) & (data <= high))).sum())} of {len(data)} values are missing or outside "
            f"{low}..{high}",
            remedy="Give at least one row and bounds that no value can exceed.",
        )
    return (data - low) / (high - low)


def _refuse_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise SettingError(f"alpha is {alpha}", remedy="Give an error rate between 0 and 1.", field="alpha")


def _refuse_not_positive(name: str, value: float) -> None:
    if not value > 0.0:
        raise SettingError(f"{name} is {value}", remedy="Give a positive number.", field=name)
