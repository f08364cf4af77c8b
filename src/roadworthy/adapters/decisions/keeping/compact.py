"""Compaction: sealed segments become rows of the stream's Delta table, and only then disappear.

    append to the table, naming the segments -> remove the segments

A crash before the commit leaves the segments as they were; one after it leaves segments that the table names as taken
in, and they are removed the next time. Readers take the table's word and skip them.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roadworthy.adapters.decisions.keeping.table import Table
from roadworthy.adapters.decisions.keeping.turn import retire
from roadworthy.adapters.decisions.reading import number, stems
from roadworthy.adapters.decisions.records import Record, T
from roadworthy.adapters.decisions.segment import refused
from roadworthy.domain import faults

BATCH = 100
"""Segments per commit: bounds the memory of a compaction."""


def compact(folder: Path, record: Record[T]) -> int:
    """Move the sealed segments of one stream into its table; returns the rows that came in.

    The caller has the `turn`.

    Raises:
        MissingExtraError: deltalake is not installed.
        StorageUnavailableError: the disk said no.
    """
    table = Table(folder, record)
    moved = 0
    try:
        while batch := _next(folder, table):
            segments = {stem: record.completed(_read(folder, stem)) for stem in batch}
            covered = {stem.rpartition("-")[0]: number(stem) for stem in sorted(batch, key=number)}
            faults.reach("decisions.before-compact")
            moved += table.append(segments, covered)
            faults.reach("decisions.after-compact")
            for stem in batch:
                retire(folder, stem)
    except (OSError, pa.ArrowException) as error:
        raise refused(table.path, OSError(getattr(error, "errno", None), str(error))) from error
    return moved


def _read(folder: Path, stem: str) -> pa.Table:
    return pq.ParquetFile(folder / f"{stem}.parquet").read()


def _next(folder: Path, table: Table[T]) -> list[str]:
    """The next segments to take in: of every writer those before its first open one, in order."""
    found: list[str] = []
    in_order = sorted(stems(folder), key=lambda stem: (stem.rpartition("-")[0], number(stem)))
    for writer, own in groupby(in_order, key=lambda stem: stem.rpartition("-")[0]):
        done = table.covered(writer)
        for stem in own:
            if not (folder / f"{stem}.parquet").exists():
                break
            if number(stem) <= done:
                retire(folder, stem)
            else:
                found.append(stem)
    return found[:BATCH]
