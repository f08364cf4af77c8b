"""Whose failures are these? An e-process over failure events only, for harm and for safety.

At failure i the canary had the share rho_i of the version traffic, and y_i says whether the failure was the
canary's. If the canary fails L times as often as the champion, y_i is 1 with probability
q_i(L) = rho_i L / (rho_i L + 1 - rho_i). The base rate cancels, so it may drift as it likes.

    E = mean over a grid of L of  prod_i (q_i(L)/q_i(L0))^y_i ((1-q_i(L))/(1-q_i(L0)))^(1-y_i)

Harm test, H0 "rate ratio <= L0": grid above L0. Safety test, H0 "rate ratio >= L0": grid below L0. Under H0, E
exceeds 1/alpha at any time with probability alpha at most (Ville), so one may look after every event.

A canary that was good for long has a tiny E, and would need many failures to work off that credit when it turns
bad. So a test may put a small `late_weight` of its capital on "harm begins at event t", with prior 1/(t (t + 1)):

    E = (1 - late_weight) E(from the start) + late_weight (sum_t 1/(t (t+1)) E(from event t) + 1/(n + 1))

Each term is an e-process, so E is one. With `late_weight` 0 it is the formula above.

Assumed: requests are assigned at random with share rho_i, and failures count once per decision. Retries of one
broken unit are not independent events: deduplicate them first.

Reference: the one-sided form of Lindon & Malek (NeurIPS 2022).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roadworthy.domain.errors import DataError, SettingError

GRID_POINTS = 24
_NEVER = -1e300
_CHUNK = 10_000
"""Events taken at once, so that a long list costs 10 MB of memory and no more."""
_NEAREST, _FARTHEST_HARM, _FARTHEST_SAFETY = 1.25, 20.0, 4.0
"""Grid ends as multiples of the null ratio. Harm may be anything; "safe" is looked for between a quarter of the
limit and just below it, because a canary about as good as the champion is what safety has to be proven for."""


@dataclass(frozen=True, slots=True)
class FailureEvent:
    """One failed request: the canary's `share` (0..1) of version traffic then, and whose failure it was."""

    share: float
    from_canary: bool


@dataclass(frozen=True, slots=True)
class FailureTest:
    """The state of one test: all that is needed to go on from here.

    `log_capitals` (from the start) and `log_restarts` (log of sum_t prior(t) / capital before event t) belong to
    `grid`, point by point; `peak_log_e` is the largest log E after any event.
    """

    null_ratio: float
    grid: tuple[float, ...]
    log_capitals: tuple[float, ...]
    log_restarts: tuple[float, ...]
    late_weight: float = 0.0
    events: int = 0
    peak_log_e: float = 0.0

    @property
    def log_e(self) -> float:
        """log E now; 0 before the first event."""
        capitals, restarts = np.array([self.log_capitals]), np.array([self.log_restarts])
        return float(_log_e(capitals, restarts, np.array([self.events]), self.late_weight)[0])

    @property
    def e(self) -> float:
        """E now, at most the largest float: JSON has no infinity."""
        return bounded_exp(self.log_e)

    @property
    def peak_e(self) -> float:
        """The largest E after any event so far: what a stop at the first crossing would have seen."""
        return bounded_exp(self.peak_log_e)


def harm_test(tolerated_ratio: float = 1.0, late_weight: float = 0.0) -> FailureTest:
    """A fresh test of H0 "the canary fails at most `tolerated_ratio` times as often as the champion".

    Raises:
        SettingError: a ratio that is not positive, or a `late_weight` outside 0..1.
    """
    if not 0.0 <= late_weight < 1.0:
        raise SettingError(f"late_weight is {late_weight}", remedy="Give 0 to 1.", field="late_weight")
    fresh = _fresh(tolerated_ratio, np.geomspace(_NEAREST, _FARTHEST_HARM, GRID_POINTS))
    return replace(fresh, late_weight=late_weight)


def safety_test(limit_ratio: float = 2.0) -> FailureTest:
    """A fresh test of H0 "the canary fails at least `limit_ratio` times as often as the champion".

    Raises:
        SettingError: a ratio that is not positive.
    """
    return _fresh(limit_ratio, 1.0 / np.geomspace(_FARTHEST_SAFETY, _NEAREST, GRID_POINTS))


