"""Forgetting: rows taken out of one stream, wherever they lie, while its writers go on writing.

    open segments     the record's bytes are overwritten in place by an erased frame of the same length
    sealed segments   written anew without the rows, under the same name
    the Delta table   its days written anew, and the files that held the rows removed

A segment may be sealed or compacted meanwhile, so the stream is gone through until nothing is found any more. Doing it
twice, or again after a crash, changes nothing more.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.keeping.table import Table
from roadworthy.adapters.decisions.reading import stems
from roadworthy.adapters.decisions.records import Record, T
from roadworthy.adapters.decisions.sealing import write_sealed
from roadworthy.adapters.decisions.segment import refused
from roadworthy.domain import faults

Which = Callable[[pa.Table], Any]
"""A table of the stream's rows -> a Boolean array, true for rows to forget."""

_ROUNDS = 20


def forget(folder: Path, record: Record[T], which: Which) -> int:
    """Remove every row of a stream that `which` names; returns how many went. The caller has the `turn`.

    Raises:
        MissingExtraError: there is a Delta table and deltalake is not installed.
        StorageUnavailableError: the disk said no, or segments change faster than they are gone through.
    """
    gone = 0
    table = Table(folder, record)
    try:
        for _ in range(_ROUNDS):
            found = sum(_from_open(path, record, which) for path in sorted(folder.glob("*.open")))
            faults.reach("decisions.forgetting")
            found += sum(_from_sealed(folder / f"{stem}.parquet", which) for stem in stems(folder))
            gone += found
            if not found:
                break
        if table.exists:
            faults.reach("decisions.forgetting")
            gone += table.forget(which)
        for leftover in (*folder.glob("*.damaged"), *folder.glob("*.tmp")):
            # Nobody can tell whose bytes those are. A sealer at work holds its segment, and this does not disturb it.
            if leftover.suffix == ".damaged" or not leftover.with_suffix(".open").exists():
                leftover.unlink(missing_ok=True)
    except (OSError, pa.ArrowException) as error:
        raise refused(folder / "*", OSError(getattr(error, "errno", None), str(error))) from error
    return gone


def _from_open(path: Path, record: Record[T], which: Which) -> int:
    """Erase records of an open segment in place. Its writer only appends behind them."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # whoever seals it holds it, and is waited for
        data = path.read_bytes()
        payloads = frames.scan(data).payloads
        position, erased = 0, 0
        mask = _mask(record, payloads, which)
        for payload, named in zip(payloads, mask, strict=True):
            if named or frames.is_half_erased(payload):
                frames.erase(handle, position, len(payload))
                erased += named
            position += frames.size_of(payload)
        os.fsync(handle)
    except FileNotFoundError:  # sealed while we waited
        return 0
    else:
        return erased
    finally:
        os.close(handle)


def _mask(record: Record[T], payloads: tuple[bytes, ...], which: Which) -> list[bool]:
    """One Boolean per payload; what is erased already is not named again."""
    living = [p for p in payloads if not frames.is_erased(p)]
    named = iter(which(record.to_table(living)).to_pylist() if living else [])
    return [not frames.is_erased(p) and bool(next(named)) for p in payloads]


def _from_sealed(path: Path, which: Which) -> int:
    try:
        rows = pq.ParquetFile(path).read()
    except FileNotFoundError:
        return 0
    mask: Any = which(rows)
    count = int(pc.sum(mask).as_py() or 0)
    if count:
        write_sealed(path, rows.filter(pc.invert(mask)), durable=True)
    return count
