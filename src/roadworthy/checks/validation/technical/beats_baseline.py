"""V2: the model orders sealed rows better than trivial predictors do, and no worse than the champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import all_of, at_least, checked, scores_of, too_few
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats
from roadworthy.statistics.ranking import auc, auc_difference, auc_interval, average_precision, brier

_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class BeatsBaselineParams(Params):
    """`min_gain`: AUC above 0.5; `champion_margin`: AUC that may be lost to the champion; the rest as usual."""

    level: float = 0.95
    min_gain: float = 0.05
    champion_margin: float = 0.01
    min_rows: int = 200
    min_events: int = 25
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "level": (0.5, 0.999),
        "min_gain": (0.0, 0.5),
        "champion_margin": (0.0, 0.5),
        "min_rows": (10, 1e9),
        "min_events": (2, 1e9),
    }


@dataclass(frozen=True)
class _Contest:
    """The model against one opponent: AUC difference, its interval, the difference demanded."""

    opponent: str
    gap: float
    interval: Interval
    demanded: float

    @property
    def verdict(self) -> Verdict:
        return at_least(self.interval, self.demanded)


class BeatsBaseline(Check):
    """The model ranks sealed rows better than trivial predictors do, and no worse than the champion.

    Needs:
        `sealed`, `score`, `version`, `use_case`; `champion` when one serves.

    Parameters:
        `level` (share, 0.95, 0.5..0.999); `min_gain` (AUC, 0.05, 0..0.5) above a constant score, which any
        prior-rate or most-frequent-class predictor is: AUC 0.5; `champion_margin` (AUC, 0.01, 0..0.5) that may be
        lost; `min_rows` (200) and `min_events` (25 rows of the rarer class).

    Verdict:
        with two-sided DeLong intervals, pass when the lower limit of AUC - 0.5 >= min_gain, of AUC - AUC(champion)
        >= -champion_margin, and, when the use case has a time column, of AUC - AUC(repeat the last known label) >=
        0; fail when one of the upper limits is below its bound; a false pass has probability <= (1 - level) / 2.
        The last *known* label respects the use case's label delay. AUC, not accuracy, because the business's
        threshold may rightly give accuracy away. DeLong takes rows as independent: on autocorrelated rows the
        interval is too narrow.

    Inconclusive/Error:
        inconclusive with too few rows or events, one class, a time column that is not in the data or is no time, or
        an interval across its bound; error when the model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = BeatsBaseline().evaluate(material(), BeatsBaselineParams())
        >>> found.verdict.value, round(found.statistic, 1), found.threshold
        ('pass', 0.9, 0.55)

    References:
        DeLong, DeLong & Clarke-Pearson 1988; Zliobaite et al. 2015, Machine Learning 98 (why a stream needs the
        no-change classifier as its baseline).
    """

    id = "beats-baseline"
    title = "Better than trivial baselines, no worse than the champion"
    step = Step.V2
    needs = ("sealed", "score", "version", "use_case")
    defect = DefectKind.WEAK_MODEL
    params = BeatsBaselineParams

    def evaluate(self, material: Material, params: BeatsBaselineParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version, use_case = material.sealed, material.score, material.version, material.use_case
        assert sealed and score and version and use_case  # noqa: S101, PT018 - the runner saw to the needs
        reasons = too_few(sealed.y, params.min_rows, params.min_events)
        if reasons:
            return self.finding(
                Verdict.INCONCLUSIVE, _TOO_FEW.format(len(sealed.y)), rows=len(sealed.y), reasons=reasons
            )
        scores = scores_of(score, sealed.frame, version)
        value, interval = auc(sealed.y, scores), auc_interval(sealed.y, scores, params.level)
        contests = [_Contest("constant", value - 0.5, _less(interval, 0.5), params.min_gain)]
        if material.champion is not None:
            rival = checked(material.champion(sealed.frame), sealed.frame.n_rows)
            gap, between = auc_difference(sealed.y, scores, rival, params.level)
            contests.append(_Contest("champion", gap, between, -params.champion_margin))
        last = _last_label(sealed, scores, use_case, params)
        unknown = (last,) if isinstance(last, str) else ()
        contests += [last] if isinstance(last, _Contest) else []
        verdict = all_of([c.verdict for c in contests] + [Verdict.INCONCLUSIVE for _ in unknown])
        return self.finding(
            verdict,
            _sentence(value, interval, contests, unknown),
            statistic=value,
            interval=interval,
            threshold=0.5 + params.min_gain,
            unit="AUC",
            rows=len(sealed.y),
            reasons=(*(f"{_CODES[c.verdict]}:{c.opponent}" for c in contests if c.verdict in _CODES), *unknown),
            details={
                "contests": [_facts(c) for c in contests],
                **_extra(sealed.y, scores, version.threshold),
            },
        )


_TOO_FEW = "{} sealed rows do not hold enough rows of both classes to measure a ranking."
_CODES = {Verdict.FAIL: "loses-to", Verdict.INCONCLUSIVE: "not-proven-against"}


def last_known_label(use_case: UseCase, sealed: Labelled) -> Floats | str:
    """What "the same as last time" would have answered for each row, shape (n_rows,), or why nobody can say.

    That is the label of the latest row strictly older than the row's time minus the label delay; 0.5 where no label
    was known yet. A numeric time column has no unit, so the delay is then taken as none.
    """
    if use_case.time_column not in sealed.frame:
        return "time-column-missing"
    times = sealed.frame[use_case.time_column]
    if times.dtype.kind not in "Mif" or sealed.frame.missing(use_case.time_column).any():
        return "time-column-is-no-time"
    if times.dtype.kind == "M":
        clock = times.astype("datetime64[us]").astype(np.int64)
        delay = int(use_case.label_delay_days * _DAY_US)
    else:
        clock, delay = times, 0
    order = np.argsort(clock, kind="stable")
    before = np.searchsorted(clock[order], clock - delay, side="left") - 1
    return np.where(before >= 0, sealed.y[order][np.maximum(before, 0)], 0.5)


def _last_label(
    sealed: Labelled, scores: Floats, use_case: UseCase, params: BeatsBaselineParams
) -> _Contest | str | None:
    if not use_case.time_column:
        return None
    known = last_known_label(use_case, sealed)
    if isinstance(known, str):
        return known
    gap, interval = auc_difference(sealed.y, scores, known, params.level)
    return _Contest("last-label", gap, interval, 0.0)


def _less(interval: Interval, amount: float) -> Interval:
    return Interval(interval.low - amount, interval.high - amount, interval.level)


def _facts(contest: _Contest) -> dict[str, Any]:
    return {
        "opponent": contest.opponent,
        "gap": contest.gap,
        "low": contest.interval.low,
        "high": contest.interval.high,
        "demanded": contest.demanded,
        "verdict": contest.verdict.value,
    }


def _extra(y: Floats, scores: Floats, threshold: float) -> dict[str, float]:
    rate = float(y.mean())
    return {
        "accuracy": float(np.mean((scores >= threshold) == (y == 1.0))),
        "accuracy_most_frequent": max(rate, 1.0 - rate),
        "brier": brier(y, scores),
        "brier_prior_rate": rate * (1.0 - rate),
        "average_precision": average_precision(y, scores),
    }


def _sentence(value: float, interval: Interval, contests: list[_Contest], unknown: tuple[str, ...]) -> str:
    open_ones = [f"{_CODES[c.verdict].replace('-', ' ')} {c.opponent}" for c in contests if c.verdict in _CODES]
    tail = "; ".join([*open_ones, *(u.replace("-", " ") for u in unknown)]) or "beats every baseline"
    return f"AUC {value:.3f} ({interval.low:.3f} to {interval.high:.3f}) on sealed rows; {tail}."
