"""Money attributed to the model: what units it decided earned above units decided without it, at random.

Doubly robust scores over a randomised hold-out, inside a confidence sequence, so the number may be read at every
review without its error rate growing. Where the hold-out cannot carry it, the answer is "not measurable" and why.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.use_case import Interval
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.statistics.proportions import difference
from roadworthy.statistics.sequences import asymptotic_interval


class Reason(Enum):
    """Why a value is not measurable."""

    NO_HOLD_OUT = "no-hold-out"
    NO_MODEL_UNITS = "no-model-units"
    NOT_DUE = "outcomes-not-due"
    FEW_HELD_OUT = "few-held-out-units"
    FEW_MODEL_UNITS = "few-model-units"
    BROKEN_ASSIGNMENT = "broken-assignment"
    UNEQUAL_COVERAGE = "unequal-outcome-coverage"


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the model earned in one window, or why that cannot be said.

    `per_unit` (with `interval`) is the mean value of deciding one unit with the model instead of without; `total`
    that times `units_model`; `holdout_cost` that times `units_holdout`: what was forgone (negative: saved) by
    holding out. All are None when not `measurable`. Counts: `units_*` are units old enough to have an outcome and
    with a known value, `pending` those too young, `unknown_*` those old enough whose value is still unknown.
    """

    measurable: bool
    reason: Reason | None
    sentence: str
    units_model: int
    units_holdout: int
    pending: int
    unknown_model: int
    unknown_holdout: int
    value_model: float | None
    value_holdout: float | None
    per_unit: float | None = None
    interval: Interval | None = None
    total: float | None = None
    total_interval: Interval | None = None
    holdout_cost: float | None = None


@dataclass(frozen=True, slots=True)
class AttributionParams:
    """When an attribution is trusted.

    Attributes:
        level: of the confidence sequence, over all looks together (0..1).
        min_units: fewest units with a known value in each arm; the sequence is asymptotic, and below 200 its error
            rate was 6-9 % instead of 5 % in simulations of log-normal revenue.
        max_coverage_gap: largest difference between the arms' shares of unknown values (0..1) before the comparison
            is refused: outcomes that go missing in one arm only would be read as an effect.
        alarm: error rate (0..1) of the two tests that refuse a comparison.
        n_tune: number of units at which the sequence is tightest.
    """

    level: float = 0.95
    min_units: int = 200
    max_coverage_gap: float = 0.05
    alarm: float = 0.001
    n_tune: int = 5000

    def __post_init__(self) -> None:
        """Refuse values outside their range, by name."""
        ranges = {"level": (0.5, 0.9999), "min_units": (30, 1e9), "max_coverage_gap": (0.0, 1.0)}
        ranges |= {"alarm": (1e-9, 0.1), "n_tune": (100, 1e9)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise SettingError(
                    f"'{name}' of the attribution is {getattr(self, name)!r}",
                    remedy=f"Allowed: {low:g} to {high:g}.",
                    field=name,
                )


def attribute(
    values: Floats,
    held_out: Bools,
    holdout_share: float | Floats,
    *,
    due: Bools | None = None,
    expected: tuple[Floats, Floats] | None = None,
    params: AttributionParams | None = None,
) -> Attribution:
    """The model's value per unit from decisions in time order; every array has the shape (n_rows,).

    The score of a unit is m1 - m0 + z (y - m1) / (1 - h) - (1 - z) (y - m0) / h, z = 1 where the model decided.
    m1, m0 predict y under each policy from the past only: `expected` gives them from covariates, otherwise they are
    the arms' running means. Their quality narrows the interval; it cannot bias the estimate, as h is known.

    Args:
        values: of a KPI expression, NaN where unknown.
        held_out: True where the unit was decided without the model.
        holdout_share: probability with which each unit was held out, one number or per row (as logged).
        due: False for units too young to have an outcome (label delay); they are left out of both arms alike.

    Raises:
        DataError: arrays of different lengths, or an infinite value.

    References: Robins, Rotnitzky & Zhao 1994 (AIPW); Waudby-Smith et al., arXiv 2103.06476 (confidence sequence).
    """
    settings = params or AttributionParams()
    h = np.broadcast_to(np.asarray(holdout_share, dtype=np.float64), np.shape(values))
    aged = np.ones(len(values), dtype=np.bool_) if due is None else due
    _refuse_unusable(values, held_out, aged, expected)
    known = aged & ~np.isnan(values)
    counts = _count(values, held_out, aged, known)
    refusal = _refusal(h, held_out, aged, counts, settings)
    if refusal is not None:
        return _not_measurable(counts, *refusal)
    kept = None if expected is None else (expected[0][known], expected[1][known])
    scores = aipw_scores(values[known], held_out[known], h[known], kept)
    per_unit, n = float(scores.mean()), len(scores)
    error = float(np.std(scores, ddof=1)) / math.sqrt(n)
    interval = asymptotic_interval(per_unit, error, n, settings.level, settings.n_tune)
    served = counts.units_model
    return Attribution(
        measurable=True,
        reason=None,
        sentence=f"Each unit decided by the model is worth {per_unit:.4g} more than one decided without it "
        f"({settings.level:.0%} interval {interval.low:.4g} to {interval.high:.4g}).",
        **_as_fields(counts),
        per_unit=per_unit,
        interval=interval,
        total=per_unit * served,
        total_interval=Interval(interval.low * served, interval.high * served, settings.level),
        holdout_cost=per_unit * counts.units_holdout,
    )


def aipw_scores(
    values: Floats, held_out: Bools, holdout_share: Floats, expected: tuple[Floats, Floats] | None = None
) -> Floats:
    """The score of every unit, shape (n_rows,); their mean estimates the value per unit (see `attribute`)."""
    m1, m0 = expected if expected is not None else _running_means(values, held_out)
    gain = np.where(held_out, 0.0, (values - m1) / (1.0 - holdout_share))
    loss = np.where(held_out, (values - m0) / holdout_share, 0.0)
    scores: Floats = m1 - m0 + gain - loss
    return scores


@dataclass(frozen=True, slots=True)
class _Counts:
    units_model: int
    units_holdout: int
    pending: int
    unknown_model: int
    unknown_holdout: int
    value_model: float | None
    value_holdout: float | None


def _running_means(values: Floats, held_out: Bools) -> tuple[Floats, Floats]:
    """Each arm's mean over earlier units only, drawn to the pooled mean while the arm is young; shape (n_rows,)."""
    pooled = _before(values) / np.maximum(np.arange(len(values)), 1.0)
    weight = 10.0
    means = []
    for arm in (~held_out, held_out):
        seen, total = _before(arm.astype(np.float64)), _before(np.where(arm, values, 0.0))
        means.append((total + weight * pooled) / (seen + weight))
    return means[0], means[1]


def _before(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)[:-1]]) if len(values) else values


