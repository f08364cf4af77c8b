"""Why a KPI moved between two windows: the market, or the model?

The raw KPI of the model's units moves by exactly (hold-out's movement) + (movement of model minus hold-out). The
first is the market's: those units never saw the model. Only the second is the model's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import ndtri

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Interval, Measured
from roadworthy.statistics.frame import Bools, Floats


class Cause(Enum):
    """What a movement of the KPI says about the model."""

    ATTRIBUTABLE = "attributable"
    NOT_ATTRIBUTABLE = "not-attributable"
    HARMFUL = "harmful"
    UNMOVED = "unmoved"
    NOT_MEASURABLE = "not-measurable"


@dataclass(frozen=True, slots=True)
class KpiWindow:
    """KPI values of one window's units, NaN where unknown, and which units were decided without the model.

    Attributes:
        values, held_out: shape (n_rows,).
    """

    values: Floats
    held_out: Bools


@dataclass(frozen=True, slots=True)
class Movement:
    """A KPI's change from one window to the next and its parts: `total` = `market` + `model` (same unit).

    `contrast_before`, `contrast_after` are model minus hold-out inside each window. Parts are None when the
    hold-out is too small to measure them.
    """

    cause: Cause
    sentence: str
    before: float | None
    after: float | None
    total: Measured | None
    market: Measured | None
    model: Measured | None
    contrast_before: Measured | None = None
    contrast_after: Measured | None = None


@dataclass(frozen=True, slots=True)
class _Arm:
    n: int
    mean: float
    variance_of_mean: float


def explain(
    name: str, unit: str, before: KpiWindow, after: KpiWindow, *, min_units: int = 30, level: float = 0.95
) -> Movement:
    """The movement of the KPI `name` (in `unit`; "share" is printed in percent) and its cause.

    HARMFUL: the model now earns less than the hold-out (interval below 0), whatever the raw KPI does.
    ATTRIBUTABLE: the contribution moved the way the total did. NOT_ATTRIBUTABLE: its interval includes 0
    *and* leaves the model less than half of the total movement, or it moved the other way. UNMOVED: the total's
    interval includes 0. NOT_MEASURABLE: an arm of a window has fewer than `min_units` known values, or the interval
    is too wide for any of these. "Moved" means that the interval excludes 0; intervals are Wald's over independent
    arms, for one look, each with error rate 1 - level.

    Raises:
        DataError: a window's arrays have different lengths.
    """
    arms = {(w, h): _arm(x, held_out=h) for w, x in (("before", before), ("after", after)) for h in (False, True)}
    t0, t1, h0, h1 = (arms[k] for k in (("before", False), ("after", False), ("before", True), ("after", True)))
    if t0 is None or t1 is None or min(t0.n, t1.n) < min_units:
        return _unknown(name, unit, t0, t1, "too few of the model's units have a known value", None)
    total = _combine("total movement", unit, ((1.0, t1), (-1.0, t0)), level)
    if h0 is None or h1 is None or min(h0.n, h1.n) < min_units:
        fewest = min(0 if h is None else h.n for h in (h0, h1))
        why = f"only {fewest} held-out units have a known value in one of the windows (needed: {min_units})"
        return _unknown(name, unit, t0, t1, why, total)
    market = _combine("movement without the model", unit, ((1.0, h1), (-1.0, h0)), level)
    model = _combine("movement of the model's contribution", unit, ((1, t1), (-1, h1), (-1, t0), (1, h0)), level)
    was = _combine("contribution before", unit, ((1.0, t0), (-1.0, h0)), level)
    now = _combine("contribution after", unit, ((1.0, t1), (-1.0, h1)), level)
    cause = _cause(total, model, now)
    sentence = _sentence(name, unit, cause, (t0.mean, t1.mean), (market, model, now))
    return Movement(cause, sentence, t0.mean, t1.mean, total, market, model, was, now)


def _cause(total: Measured, model: Measured, now: Measured) -> Cause:
    shift, whole, contribution = _ends(model), _ends(total), _ends(now)
    unmoved = whole[0] <= 0.0 <= whole[1]
    rose, fell = shift[0] > 0.0, shift[1] < 0.0
    if contribution[1] < 0.0:
        return Cause.HARMFUL
    if unmoved:
        return Cause.UNMOVED
    if rose or fell:
        return Cause.ATTRIBUTABLE if rose == (total.known > 0.0) else Cause.NOT_ATTRIBUTABLE
    toward_total = shift[1] if total.known > 0.0 else -shift[0]
    return Cause.NOT_ATTRIBUTABLE if toward_total < 0.5 * abs(total.known) else Cause.NOT_MEASURABLE


def _sentence(name: str, unit: str, cause: Cause, levels: tuple[float, float], parts: tuple[Measured, ...]) -> str:
    market, model, now = parts
    rising = levels[1] >= levels[0]
    moved, noun = ("rose", "rise") if rising else ("fell", "fall")
    change = f"{name} {moved} from {show(levels[0], unit)} to {show(levels[1], unit)}"
    share = f"{show(model.known, unit, signed=True)} ({_range(model, unit)})"
    without = f"units decided without the model moved by {show(market.known, unit, signed=True)}"
    lost = f", and the model's contribution fell: {share}" if _ends(model)[1] < 0.0 else ""
    if cause is Cause.UNMOVED:
        return f"{name} did not move measurably ({show(levels[0], unit)}, then {show(levels[1], unit)}){lost}"
    if cause is Cause.HARMFUL:
        loss = f"the model's contribution moved by {share} to {show(now.known, unit, signed=True)} per unit"
        return f"{change}, {'but' if rising else 'and'} {loss}: the model does harm"
    if cause is Cause.ATTRIBUTABLE:
        return f"{change}; {without}, and {share} of the {noun} is the model's doing"
    if cause is Cause.NOT_MEASURABLE:
        return f"{change}; {without}, but the hold-out is too small to tell the model's part: {share}"
    alike = (market.known >= 0.0) == rising
    same = f"units decided without the model {moved} as much ({show(market.known, unit, signed=True)})"
    return f"{change}; {same if alike else without}: the {noun} is not the model's doing{lost}"


def show(value: float, unit: str, *, signed: bool = False) -> str:
    """A number for a person: a share in percent (differences in points), anything else in its unit."""
    sign = "+" if signed else ""
    if unit == "share":
        return f"{100.0 * value:{sign}.1f} points" if signed else f"{100.0 * value:.1f}%"
    return f"{value:{sign}.4g} {unit}".strip()


def _range(measured: Measured, unit: str) -> str:
    low, high = _ends(measured)
    return f"{show(low, unit, signed=True)} to {show(high, unit, signed=True)}"


def _ends(measured: Measured) -> tuple[float, float]:
    interval = measured.interval
    return (interval.low, interval.high) if interval is not None else (-math.inf, math.inf)


def _arm(window: KpiWindow, *, held_out: bool) -> _Arm | None:
    if len(window.values) != len(window.held_out):
        raise DataError(
            f"{len(window.values)} values and {len(window.held_out)} arms do not match",
            remedy="Give one value and one arm per unit.",
        )
    known = window.values[(window.held_out == held_out) & ~np.isnan(window.values)]
    if len(known) < 2:
        return None
    return _Arm(len(known), float(known.mean()), float(np.var(known, ddof=1)) / len(known))


def _combine(name: str, unit: str, parts: tuple[tuple[float, _Arm], ...], level: float) -> Measured:
    value = sum(weight * arm.mean for weight, arm in parts)
    # An arm in which nothing varied still has the uncertainty of a rate of about 1 in n.
    variance = sum(max(arm.variance_of_mean, _floor(arm, parts)) for _, arm in parts)
    half = float(ndtri(0.5 + level / 2.0)) * math.sqrt(variance)
    return Measured(name, value, unit, sum(a.n for _, a in parts), Interval(value - half, value + half, level))


def _floor(arm: _Arm, parts: tuple[tuple[float, _Arm], ...]) -> float:
    spread = max(a.variance_of_mean * a.n for _, a in parts)
    return spread / arm.n / arm.n if arm.variance_of_mean == 0.0 else 0.0


def _unknown(name: str, unit: str, t0: _Arm | None, t1: _Arm | None, why: str, total: Measured | None) -> Movement:
    moved = ""
    if t0 is not None and t1 is not None:
        moved = f"{name} went from {show(t0.mean, unit)} to {show(t1.mean, unit)}; "
    sentence = f"{moved}whose doing that is cannot be measured: {why}"
    means = (t0.mean if t0 else None, t1.mean if t1 else None)
    return Movement(Cause.NOT_MEASURABLE, sentence, *means, total, None, None)
