"""Shared ground of the validation checks: three-way comparison of an interval, guarded scoring, groups of rows.

Every comparison here has three answers, never two: an interval that lies across its bound is `inconclusive`, and so
is one that is not a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from roadworthy.checks.material import Score
from roadworthy.domain.errors import BadOutputError, shortlist
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict, worst
from roadworthy.statistics.frame import Array, Bools, Floats, Frame

_MAX_DISTINCT_NUMBERS = 10
_QUARTILES = (0.25, 0.5, 0.75)


def at_least(interval: Interval, bound: float) -> Verdict:
    """Pass when the whole interval is at or above `bound`, fail when it is wholly below, else inconclusive."""
    if interval.low >= bound:
        return Verdict.PASS
    return Verdict.FAIL if interval.high < bound else Verdict.INCONCLUSIVE


def at_most(interval: Interval, bound: float) -> Verdict:
    """Pass when the whole interval is at or below `bound`, fail when it is wholly above, else inconclusive."""
    if interval.high <= bound:
        return Verdict.PASS
    return Verdict.FAIL if interval.low > bound else Verdict.INCONCLUSIVE


def within(interval: Interval, low: float, high: float) -> Verdict:
    """Pass when the whole interval lies in low..high, fail when it is wholly outside, else inconclusive."""
    return all_of((at_least(interval, low), at_most(interval, high)))


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on "all of these hold": one refuted part refutes the whole, else the worst part decides.

    This is not the ordering of a gate, where the unknown is worse than the refuted: inside one claim, knowing that
    one part is false settles the claim.
    """
    found = tuple(verdicts)
    return Verdict.FAIL if Verdict.FAIL in found else worst(found)


def apart(gap: float, first: tuple[float, Interval], second: tuple[float, Interval]) -> Interval:
    """Interval of first - second from two independent estimates, each (value, interval) of one level.

    The distances of each estimate to its own limits add in squares (Newcombe's method 10; Zou & Donner 2008).
    """
    (a, ia), (b, ib) = first, second
    low = gap - math.hypot(a - ia.low, ib.high - b)
    high = gap + math.hypot(ia.high - a, b - ib.low)
    return Interval(low, high, ia.level)


def shared_level(level: float, comparisons: int) -> float:
    """The level for each of several intervals so that all hold together with `level` (Bonferroni)."""
    return 1.0 - (1.0 - level) / max(1, comparisons)


def scores_of(score: Score, frame: Frame, version: ModelVersion) -> Floats:
    """The version's scores for its declared inputs of `frame`, shape (n_rows,).

    Raises:
        DataError: the frame lacks an input.
        BadOutputError: another number of scores than rows, or a score that is no number in 0..1.
    """
    return checked(score(frame.select(version.signature.names)), frame.n_rows)


def checked(scores: Array, rows: int) -> Floats:
    """`scores` as float64 of shape (rows,), each in 0..1.

    Raises:
        BadOutputError: the wrong shape, or a score that is no number in 0..1.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (rows,):
        raise BadOutputError(
            f"the model answered shape {found.shape} for {rows} rows", remedy="It must answer one score per row."
        )
    bad = ~(np.isfinite(found) & (found >= 0.0) & (found <= 1.0))
    if bad.any():
        raise BadOutputError(
            f"{int(bad.sum())} of {rows} scores are no number in 0..1, the first is {found[bad][0]!r}",
            remedy="The model must answer a finite score in 0..1 for every admitted row.",
        )
    return found


def too_few(y: Floats, min_rows: int, min_events: int) -> tuple[str, ...]:
    """Reason codes for labels that cannot carry a conclusion; empty when they can."""
    positives, negatives = int((y == 1.0).sum()), int((y == 0.0).sum())
    if len(y) < min_rows:
        return ("too-few-rows",)
    if min(positives, negatives) == 0:
        return ("one-class",)
    return ("too-few-events",) if min(positives, negatives) < min_events else ()


def groups(frame: Frame, column: str) -> dict[str, Bools]:
    """Masks of the rows of each group of `column`, by group name, largest group first.

    Text, booleans and numbers of at most ten distinct values: a group each; other numbers and times: quarters.
    Rows without a value are the group "(missing)".
    """
    absent = frame.missing(column)
    values = frame[column]
    names = np.full(len(values), "(missing)", dtype=object)
    present = values[~absent]
    if values.dtype.kind not in "Ob" and len(np.unique(present)) > _MAX_DISTINCT_NUMBERS:
        names[~absent] = _quarters(present)
    else:
        names[~absent] = [_name(v) for v in present.tolist()]
    masks = {str(n): np.asarray(names == n, dtype=np.bool_) for n in sorted(set(names.tolist()))}
    return dict(sorted(masks.items(), key=lambda item: -int(item[1].sum())))


def named(items: Iterable[str]) -> str:
    """A bounded list of names for a message."""
    return shortlist(list(items))


def _quarters(values: Array) -> list[str]:
    numbers = values.astype(np.float64)
    cuts = np.quantile(numbers, _QUARTILES)
    where = np.searchsorted(cuts, numbers, side="left")
    return [f"quarter {i + 1}" for i in where.tolist()]


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