def _count(values: Floats, held_out: Bools, due: Bools, known: Bools) -> _Counts:
    model, holdout = known & ~held_out, known & held_out
    return _Counts(
        units_model=int(model.sum()),
        units_holdout=int(holdout.sum()),
        pending=int((~due).sum()),
        unknown_model=int((due & ~known & ~held_out).sum()),
        unknown_holdout=int((due & ~known & held_out).sum()),
        value_model=float(values[model].mean()) if model.any() else None,
        value_holdout=float(values[holdout].mean()) if holdout.any() else None,
    )


def _refusal(
    h: Floats, held_out: Bools, due: Bools, counts: _Counts, params: AttributionParams
) -> tuple[Reason, str] | None:
    if not held_out.any() or not bool(np.all((h > 0.0) & (h < 1.0))):
        return (
            Reason.NO_HOLD_OUT,
            "no unit was decided at random without the model, so there is nothing to compare with",
        )
    if held_out.all():
        return Reason.NO_MODEL_UNITS, "the model decided no unit"
    if not due.any():
        return Reason.NOT_DUE, f"none of the {len(due)} decisions is old enough to have an outcome"
    z = float((held_out - h).sum()) / math.sqrt(float((h * (1.0 - h)).sum()))
    if math.erfc(abs(z) / math.sqrt(2.0)) < params.alarm:
        share = f"{held_out.mean():.2%} of units were held out where {h.mean():.2%} were to be"
        return Reason.BROKEN_ASSIGNMENT, f"{share}: the assignment is not the random one that was declared"
    if counts.units_holdout < params.min_units:
        return Reason.FEW_HELD_OUT, _too_few("held-out", counts.units_holdout, params.min_units)
    if counts.units_model < params.min_units:
        return Reason.FEW_MODEL_UNITS, _too_few("model-decided", counts.units_model, params.min_units)
    return _coverage_refusal(counts, params)


def _coverage_refusal(counts: _Counts, params: AttributionParams) -> tuple[Reason, str] | None:
    model, holdout = counts.unknown_model, counts.unknown_holdout
    n_model, n_holdout = model + counts.units_model, holdout + counts.units_holdout
    gap, interval = difference(model, n_model, holdout, n_holdout, 1.0 - params.alarm)
    if abs(gap) <= params.max_coverage_gap or interval.low <= 0.0 <= interval.high:
        return None
    unknown = f"{model / n_model:.1%} of the model's units and {holdout / n_holdout:.1%} of the held-out units"
    why = f"the value of {unknown} is unknown: what is missing would be read as an effect"
    return Reason.UNEQUAL_COVERAGE, why


def _too_few(which: str, units: int, needed: int) -> str:
    return f"only {units} {which} units have a known value; at least {needed} are needed"


def _not_measurable(counts: _Counts, reason: Reason, why: str) -> Attribution:
    return Attribution(measurable=False, reason=reason, sentence=f"Not measurable: {why}.", **_as_fields(counts))


def _as_fields(counts: _Counts) -> dict[str, Any]:
    return asdict(counts)


def _refuse_unusable(values: Floats, held_out: Bools, due: Bools, expected: tuple[Floats, Floats] | None) -> None:
    lengths = {len(values), len(held_out), len(due), *(len(e) for e in expected or ())}
    if len(lengths) > 1:
        raise DataError(
            f"the arrays have different lengths: {sorted(lengths)}",
            remedy="Give one value, arm and age per decision.",
        )
    if np.isinf(values).any() or any(not np.isfinite(e).all() for e in expected or ()):
        raise DataError(
            "a value or an expectation is infinite or missing",
            remedy="Values may be NaN (unknown), never infinite; expectations must be numbers.",
        )
