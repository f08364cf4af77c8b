"""Signatures: what each input column was in training, inferred; and what requests must keep to, declared.

The inferred signature is what monitoring holds production against, and the proposal for what may be declared; what is
declared is what the gateway enforces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from roadworthy.domain.errors import DataError, SettingError, shortlist
from roadworthy.domain.model import ColumnLimit, ColumnSpec, DType, Signature
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


@dataclass(frozen=True, slots=True)
class Declared:
    """One column's limit as declared; `missing` None = as training data showed."""

    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    missing: bool | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests must keep to. `from_training`: every range and category list that training data showed, of the
    columns that `columns` does not name. `ignore_unknown`: a column that is no input is left aside, not refused.
    """

    columns: Mapping[str, Declared] = field(default_factory=dict)
    from_training: bool = False
    ignore_unknown: bool = False


def limited(signature: Signature, limits: Limits, frame: Frame) -> Signature:
    """The signature with what was declared.

    Args:
        signature: as inferred.
        limits: what was declared.
        frame: the training data, which must keep to it.

    Raises:
        SettingError: a column that is no input, or a limit that cannot be meant; names it.
        DataError: rows of the training data are outside: the version could not answer what it was trained on.
    """
    unknown = [name for name in limits.columns if name not in signature.names]
    if unknown:
        raise SettingError(
            f"limits are declared for {shortlist(unknown)}",
            remedy=f"The inputs are: {shortlist(signature.names, 40)}.",
            field="limits",
        )
    inputs: list[ColumnSpec] = []
    found: list[ColumnLimit] = []
    for spec in signature.inputs:
        said = limits.columns.get(spec.name)
        if said is None and limits.from_training and (spec.low is not None or spec.categories):
            said = Declared(spec.low, spec.high, spec.categories)
        if said is not None:
            may_miss = spec.missing_allowed if said.missing is None else said.missing
            spec = replace(spec, missing_allowed=may_miss)  # noqa: PLW2901 - the column as declared
            found.append(_limit(spec, said))
        inputs.append(spec)
    for limit in found:
        _refuse_training_rows(limit, frame)
    return replace(
        signature,
        inputs=tuple(inputs),
        limits=tuple(limit for limit in found if limit != ColumnLimit(limit.column)),
        ignore_unknown=limits.ignore_unknown,
    )


def _limit(spec: ColumnSpec, said: Declared) -> ColumnLimit:
    bounds = [v for v in (said.low, said.high) if v is not None]
    wrong = {
        "a range, but it is no column of numbers": bool(bounds) and spec.dtype not in (DType.FP64, DType.INT64),
        "categories, but it is no column of text": bool(said.categories) and spec.dtype is not DType.BYTES,
        "a bound that is no number": not all(np.isfinite(v) for v in bounds),
        f"a range from {said.low} to {said.high}": len(bounds) == 2 and bounds[0] > bounds[1],
        "that it may be left out, but not that it may be missing": said.optional and not spec.missing_allowed,
    }
    problem = next((what for what, is_so in wrong.items() if is_so), "")
    if problem:
        raise SettingError(
            f"the limit of column '{spec.name}' ({spec.dtype.value}) declares {problem}",
            remedy="Give low and high for numbers, categories for text, and 'missing: true' with 'optional: true'.",
            field="limits",
        )
    return ColumnLimit(spec.name, said.low, said.high, said.categories, said.optional)


def _refuse_training_rows(limit: ColumnLimit, frame: Frame) -> None:
    column, missing = frame[limit.column], frame.missing(limit.column)
    outside = np.zeros(frame.n_rows, dtype=np.bool_)
    if limit.low is not None:
        outside |= ~missing & (column < limit.low)
    if limit.high is not None:
        outside |= ~missing & (column > limit.high)
    if limit.categories:
        outside |= ~missing & np.array([v not in limit.categories for v in column.tolist()], dtype=np.bool_)
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(
            f"{int(outside.sum())} of {frame.n_rows} training rows are outside the limit of column '{limit.column}',"
            f" the first is row {row}: {str(column[row])[:80]!r}",
            remedy="Widen the limit, or train without these rows.",
            column=limit.column,
        )
