"""Sealing: a full open segment becomes a Parquet file, and only then disappears.

    write `<stem>.tmp` -> sync -> rename to `<stem>.parquet` -> remove `<stem>.open`

A crash before the rename leaves the open segment as it was; one after it leaves both, and readers prefer the
sealed one. The open segment is locked meanwhile, so that nothing is erased from it after it was read.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.records import Record, T
from roadworthy.adapters.decisions.segment import refused
from roadworthy.adapters.disk import sync_folder
from roadworthy.domain import faults
from roadworthy.domain.errors import IntegrityError


def seal(path: Path, record: Record[T], rows: int, *, durable: bool) -> None:
    """Turn the open segment at `path` into Parquet.

    Raises:
        IntegrityError: the file no longer holds the `rows` that were acknowledged; it stays as it is.
        StorageUnavailableError: the disk said no; the open segment stays as it is.
    """
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _seal(path, record, rows, durable=durable)


def write_sealed(path: Path, table: pa.Table, *, durable: bool) -> None:
    """Put a sealed segment's file in place, wholly or not at all.

    Raises:
        StorageUnavailableError: the disk said no; what was there is still there.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            if durable:
                os.fsync(file.fileno())
        faults.reach("decisions.before-seal")
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise refused(path, error) from error


def _seal(path: Path, record: Record[T], rows: int, *, durable: bool) -> None:
    payloads = frames.scan(path.read_bytes()).payloads
    if len(payloads) != rows:
        raise IntegrityError(
            f"{path.name} should hold {rows} records and holds {len(payloads)}",
            remedy="The file was changed from outside; it is kept as it is.",
            path=str(path),
        )
    if payloads:
        write_sealed(path.with_suffix(".parquet"), record.to_table(payloads), durable=durable)
    path.unlink()
