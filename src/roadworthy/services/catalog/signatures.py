"""Inferring a signature: what each input column was in training, so that production can be held against it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.statistics.frame import Frame

MAX_CATEGORIES = 50
"""Text columns with more distinct values than this are free text: any value is expected."""


def infer(frame: Frame, names: Sequence[str]) -> Signature:
    """The signature of these columns, in this order.

    Raises:
        DataError: a column is not there, has no value at all, or holds times.
    """
    frame.require(names, "the training data")
    return Signature(inputs=tuple(_spec(frame, name) for name in names))


def _spec(frame: Frame, name: str) -> ColumnSpec:
    column, missing = frame[name], frame.missing(name)
    if column.dtype.kind == "f":
        missing = ~np.isfinite(column)  # an infinity is no limit of anything
    if missing.all():
        raise DataError(
            f"column '{name}' has no value in any row", remedy="Leave it out of the inputs.", column=name
        )
    if column.dtype.kind == "M":
        raise DataError(
            f"column '{name}' holds times",
            remedy="Leave it out of the inputs, or derive numbers from it.",
            column=name,
        )
    some_missing = bool(missing.any())
    if column.dtype.kind == "b":
        return ColumnSpec(name, DType.BOOL, some_missing)
    if column.dtype.kind in "iuf":
        values = column[~missing].astype(np.float64)
        dtype = DType.INT64 if column.dtype.kind in "iu" else DType.FP64
        return ColumnSpec(name, dtype, some_missing, float(values.min()), float(values.max()))
    seen = sorted({str(v) for v in column[~missing]})
    return ColumnSpec(
        name, DType.BYTES, some_missing, categories=tuple(seen) if len(seen) <= MAX_CATEGORIES else ()
    )