def is_possible(event: FailureEvent) -> bool:
    """Whether the share is within 0..1 (NaN is not) and the failing arm had traffic at all."""
    return 0.0 <= event.share <= 1.0 and event.share != (0.0 if event.from_canary else 1.0)


def observe(test: FailureTest, events: Sequence[FailureEvent]) -> FailureTest:
    """The test after some more failures, in time order; cutting the list in pieces changes nothing.

    An event while one arm had all the traffic says nothing and is only counted.

    Raises:
        DataError: a share outside 0..1 or NaN, or a failure of an arm that had no traffic.
    """
    for start in range(0, len(events), _CHUNK):
        test = _observe(test, events[start : start + _CHUNK])
    return test


def _observe(test: FailureTest, events: Sequence[FailureEvent]) -> FailureTest:
    bad = next((e for e in events if not is_possible(e)), None)
    if bad is not None:
        raise DataError(
            f"a failure of the {'canary' if bad.from_canary else 'champion'} has the canary share {bad.share}",
            remedy="Give the share in force, 0 to 1; an arm without traffic cannot fail.",
            field="share",
        )
    share = np.array([e.share for e in events], dtype=np.float64)
    canary = np.array([e.from_canary for e in events], dtype=np.bool_)
    steps = _log_factors(share, canary, np.asarray(test.grid), test.null_ratio)
    # Both accumulations go in order from the old state: so splitting the list leaves every bit the same.
    path = np.cumsum(np.vstack([np.asarray(test.log_capitals), steps]), axis=0)
    counts = test.events + np.arange(1, len(events) + 1, dtype=np.float64)
    prior = -np.log(counts) - np.log1p(counts)
    restarts = np.logaddexp.accumulate(
        np.vstack([np.asarray(test.log_restarts), prior[:, None] - path[:-1]]), axis=0
    )
    log_e = _log_e(path[1:], restarts[1:], counts, test.late_weight)
    return replace(
        test,
        log_capitals=tuple(path[-1].tolist()),
        log_restarts=tuple(restarts[-1].tolist()),
        events=test.events + len(events),
        peak_log_e=max(test.peak_log_e, float(np.max(log_e))),
    )


def bounded_exp(log_value: float) -> float:
    """exp, but the largest float instead of an overflow or infinity."""
    return math.exp(log_value) if log_value < 709.0 else sys.float_info.max


def _fresh(null_ratio: float, multiples: NDArray[np.float64]) -> FailureTest:
    if not (math.isfinite(null_ratio) and null_ratio > 0.0):
        raise SettingError(
            f"the rate ratio to test against is {null_ratio}", remedy="Give a positive number.", field="ratio"
        )
    grid = tuple((null_ratio * multiples).tolist())
    return FailureTest(null_ratio, grid, (0.0,) * len(grid), (_NEVER,) * len(grid))


def _log_e(
    capitals: NDArray[np.float64],
    restarts: NDArray[np.float64],
    counts: NDArray[np.float64] | NDArray[np.int64],
    late: float,
) -> NDArray[np.float64]:
    """log E after each event; `capitals` and `restarts` have shape (n_events, n_grid), `counts` (n_events,)."""
    early = _log_mean_exp(capitals)
    if late == 0.0:
        return early
    waiting = -np.log1p(counts)
    later = np.logaddexp(_log_mean_exp(capitals + restarts), waiting)
    mixed: NDArray[np.float64] = np.logaddexp(math.log1p(-late) + early, math.log(late) + later)
    return mixed


def _log_factors(
    share: NDArray[np.float64], canary: NDArray[np.bool_], grid: NDArray[np.float64], null_ratio: float
) -> NDArray[np.float64]:
    """log of one event's factor per grid point, shape (n_events, n_grid)."""
    rho = share[:, None]
    towards = np.where(canary[:, None], np.log(grid / null_ratio), 0.0)
    factors: NDArray[np.float64] = towards - np.log1p(rho * (grid - 1.0)) + np.log1p(rho * (null_ratio - 1.0))
    factors[(share == 0.0) | (share == 1.0)] = 0.0
    return factors


def _log_mean_exp(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of the mean of exp over each row; every value is finite, so the top can be taken out safely."""
    top = rows.max(axis=1)
    means: NDArray[np.float64] = top + np.log(np.mean(np.exp(rows - top[:, None]), axis=1))
    return means
