"""`Frame`: a table as a few NumPy arrays, the one shape in which data reaches the engines.

Numbers are float64 (missing = NaN) or int64, booleans bool, text object arrays of `str` (missing = None), times
datetime64[us]. Nothing else gets in, so no check has to wonder what it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.domain.errors import DataError, shortlist
from roadworthy.domain.model import ColumnSpec, DType

Array = NDArray[Any]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """Named columns of one length.

    Attributes:
        columns: name -> array of shape (n_rows,).
    """

    columns: Mapping[str, Array]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {name: len(a) for name, a in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(
                f"columns have different lengths: {lengths}", remedy="Give every column the same number of rows."
            )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(self.columns)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Array:
        try:
            return self.columns[name]
        except KeyError:
            raise DataError(
                f"there is no column '{name}'", remedy=f"The table has: {shortlist(self.names)}.", column=name
            ) from None

    def require(self, names: Iterable[str], what: str) -> None:
        """Refuse a table without all of `names`; `what` names the table in the message."""
        missing = [n for n in names if n not in self.columns]
        if missing:
            raise DataError(
                f"{what} lacks the column{'s' if len(missing) > 1 else ''} {shortlist(missing)}",
                remedy=f"It has: {shortlist(self.names)}.",
                missing=missing,
            )

    def is_numeric(self, name: str) -> bool:
        """Whether the column holds numbers or booleans."""
        return self[name].dtype.kind in "fiub"

    def floats(self, name: str) -> Floats:
        """A numeric column as float64, shape (n_rows,), missing = NaN."""
        if not self.is_numeric(name):
            raise DataError(f"column '{name}' is text, not numbers", remedy="Name a numeric column.", column=name)
        return self[name].astype(np.float64)

    def missing(self, name: str) -> Bools:
        """Where the column has no value, shape (n_rows,)."""
        column = self[name]
        if column.dtype.kind == "f":
            return np.isnan(column)
        if column.dtype.kind == "M":
            return np.isnat(column)
        if column.dtype.kind == "O":
            return np.array([v is None for v in column], dtype=np.bool_)
        return np.zeros(len(column), dtype=np.bool_)

    def take(self, where: Array) -> Frame:
        """The rows at `where` (a mask or indices)."""
        return Frame({name: a[where] for name, a in self.columns.items()})

    def select(self, names: Sequence[str]) -> Frame:
        """Only these columns, in this order."""
        self.require(names, "the table")
        return Frame({n: self.columns[n] for n in names})

    def drop(self, names: Iterable[str]) -> Frame:
        """All columns but these."""
        gone = set(names)
        return Frame({n: a for n, a in self.columns.items() if n not in gone})

    def with_column(self, name: str, values: Array) -> Frame:
        """This table with one column added or replaced."""
        return Frame({**self.columns, name: values})

    def batches(self, size: int) -> Iterator[Frame]:
        """Consecutive slices of at most `size` rows."""
        for start in range(0, self.n_rows, size):
            yield Frame({n: a[start : start + size] for n, a in self.columns.items()})

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries of plain Python values; NaN and None both become None."""
        lists = {n: _plain(a) for n, a in self.columns.items()}
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Frame:
        """A frame of dictionaries; a key absent from a row is missing there."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        return cls({n: _column([row.get(n) for row in rows]) for n in names})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Frame:
        """A frame of an Arrow table.

        Raises:
            DataError: a column of a type that is neither number, boolean, text nor time.
        """
        return cls({name: _from_arrow(name, table.column(name)) for name in table.column_names})

    def to_arrow(self) -> pa.Table:
        """The same table for Arrow readers; NaN stays NaN, None becomes null."""
        return pa.table({n: pa.array(a.tolist() if a.dtype.kind == "O" else a) for n, a in self.columns.items()})


def concat(frames: Sequence[Frame]) -> Frame:
    """Frames of the same columns, one under the other."""
    names = frames[0].names
    return Frame({n: np.concatenate([f[n] for f in frames]) for n in names})


def _plain(column: Array) -> list[Any]:
    if column.dtype.kind == "f":
        return [None if v != v else v for v in column.tolist()]  # noqa: PLR0124 - NaN is what differs from itself
    if column.dtype.kind == "M":
        return [None if np.isnat(v) else str(v) for v in column]
    return list(column.tolist())


def _column(values: list[Any]) -> Array:
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, bool) for v in present) and len(present) == len(values):
        return np.array(values, dtype=np.bool_)
    if (
        present
        and all(isinstance(v, int) and not isinstance(v, bool) for v in present)
        and len(present) == len(values)
    ):
        return np.array(values, dtype=np.int64)
    if all(isinstance(v, int | float) for v in present) and present:
        return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    out[:] = [None if v is None else str(v) for v in values]
    return out


def _from_arrow(name: str, column: pa.ChunkedArray[Any]) -> Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _from_arrow(name, column.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        if column.null_count:
            return _floats(column.cast(pa.int8()).cast(pa.float64()))
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    if pa.types.is_integer(kind) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.int64)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(column.cast(pa.float64()))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.cast(pa.timestamp("us")).to_numpy(), dtype="datetime64[us]")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        out = np.empty(len(column), dtype=object)
        out[:] = column.to_pylist()
        return out
    raise DataError(
        f"column '{name}' has the type {kind}",
        remedy="Columns may be numbers, booleans, text or times; convert or drop this one.",
        column=name,
    )


def _floats(column: pa.ChunkedArray[Any]) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def column_of(spec: ColumnSpec, values: Sequence[Any]) -> Array:
    """Plain values (None = missing) as the column a model takes, shape (n_rows,).

    A BOOL or INT64 column that may be missing is float64 with NaN, always: what else is there changes no type.
    """
    if spec.dtype is DType.BYTES:
        text = np.empty(len(values), dtype=object)
        text[:] = values
        return text
    if spec.dtype is DType.BOOL and not spec.missing_allowed:
        return np.array(values, dtype=np.bool_)
    if spec.dtype is DType.INT64 and not spec.missing_allowed:
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
