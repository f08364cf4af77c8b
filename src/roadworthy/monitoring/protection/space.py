"""`Space`: rows as points, so that "near" means the same for ages, balances and channels.

A number becomes its rank among the training values, 0 to 1 (beyond their range it goes on, at most `BEYOND` ranges
further); a category one coordinate per category, so that two different ones lie 1 apart; a missing number has a
coordinate of its own, 1 apart from any that is there.

Reference: Gower 1971, Biometrics 27 (mixed columns on one scale).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.statistics.frame import Array, Floats, Frame

KNOTS = 65
"""Quantiles kept of a numeric column."""

CATEGORIES = 20
"""Most frequent categories that get a coordinate of their own."""

BEYOND = 5.0
"""How far outside the training range a number counts, in widths of that range."""

_APART = float(np.sqrt(0.5))


@dataclass(frozen=True, slots=True)
class Axis:
    """One column: a number's training values and their ranks (both ascending), or a text's categories."""

    name: str
    values: tuple[float, ...] = ()
    ranks: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """The axes, in the order of the columns."""

    axes: tuple[Axis, ...]

    def place(self, frame: Frame) -> Floats:
        """The rows as points, shape (n_rows, n_dimensions)."""
        return np.concatenate([_placed(axis, frame) for axis in self.axes], axis=1)


def build_space(frame: Frame) -> Space:
    """The space of some training rows."""
    return Space(tuple(_axis(frame, name) for name in frame.names))


def distances(a: Floats, b: Floats) -> Floats:
    """Euclidean distances, shape (n_a, n_b)."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2.0 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float64)


def _axis(frame: Frame, name: str) -> Axis:
    if not frame.is_numeric(name):
        counted = Counter(str(v) for v in frame[name].tolist() if v is not None)
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return Axis(name, categories=tuple(c for c, _ in ranked[:CATEGORIES]))
    present = frame.floats(name)
    present = present[~np.isnan(present)]
    if len(present) == 0:
        return Axis(name, (0.0,), (0.5,))
    shares = np.linspace(0.0, 1.0, KNOTS)
    knots = np.quantile(present, shares)
    values = np.unique(knots)
    ranks = [float(shares[knots == v].mean()) for v in values]
    return Axis(name, tuple(values.tolist()), tuple(ranks))


def _placed(axis: Axis, frame: Frame) -> Floats:
    n = frame.n_rows
    if axis.categories is not None:
        return _coded(axis.categories, frame[axis.name].tolist() if axis.name in frame else [None] * n)
    numbers = _numbers(frame, axis.name)
    missing = np.isnan(numbers)
    filled = np.where(missing, axis.values[0], numbers)
    ranks = np.interp(filled, axis.values, axis.ranks)
    low, high = axis.values[0], axis.values[-1]
    width = (high - low) or max(1.0, abs(high))
    ranks += np.clip((filled - high) / width, 0.0, BEYOND) - np.clip((low - filled) / width, 0.0, BEYOND)
    return np.column_stack([np.where(missing, 0.5, ranks), missing.astype(np.float64)])


def _numbers(frame: Frame, name: str) -> Floats:
    if name not in frame or not frame.is_numeric(name):
        return np.full(frame.n_rows, np.nan)
    return frame.floats(name)


def _coded(categories: Sequence[str], values: Sequence[object]) -> Floats:
    places = {c: i for i, c in enumerate(categories)}
    coded = np.zeros((len(values), len(categories) + 2))
    for row, value in enumerate(values):
        coded[row, len(categories) + 1 if value is None else places.get(str(value), len(categories))] = _APART
    return coded


def nearest(points: Floats, others: Floats) -> Floats:
    """Each point's distance to the nearest of the others, shape (n_points,)."""
    return np.asarray(distances(points, others).min(axis=1), dtype=np.float64)


def earlier(points: Floats, groups: Array) -> Floats:
    """Each point's distance to the nearest earlier one of its group, shape (n_points,); NaN for a group's first."""
    apart = distances(points, points)
    apart[~np.tri(len(points), k=-1, dtype=np.bool_) | (groups[:, None] != groups[None, :])] = np.inf
    found = apart.min(axis=1, initial=np.inf)
    return np.where(np.isfinite(found), found, np.nan)
