"""A file of any length in tables of bounded size: Parquet, CSV, or a Delta table; nothing is read at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from roadworthy.domain.errors import DataError, MissingExtraError, NotFoundError
from roadworthy.domain.model import DType, Signature

_CHUNK = 1 << 20
_TYPES = {DType.FP64: pa.float64(), DType.INT64: pa.float64(), DType.BOOL: pa.bool_(), DType.BYTES: pa.string()}
"""Column types of a CSV file. Whole numbers are read as floats, for some may be missing."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 32 hexadecimal digits of it; of a Delta table, of its place and version."""
    if path.is_dir():
        return hashlib.sha256(f"{path.absolute()} {_delta(path).version()}".encode()).hexdigest()[:32]
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError as problem:
        raise NotFoundError(
            f"'{path}' cannot be read: {problem.strerror}", remedy="Name a file that is there.", file=str(path)
        ) from problem
    return found.hexdigest()[:32]


def tables(path: Path, columns: list[str], signature: Signature, rows: int) -> Iterator[pa.Table]:
    """The named columns in tables of at most `rows` rows, in the order of the file.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    try:
        for batch in _batches(path, columns, signature, rows):
            for start in range(0, batch.num_rows, rows):
                yield pa.Table.from_batches([batch.slice(start, rows)]).select(columns)
    except (pa.ArrowException, KeyError) as problem:
        raise DataError(
            f"'{path.name}' cannot be read: {str(problem)[:300]}",
            remedy="Give a CSV or Parquet file, or a Delta table, with the endpoint's columns.",
            file=str(path),
        ) from problem


def rows_in(path: Path) -> int | None:
    """How many rows there are, where that costs nothing to know."""
    if path.is_dir():
        return int(_delta(path).count())
    return int(pq.ParquetFile(path).metadata.num_rows) if path.suffix == ".parquet" else None


def _batches(path: Path, columns: list[str], signature: Signature, rows: int) -> Iterable[pa.RecordBatch]:
    if path.is_dir():
        found: Iterable[pa.RecordBatch] = (
            _delta(path).to_pyarrow_dataset().to_batches(columns=columns, batch_size=rows)
        )
        return found
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        _require(path, columns, file.schema_arrow.names)
        return file.iter_batches(rows, columns=columns)
    types: Mapping[str, Any] = {s.name: _TYPES[s.dtype] for s in signature.inputs}
    named = {name: types.get(name, pa.string()) for name in columns}
    reading = pacsv.ConvertOptions(column_types=named, include_columns=columns, strings_can_be_null=True)
    return pacsv.open_csv(path, convert_options=reading)


def _require(path: Path, columns: list[str], there: list[str]) -> None:
    missing = [name for name in columns if name not in there]
    if missing:
        raise DataError(
            f"'{path.name}' lacks the columns {', '.join(missing)}",
            remedy=f"It has: {', '.join(there)}.",
            missing=missing,
        )


def _delta(path: Path) -> Any:
    try:
        from deltalake import DeltaTable  # noqa: PLC0415
        from deltalake.exceptions import TableNotFoundError  # noqa: PLC0415
    except ImportError as missing:
        raise MissingExtraError(
            "Delta tables need deltalake", remedy="Install it: pip install 'roadworthy[delta]'.", extra="delta"
        ) from missing
    try:
        return DeltaTable(path)
    except TableNotFoundError as problem:
        raise NotFoundError(
            f"'{path}' is no Delta table", remedy="Name a table or a file.", file=str(path)
        ) from problem
