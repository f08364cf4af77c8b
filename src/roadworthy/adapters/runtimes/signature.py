"""Signatures from data: what a model takes, as seen in its training table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roadworthy.adapters.runtimes.estimator import check_estimator
from roadworthy.domain.errors import DataError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.statistics.frame import Frame

MOST_CATEGORIES = 50
"""Text columns with more distinct values carry no list: any text may come."""

_KINDS = {"f": DType.FP64, "i": DType.INT64, "u": DType.INT64, "b": DType.BOOL, "O": DType.BYTES}

__all__ = ["MOST_CATEGORIES", "check_estimator", "infer"]


def infer(frame: Frame, names: Sequence[str]) -> Signature:
    """The signature of the named columns, in that order.

    Numbers get the lowest and highest value seen, text its distinct values when there are at most fifty; a column
    with a missing value in training may be missing later.

    Raises:
        DataError: a column is not there, or holds times.
    """
    frame.require(names, "the training table")
    return Signature(tuple(_column(frame, name) for name in names))


def _column(frame: Frame, name: str) -> ColumnSpec:
    values = frame[name]
    if values.dtype.kind not in _KINDS:
        raise DataError(
            f"column '{name}' holds {values.dtype}, which is no model input",
            remedy="Models take numbers, booleans and text; derive numbers from times (an hour, an age in days).",
            column=name,
        )
    dtype, missing = _KINDS[values.dtype.kind], frame.missing(name)
    present = values[~missing]
    if dtype is DType.BYTES:
        distinct = sorted(set(present.tolist()))
        categories = tuple(distinct) if len(distinct) <= MOST_CATEGORIES else ()
        return ColumnSpec(name, dtype, missing_allowed=bool(missing.any()), categories=categories)
    finite = present[np.isfinite(present)] if dtype is DType.FP64 else present
    if dtype is DType.BOOL or not len(finite):
        return ColumnSpec(name, dtype, missing_allowed=bool(missing.any()))
    low, high = float(finite.min()), float(finite.max())
    return ColumnSpec(name, dtype, missing_allowed=bool(missing.any()), low=low, high=high)
