"""What an endpoint's requests must look like, and turning values into the typed columns models take.

Numeric values outside the range seen in training and categories never seen are admitted, unless a limit was declared
(`bounds.py`): they are for monitoring to count, not for the gateway to hide. A number beyond the float32 range is
refused: most models compute in float32, where it would become infinite, and one caller could then make an arm fail
at will.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.domain.errors import ConflictError, InputError, shortlist
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.serving import Arm, ArmRole
from roadworthy.gateway.protocol.bounds import Bounds
from roadworthy.statistics.frame import Array, column_of

LARGEST = float(np.finfo(np.float32).max)
"""The largest admitted magnitude, 3.4e38."""

_INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
FLOATS = frozenset({"FP16", "FP32", "FP64"})
ADMITTED: dict[DType, frozenset[str]] = {
    DType.FP64: FLOATS | _INTEGERS,
    DType.INT64: _INTEGERS,
    DType.BOOL: frozenset({"BOOL"}),
    DType.BYTES: frozenset({"BYTES"}),
}
"""Column type -> the tensor datatypes it may be sent as."""

PYTHON: dict[DType, frozenset[type]] = {
    DType.FP64: frozenset({int, float}),
    DType.INT64: frozenset({int}),
    DType.BOOL: frozenset({bool}),
    DType.BYTES: frozenset({str}),
}
"""Column type -> the types of its values in JSON; null besides, where one may be missing."""

_WORDS = {
    DType.FP64: "a number",
    DType.INT64: "a whole number",
    DType.BOOL: "true or false",
    DType.BYTES: "a string",
}
_NUMPY = {DType.FP64: "fiu", DType.INT64: "iu", DType.BOOL: "b", DType.BYTES: "OUT"}


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns an endpoint takes: every arm's, of which the champion's must be sent.

    A column only a challenger takes may be left out, so that callers who do not know it yet are still answered:
    the challenger fails on those rows and the champion answers.
    """

    columns: Mapping[str, ColumnSpec]
    required: frozenset[str]
    bounds: Bounds
    ignore_unknown: bool = False

    @classmethod
    def of(cls, arms: Sequence[Arm]) -> Contract:
        """The contract of a deployment's arms. Raises ConflictError when two disagree on a column's type."""
        columns: dict[str, ColumnSpec] = {}
        required: set[str] = set()
        # A shadow may ask for more columns, but refuses nobody's request.
        for arm in sorted(arms, key=lambda a: not a.role.answers):
            for spec in arm.signature.inputs if arm.signature else ():
                known = columns.setdefault(spec.name, spec)
                if known.dtype is not spec.dtype:
                    raise ConflictError(
                        f"column '{spec.name}' is {spec.dtype.value} for arm '{arm.name}', "
                        f"but {known.dtype.value} for another",
                        remedy="Deploy versions whose signatures agree on shared columns.",
                        column=spec.name,
                    )
                if known.missing_allowed and not spec.missing_allowed and arm.role.answers:
                    columns[spec.name] = spec
                if arm.role is ArmRole.CHAMPION:
                    required.add(spec.name)
        signatures = [arm.signature for arm in arms if arm.signature]
        leading = [arm.signature for arm in arms if arm.signature and arm.role is ArmRole.CHAMPION]
        champion = leading[0] if leading else Signature(())
        bounds = Bounds.of(signatures, champion)
        required.difference_update(spec.name for spec in bounds.optional)
        return cls(columns, frozenset(required), bounds, champion.ignore_unknown)

    def refuse_others(self, given: Sequence[str]) -> None:
        """Refuse columns the endpoint does not take, and a required one that is not there."""
        unknown = [name for name in given if name not in self.columns]
        if unknown and not self.ignore_unknown:
            raise InputError(
                f"unknown column {shortlist([shown(n) for n in unknown])}",
                remedy=f"Send only: {shortlist(tuple(self.columns), 40)}.",
                field="inputs",
                unknown=[n[:64] for n in unknown[:8]],
            )
        missing = sorted(self.required.difference(given))
        if missing:
            raise InputError(
                f"missing column {shortlist([shown(n) for n in missing])}",
                remedy="Send one tensor per column; the model's metadata lists them.",
                field="inputs",
                missing=missing[:8],
            )


def malformed(field: str, what: str, remedy: str) -> InputError:
    """The refusal of a request, naming the part that is wrong."""
    return InputError(what, remedy=remedy, field=field)


