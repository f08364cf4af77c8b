"""Reading a CSV or Parquet file into a `Frame`, with one clear sentence for all that can be wrong with it."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq

from roadworthy.domain.errors import DataError, shortlist
from roadworthy.domain.use_case import UseCase
from roadworthy.statistics.frame import Floats, Frame

MIN_ROWS = 50
"""Fewest rows of a data set a model may be trained or judged on: below, no interval says anything."""


def read_table(data: bytes, name: str) -> Frame:
    """The table in a file's bytes; the name's ending says how to read it.

    Raises:
        DataError: empty, not what the ending says, no columns, duplicate columns.
    """
    if not data:
        raise DataError(
            f"'{name}' is empty", remedy="Give a CSV or Parquet file with a header and rows.", file=name
        )
    lower = name.lower()
    if lower.endswith((".parquet", ".pq")):
        table = _parquet(data, name)
    elif lower.endswith(".csv"):
        table = _csv(data, name)
    else:
        raise DataError(f"'{name}' is neither .csv nor .parquet", remedy="Convert it to one of them.", file=name)
    repeated = sorted({c for c in table.column_names if table.column_names.count(c) > 1})
    if repeated:
        raise DataError(
            f"'{name}' has the column {shortlist(repeated)} twice",
            remedy="Give every column its own name.",
            file=name,
        )
    if table.num_rows == 0:
        raise DataError(f"'{name}' has a header and no rows", remedy="Give a file with rows.", file=name)
    return Frame.from_arrow(table)


def _parquet(data: bytes, name: str) -> pa.Table:
    if not data.startswith(b"PAR1"):
        raise DataError(
            f"'{name}' is not a Parquet file, whatever its name says",
            remedy="If it is text, rename it to .csv; otherwise write it again as Parquet.",
            file=name,
        )
    try:
        return papq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as problem:
        raise DataError(
            f"'{name}' is a damaged Parquet file: {problem}", remedy="Write it again.", file=name
        ) from problem


def _csv(data: bytes, name: str) -> pa.Table:
    try:
        first = data[: data.index(b"\n")] if b"\n" in data else data
        header = first.decode()
        delimiter = ";" if header.count(";") > header.count(",") else ","
        return pacsv.read_csv(
            io.BytesIO(data),
            parse_options=pacsv.ParseOptions(delimiter=delimiter),
            # An empty cell is a missing value, in text as in numbers.
            convert_options=pacsv.ConvertOptions(strings_can_be_null=True),
        )
    except (pa.ArrowException, UnicodeDecodeError) as problem:
        raise DataError(
            f"'{name}' cannot be read as CSV: {problem}", remedy="Check the delimiter and the quoting.", file=name
        ) from problem


def split_target(frame: Frame, use_case: UseCase, name: str, *, both_classes: bool = True) -> tuple[Frame, Floats]:
    """The inputs, and y = 1.0 where the target has the positive label, shape (n_rows,).

    Raises:
        DataError: no target column, missing targets, too few rows, or one class only.
    """
    frame.require([use_case.target], f"'{name}'")
    missing = int(frame.missing(use_case.target).sum())
    if missing:
        raise DataError(
            f"'{name}': {missing} of {frame.n_rows} rows have no value in the target '{use_case.target}'",
            remedy="Drop these rows, or fill in what happened.",
            column=use_case.target,
        )
    target = frame[use_case.target]
    y = np.array([label_of(v) == use_case.positive_label for v in target], dtype=np.float64)
    if both_classes:
        _refuse_small(frame, name)
        if y.min() == y.max():
            seen = shortlist(sorted({label_of(v) for v in target}), 4)
            raise DataError(
                f"'{name}' has one class only in '{use_case.target}': it holds {seen}, "
                f"and '{use_case.positive_label}' is the positive label",
                remedy="Give rows of both classes, or correct the use case's positive label.",
                column=use_case.target,
            )
    return frame.drop([use_case.target]), y


def _refuse_small(frame: Frame, name: str) -> None:
    if frame.n_rows < MIN_ROWS:
        raise DataError(
            f"'{name}' has {frame.n_rows} rows",
            remedy=f"At least {MIN_ROWS} are needed to say anything about a model.",
            rows=frame.n_rows,
        )


def label_of(value: object) -> str:
    """How a target value is spelled, whatever kind of column it came in: 1.0 is '1', true is 'true'."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)


def refuse_other_shape(frame: Frame, like: Frame, name: str) -> None:
    """Refuse a data set whose columns or kinds of column differ from those of an earlier one."""
    frame.require(like.names, f"'{name}'")
    for column in like.names:
        if frame.is_numeric(column) != like.is_numeric(column):
            given, wanted = (("numbers", "text"), ("text", "numbers"))[not frame.is_numeric(column)]
            raise DataError(
                f"'{name}': column '{column}' holds {given}, in the training data it holds {wanted}",
                remedy="Convert the column, so that training and judging see the same.",
                column=column,
            )
