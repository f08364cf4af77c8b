"""Does each arm get the share it was promised? Sample-ratio mismatch, at one fixed look or at every look.

Counted are units (first assignment), not requests: requests of one unit are not independent. A unit on an arm of
weight 0 is an alarm at once: no chance explains it. Weights may change over time; each period is tested against
the weights in force then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import chdtrc, gammaln

from roadworthy.domain.errors import DataError

DEFAULT_CONCENTRATION = 100.0
"""Prior strength k: how closely "broken" is expected to resemble the promise; 100 finds 51/49 and 60/40 alike."""


@dataclass(frozen=True, slots=True)
class AssignmentTest:
    """The state of the anytime test. `log_e_before` is the product over finished periods of constant weights."""

    concentration: float = DEFAULT_CONCENTRATION
    weights: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    log_e_before: float = 0.0
    peak_log_e: float = 0.0
    leaked: tuple[str, ...] = ()

    @property
    def log_e(self) -> float:
        """log E now against H0 "assignment follows the weights"; infinite after a leak."""
        if self.leaked:
            return math.inf
        return self.log_e_before + _log_period_e(self.weights, self.counts, self.concentration)

    def alarms(self, alpha: float) -> bool:
        """Whether the assignment is proven broken, with a false alarm rate of `alpha` over all looks."""
        return bool(self.leaked) or self.peak_log_e >= math.log(1.0 / alpha)


def srm_p_value(weights: Mapping[str, float], counts: Mapping[str, int]) -> float:
    """Chi-squared p-value of counts against weights, for ONE look fixed in advance; alarm below 0.001.

    Weights need not sum to 1. A count on an arm of weight 0 gives 0.0: that is proof, not chance.

    Raises:
        DataError: other arms than promised, fewer than two arms with weight, no units, or negative numbers.

    Reference: Fabijan et al., KDD 2019.
    """
    _refuse_impossible(weights, counts)
    if _leaks(weights, counts):
        return 0.0
    live = [arm for arm, weight in weights.items() if weight > 0.0]
    observed = np.array([counts.get(arm, 0) for arm in live], dtype=np.float64)
    if len(live) < 2 or observed.sum() == 0.0:
        raise DataError(
            f"{int(observed.sum())} units on {len(live)} arms cannot show a mismatch",
            remedy="Give units on at least two arms with weight.",
        )
    promised = np.array([weights[arm] for arm in live])
    expected = observed.sum() * promised / promised.sum()
    return float(chdtrc(len(live) - 1, np.sum((observed - expected) ** 2 / expected)))


def observe(test: AssignmentTest, weights: Mapping[str, float], counts: Mapping[str, int]) -> AssignmentTest:
    """The test after some more units, assigned while `weights` were in force.

    Raises:
        DataError: other arms than promised, or negative numbers.

    Reference: Lindon & Malek, NeurIPS 2022: Dirichlet(k theta) mixture; a new period starts at new weights.
    """
    _refuse_impossible(weights, counts)
    leaked = tuple(dict.fromkeys((*test.leaked, *_leaks(weights, counts))))
    if _shares(weights) == _shares(test.weights):
        merged = {arm: test.counts.get(arm, 0) + counts.get(arm, 0) for arm in weights}
        after = replace(test, counts=merged, leaked=leaked)
    else:
        before = 0.0 if test.leaked else test.log_e
        fresh = {arm: counts.get(arm, 0) for arm in weights}
        after = replace(test, weights=dict(weights), counts=fresh, log_e_before=before, leaked=leaked)
    return replace(after, peak_log_e=max(after.peak_log_e, after.log_e))


def _log_period_e(weights: Mapping[str, float], counts: Mapping[str, int], concentration: float) -> float:
    live = sorted(arm for arm, share in _shares(weights).items() if share > 0.0)
    if len(live) < 2:
        return 0.0
    theta = np.array([_shares(weights)[arm] for arm in live])
    n = np.array([counts.get(arm, 0) for arm in live], dtype=np.float64)
    prior = concentration * theta
    evidence = _log_beta(prior + n) - _log_beta(prior)
    return float(evidence - np.sum(n * np.log(theta)))


def _log_beta(parameters: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.sum(gammaln(parameters)) - gammaln(np.sum(parameters)))


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {arm: weight / total for arm, weight in weights.items()} if total > 0.0 else {}


def _leaks(weights: Mapping[str, float], counts: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(arm for arm, n in counts.items() if n > 0 and weights[arm] == 0.0))


def _refuse_impossible(weights: Mapping[str, float], counts: Mapping[str, int]) -> None:
    unknown = sorted(set(counts) - set(weights))
    if unknown:
        raise DataError(
            f"units were counted on {', '.join(unknown[:8])}, which has no weight",
            remedy=f"The arms are: {', '.join(sorted(weights)[:8])}.",
            arms=unknown,
        )
    numbers = [*weights.values(), *counts.values()]
    if any(not (math.isfinite(x) and x >= 0.0) for x in numbers) or not sum(weights.values()) > 0.0:
        raise DataError(
            "an arm's weight or count is missing or negative, or no arm has weight",
            remedy="Give weights that sum to more than 0 and counts from 0 up.",
        )