def shown(name: str) -> str:
    """A caller's name, quoted and bounded, fit for a message."""
    return repr(name if len(name) <= 64 else name[:61] + "...")


def from_values(spec: ColumnSpec, values: Sequence[Any], field: str) -> Array:
    """A column of JSON values (null = missing), shape (n_rows,).

    Its type is that of `column_of`, so a batch's neighbours never change a row's type.

    Raises:
        InputError: a missing value where none is allowed, a value of another type, or one out of float32's or
            int64's range; names the column, the row and `field`.
    """
    kinds = set(map(type, values))
    if type(None) in kinds and not spec.missing_allowed:
        raise _bad_value(
            spec, values, field, lambda v: v is None, f"null, but column '{spec.name}' may not be missing"
        )
    allowed = PYTHON[spec.dtype]
    if not kinds <= allowed | {type(None)}:
        raise _bad_value(
            spec, values, field, lambda v: v is not None and type(v) not in allowed, f"not {_WORDS[spec.dtype]}"
        )
    return _typed(spec, values, field)


def bound_of(spec: ColumnSpec) -> float:
    """The largest admitted magnitude of a column of numbers."""
    return 2**63 - 1 if spec.dtype is DType.INT64 else LARGEST


def _typed(spec: ColumnSpec, values: Sequence[Any], field: str) -> Array:
    if spec.dtype is not DType.BYTES and (spec.dtype is not DType.BOOL or spec.missing_allowed):
        bound = bound_of(spec)
        if any(v is not None and not -bound <= v <= bound for v in values):
            raise _bad_value(
                spec, values, field, lambda v: v is not None and not -bound <= v <= bound, f"beyond {bound:.3g}"
            )
    return column_of(spec, values)


def _bad_value(spec: ColumnSpec, values: Sequence[Any], field: str, wrong: Any, what: str) -> InputError:
    row = next(i for i, v in enumerate(values) if wrong(v))
    value = values[row]
    said = shown(value) if isinstance(value, str) else "null" if value is None else f"{value!r:.40}"
    return InputError(
        f"column '{spec.name}', row {row}: {said} is {what}",
        remedy=f"Send {_WORDS[spec.dtype]}{' or null' if spec.missing_allowed else ''}.",
        field=field,
        column=spec.name,
        row=row,
    )


def refuse_datatype(spec: ColumnSpec, datatype: str, field: str) -> None:
    """Refuse a tensor datatype a column may not be sent as. Raises InputError naming both."""
    admitted = ADMITTED[spec.dtype]
    if datatype not in admitted:
        raise malformed(
            field,
            f"column '{spec.name}' is sent as {shown(datatype)}",
            f"The model takes {spec.dtype.value}; admitted: {', '.join(sorted(admitted))}.",
        )


def refuse_fractions(name: str, values: Sequence[Any], field: str) -> None:
    """Refuse a fraction in a column whose datatype is a whole number. Raises InputError naming column and row."""
    row = next((i for i, v in enumerate(values) if isinstance(v, float)), None)
    if row is not None:
        raise malformed(
            field,
            f"column '{name}', row {row}: {values[row]!r} is not a whole number",
            "Send whole numbers, or name the datatype FP64.",
        )


def from_array(spec: ColumnSpec, array: Array) -> Array:
    """A column of a NumPy array under the same rules as `from_values`; NaN and None are missing.

    Raises:
        InputError: as `from_values`, or an array that is not one-dimensional or of another kind of type.
    """
    numeric_with_gaps = array.dtype.kind == "f" and spec.missing_allowed and spec.dtype is not DType.BYTES
    if array.ndim != 1 or not (array.dtype.kind in _NUMPY[spec.dtype] or numeric_with_gaps):
        raise InputError(
            f"column '{spec.name}' is an array of {array.dtype} with shape {array.shape}",
            remedy=f"Give a one-dimensional array of {spec.dtype.value}.",
            field=spec.name,
            column=spec.name,
        )
    values = array.tolist()
    if array.dtype.kind == "f":
        whole = _PLAIN.get(spec.dtype)
        values = [None if v != v else v for v in values]  # noqa: PLR0124 - NaN is what differs from itself
        if whole is not None:
            values = [whole(v) if v is not None and v.is_integer() and whole(v) == v else v for v in values]
    return from_values(spec, values, spec.name)


_PLAIN: dict[DType, type[int]] = {DType.INT64: int, DType.BOOL: bool}
