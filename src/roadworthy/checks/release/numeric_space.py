"""The numeric inputs of a model as points, one unit = one standard deviation; everything else stays frozen.

Not a check: the ground on which `adversarial-robustness` and `small-change` move rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.domain.model import DType, ModelVersion, Signature
from roadworthy.statistics.frame import Bools, Floats, Frame

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class NumericSpace:
    """Rows of a frame and how their numeric columns may be moved.

    Attributes:
        frame: all inputs of the model, n_rows rows.
        names: the p columns that may move: numeric in signature and data, with a spread above zero.
        spread: standard deviation per movable column, in its own unit, shape (p,).
        whole: which of them hold whole numbers only, shape (p,).
        points: the movable columns in standard deviations, shape (n_rows, p), missing = NaN.
    """

    frame: Frame
    names: tuple[str, ...]
    spread: Floats
    whole: Bools
    points: Floats

    def settle(self, points: Floats) -> Floats:
        """The nearest points that exist: whole-number columns rounded, shape as given."""
        rounded = np.rint(points * self.spread) / self.spread
        return np.where(self.whole, rounded, points)

    def moved(self, rows: Rows, points: Floats) -> Frame:
        """The frame's `rows` (m,) with their movable columns at `points` (m, p); missing values stay missing."""
        taken = self.frame.take(rows)
        columns = dict(taken.columns)
        for j, name in enumerate(self.names):
            original = columns[name]
            # What was not moved keeps its exact bits: a rounding error may lie across a tree's split.
            unmoved = points[:, j] == self.points[rows, j]
            values = np.where(unmoved, original, points[:, j] * self.spread[j])
            if original.dtype.kind in "iu":
                columns[name] = np.rint(values).astype(original.dtype)
            else:
                columns[name] = np.where(np.isnan(original), np.nan, values)
        return Frame(columns)


def numeric_space(frame: Frame, signature: Signature) -> NumericSpace:
    """The space of a frame's rows; categories, booleans, text and constant columns are not part of it."""
    numeric = [c.name for c in signature.inputs if c.dtype in (DType.FP64, DType.INT64)]
    spreads = {name: _spread(frame, name) for name in numeric if frame[name].dtype.kind in "iuf"}
    names = tuple(name for name, spread in spreads.items() if spread > 0.0)
    spread = np.array([spreads[name] for name in names], dtype=np.float64)
    types = {c.name: c.dtype for c in signature.inputs}
    whole = np.array([types[n] is DType.INT64 or frame[n].dtype.kind in "iu" for n in names], dtype=np.bool_)
    values = [frame.floats(name) for name in names]
    points = np.column_stack(values) / spread if names else np.zeros((frame.n_rows, 0))
    return NumericSpace(frame, names, spread, whole, points)


def acts(scores: Floats, version: ModelVersion) -> Bools:
    """Whether each score leads to the action, shape (n_rows,)."""
    return np.asarray(scores, dtype=np.float64) >= version.threshold


def _spread(frame: Frame, name: str) -> float:
    values = frame.floats(name)
    present = values[np.isfinite(values)]
    found = float(present.std()) if len(present) else 0.0
    # A constant column can show a rounding error for a spread.
    return found if found > 1e-12 * max(1.0, float(np.abs(present).max(initial=0.0))) else 0.0
