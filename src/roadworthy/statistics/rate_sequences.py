"""A failure rate that may be looked at after every request: beta-mixture e-process and confidence sequence.

Both are functions of (events, trials) only, so they need no state, and hold at all sample sizes at once.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import betainc, betaln

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.use_case import Interval

_PRIOR = 0.5
"""Jeffreys' prior Beta(1/2, 1/2): near-best for rates close to 0, where good services live."""


def log_e_rate_below(events: int, trials: int, limit: float) -> float:
    """log E against H0 "every trial fails with probability >= limit"; the rate is proven lower at E >= 1/alpha.

    E is the likelihood under Jeffreys' prior cut to rates below `limit`, over the likelihood at `limit`. A rate
    below pays at most 1 per trial on average when the truth is at or above it, so E is a nonnegative
    supermartingale under every such truth, also one that drifts. With no event in n trials E is about
    e^(n limit) / (1.13 sqrt(n limit)): 20 is reached near n = 3.8 / limit.

    Raises:
        DataError: events outside 0..trials.
        SettingError: a limit outside 0..1.

    References: Robbins 1970; Ville 1939 (the inequality); truncation of the prior: own.
    """
    _refuse_impossible(events, trials)
    if not 0.0 < limit < 1.0:
        raise SettingError(f"the limit is {limit}", remedy="Give a rate between 0 and 1.", field="limit")
    a, b = _PRIOR + events, _PRIOR + trials - events
    inside = float(betainc(a, b, limit))
    if inside <= 0.0:
        return -math.inf
    prior = math.log(float(betainc(_PRIOR, _PRIOR, limit))) + float(betaln(_PRIOR, _PRIOR))
    return math.log(inside) + float(betaln(a, b)) - prior - _log_likelihood(events, trials, limit)


def rate_interval(events: int, trials: int, level: float = 0.95) -> Interval:
    """Confidence sequence of a constant rate: {p : E(p) < 1/alpha} with a Jeffreys mixture; (0, 1) without trials.

    Raises:
        DataError: events outside 0..trials.

    References: Robbins 1970; Lai 1976.
    """
    _refuse_impossible(events, trials)
    if trials == 0:
        return Interval(0.0, 1.0, level)
    mixture = float(betaln(_PRIOR + events, _PRIOR + trials - events)) - float(betaln(_PRIOR, _PRIOR))
    goal = math.log(1.0 / (1.0 - level))

    def excess(p: float) -> float:
        return mixture - _log_likelihood(events, trials, p) - goal

    rate, tiny = events / trials, 1e-15
    low = 0.0 if events == 0 else float(brentq(excess, tiny, rate, xtol=1e-14))
    high = 1.0 if events == trials else float(brentq(excess, rate, 1.0 - tiny, xtol=1e-14))
    return Interval(low, high, level)


def _log_likelihood(events: int, trials: int, p: float) -> float:
    hits = events * math.log(p) if events else 0.0
    return hits + ((trials - events) * math.log1p(-p) if trials > events else 0.0)


def _refuse_impossible(events: int, trials: int) -> None:
    if not 0 <= events <= trials:
        raise DataError(
            f"{events} events in {trials} trials do not exist",
            remedy="Give between 0 and `trials` events.",
            events=events,
            trials=trials,
        )
