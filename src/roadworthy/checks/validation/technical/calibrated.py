"""V2: a score of 0.2 means that two in ten happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Material
from roadworthy.checks.validation.judging import all_of, at_most, scores_of, too_few, within
from roadworthy.domain.errors import DataError
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.bootstrap import bootstrap
from roadworthy.statistics.calibration import (
    calibration_slope_intercept,
    calibration_table,
    expected_calibration_error,
)
from roadworthy.statistics.frame import Floats


@dataclass(frozen=True)
class CalibratedParams(Params):
    """`max_ece`: mean distance of score and rate; `min_slope`..`max_slope`: of outcome on logit(score)."""

    max_ece: float = 0.05
    min_slope: float = 0.70
    max_slope: float = 1.40
    bins: int = 10
    draws: int = 200
    level: float = 0.95
    min_rows: int = 500
    min_events: int = 50
    max_rows: int = 20_000
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_ece": (0.0, 1.0),
        "min_slope": (0.0, 1.0),
        "max_slope": (1.0, 100.0),
        "bins": (2, 100),
        "draws": (20, 10_000),
        "level": (0.5, 0.999),
        "min_rows": (20, 1e9),
        "min_events": (2, 1e9),
        "max_rows": (500, 1e9),
    }


class Calibrated(Check):
    """Scores are probabilities: on average they miss the observed rate by at most `max_ece`, and none too boldly.

    Needs:
        `sealed`, `score`, `version`.

    Parameters:
        `max_ece` (share, 0.05, 0..1); `min_slope` (0.70, 0..1) and `max_slope` (1.40, 1..100) of the logistic
        regression of the outcome on logit(score), 1 is perfect; `bins` (10, 2..100) of equal width; `draws` (200,
        20..10000) of the bootstrap; `level` (share, 0.95, 0.5..0.999); `min_rows` (500), `min_events` (50 of the
        rarer class); `max_rows` (20,000) sampled for the bootstrap.

    Verdict:
        with bootstrap intervals, pass when the upper limit of the expected calibration error (ECE; percentile) <=
        max_ece and the slope's interval (percentile) lies within min_slope..max_slope; fail when the ECE's lower
        limit (reflected about its value) > max_ece or the slope's interval lies wholly outside. ECE adds up
        absolute noise, so its percentiles lie too high and the reflected ones too low: taking the safe limit for
        each verdict keeps a false pass and a false fail each at about (1 - level) / 2 or less (simulated: 0 of 240
        false passes at a true 0.055), at the price of more inconclusive: a well calibrated model needs about 2,000
        rows to pass.

    Inconclusive/Error:
        inconclusive with too few rows or events, one class, a slope that does not exist (a constant score, or
        scores that separate the classes), or an interval across its bound; error when the model answers no number
        in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = Calibrated().evaluate(material(), CalibratedParams())
        >>> found.verdict.value, found.threshold, 0.7 < found.details["slope"] < 1.4
        ('pass', 0.05, True)

    References:
        Naeini, Cooper & Hauskrecht, AAAI 2015; Cox 1958; Van Calster et al. 2019, BMC Medicine 17; Efron &
        Tibshirani 1993, ch. 13.
    """

    id = "calibrated"
    title = "Scores are probabilities"
    step = Step.V2
    needs = ("sealed", "score", "version")
    cost = Cost.FULL_SCAN
    defect = DefectKind.MISCALIBRATED
    params = CalibratedParams

    def evaluate(self, material: Material, params: CalibratedParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version = material.sealed, material.score, material.version
        assert sealed and score and version  # noqa: S101, PT018 - the runner saw to the needs
        rows = sealed.frame.n_rows
        reasons = too_few(sealed.y, params.min_rows, params.min_events)
        if reasons:
            message = f"{rows} sealed rows do not hold enough rows of both classes to measure calibration."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=rows, reasons=reasons)
        scores = scores_of(score, sealed.frame, version)
        bins = int(params.bins)
        value = expected_calibration_error(sealed.y, scores, bins)
        chosen = material.rng().permutation(rows)[: int(params.max_rows)]
        y, kept = sealed.y[chosen], scores[chosen]
        error = self._interval(
            lambda rows: expected_calibration_error(y[rows], kept[rows], bins), y, material, params
        )
        slope = _slope(sealed.y, scores)
        sloped = None
        if slope is not None:
            sloped = self._interval(lambda rows: _slope_or_refuse(y[rows], kept[rows]), y, material, params)
        by_slope = within(sloped, params.min_slope, params.max_slope) if sloped else Verdict.INCONCLUSIVE
        by_error = at_most(error, params.max_ece) if error else Verdict.INCONCLUSIVE
        told = "does not exist" if slope is None else f"is {slope[0]:.2f}"
        return self.finding(
            all_of((by_error, by_slope)),
            f"On average scores miss the rate by {value:.3f} (allowed {params.max_ece:g}); the calibration "
            f"slope {told} (allowed {params.min_slope:g} to {params.max_slope:g}).",
            statistic=value,
            interval=error,
            threshold=params.max_ece,
            unit="share",
            rows=rows,
            reasons=_codes(by_error, by_slope, slope is None),
            details={
                "table": calibration_table(sealed.y, scores, bins),
                "slope": slope[0] if slope else None,
                "intercept": slope[1] if slope else None,
                "slope_low": sloped.low if sloped else None,
                "slope_high": sloped.high if sloped else None,
            },
        )

    @staticmethod
    def _interval(
        statistic: Callable[[NDArray[np.intp]], float], y: Floats, material: Material, params: CalibratedParams
    ) -> Interval | None:
        try:
            return bootstrap(statistic, len(y), material.rng(), int(params.draws), params.level)
        except DataError:
            return None


def _both_ways(value: float, drawn: Interval | None) -> Interval | None:
    """The percentile interval's upper limit with the reflected interval's lower one.

    The error is a sum of absolute values, so resampling adds to it: percentiles lie too high, reflecting them about
    the value takes that back. The safe limit of each serves the verdict it may not call too easily.
    """
    return None if drawn is None else Interval(max(0.0, 2.0 * value - drawn.high), drawn.high, drawn.level)


def _slope(y: Floats, scores: Floats) -> tuple[float, float] | None:
    try:
        return calibration_slope_intercept(y, scores)
    except DataError:
        return None


def _slope_or_refuse(y: Floats, scores: Floats) -> float:
    return calibration_slope_intercept(y, scores)[0]


def _codes(by_error: Verdict, by_slope: Verdict, no_slope: bool) -> tuple[str, ...]:
    words = {Verdict.FAIL: "out-of-bounds", Verdict.INCONCLUSIVE: "not-proven"}
    found = [f"{name}-{words[v]}" for name, v in (("error", by_error), ("slope", by_slope)) if v in words]
    return ("no-slope", *found) if no_slope else tuple(found)
