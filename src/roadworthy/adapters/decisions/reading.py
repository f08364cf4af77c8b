"""Reading segments while another process writes and seals them: no lock is taken and nothing is changed.

A segment may be renamed between listing and opening it. Names are therefore listed until two listings agree on the
stems, and each stem is looked for sealed, then open, then sealed again. One that was compacted meanwhile is in the
Delta table, which is therefore read last; what it says it has taken in is not counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Generic

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.keeping.table import Table, between_days
from roadworthy.adapters.decisions.records import Record, T, microseconds
from roadworthy.domain.errors import StorageUnavailableError

_LISTINGS = 8


def stems(folder: Path) -> list[str]:
    """Names of the segments of one stream, `<writer>-<n>`, by number and then writer."""
    seen: set[str] = set()
    for _ in range(_LISTINGS):
        now = _listed(folder)
        if now <= seen:
            break
        seen |= now
    return sorted(seen, key=_order)


def number(stem: str) -> int:
    """The number in a segment's name."""
    return int(stem.rpartition("-")[2])


class Reader(Generic[T]):
    """Reads the segments of one stream (one endpoint, one kind of record)."""

    def __init__(self, folder: Path, record: Record[T]) -> None:
        self._folder = folder
        self._record = record

    def between(self, since: datetime | None, until: datetime | None) -> Iterator[T]:
        """Records with since <= time < until in the order they were written, duplicates included."""
        low = None if since is None else microseconds(since)
        high = None if until is None else microseconds(until)
        condition = self._condition(low, high)
        loaded = [(stem, self._load(stem, lambda path: _table(path, condition))) for stem in stems(self._folder)]
        if condition is not None:
            condition &= between_days(since, until)
        for items in self._after_table(loaded, condition):
            for item in items:
                at = microseconds(getattr(item, self._record.time))
                if (low is None or at >= low) and (high is None or at < high):
                    yield item

    def matching(self, key: str) -> Iterator[T]:
        """Records with a key field equal to `key`, duplicates included."""
        loaded = [
            (stem, self._load(stem, lambda path: self._with_key(path, key), key.encode()))
            for stem in stems(self._folder)
        ]
        condition = reduce(or_, (pc.field(name) == key for name in self._record.keys))
        for items in self._after_table(loaded, condition):
            for item in items:
                if key in [getattr(item, name) for name in self._record.keys]:
                    yield item

    def _after_table(self, loaded: list[tuple[str, list[T]]], condition: Any) -> Iterator[list[T]]:
        """The table's records first, then those of the segments it has not taken in."""
        table = Table(self._folder, self._record)
        if not table.exists:
            yield from (items for _, items in loaded)
            return
        snapshot = table.read(condition)
        yield self._record.from_table(snapshot.rows)
        for stem, items in loaded:
            if number(stem) > snapshot.covered(stem.rpartition("-")[0]):
                yield items

    def _load(self, stem: str, sealed: Callable[[Path], pa.Table], needle: bytes = b"") -> list[T]:
        """One segment's records; an open one is decoded only when `needle` is among its bytes."""
        closed, open_ = self._folder / f"{stem}.parquet", self._folder / f"{stem}.open"
        try:
            for path in (closed, open_, closed):
                try:
                    if path is closed:
                        return self._record.from_table(sealed(path))
                    data = path.read_bytes()
                except FileNotFoundError:
                    continue
                return self._record.decode(frames.scan(data).payloads) if needle in data else []
        except (OSError, pa.ArrowException) as error:
            raise StorageUnavailableError(
                f"the segment {stem} of the decision log cannot be read: {error}",
                remedy=f"Check the disk and the rights of {self._folder}.",
                path=str(self._folder),
            ) from error
        return []

    def _with_key(self, path: Path, key: str) -> pa.Table:
        file = pq.ParquetFile(path)
        names = self._record.keys
        found = file.read(columns=list(names))
        wanted = pa.scalar(key)
        mask = pc.equal(found.column(names[0]), wanted)
        for name in names[1:]:
            mask = pc.or_(mask, pc.equal(found.column(name), wanted))
        if not pc.any(mask).as_py():
            return self._record.schema.empty_table()
        return file.read().filter(mask)

    def _condition(self, low: int | None, high: int | None) -> Any:
        field, kind = pc.field(self._record.time), self._record.schema.field(self._record.time).type
        parts = []
        if low is not None:
            parts.append(field >= pa.scalar(low, type=kind))
        if high is not None:
            parts.append(field < pa.scalar(high, type=kind))
        return None if not parts else parts[0] if len(parts) == 1 else parts[0] & parts[1]


def _table(path: Path, condition: Any) -> pa.Table:
    if condition is None:
        return pq.ParquetFile(path).read()
    return pq.read_table(path, filters=condition, partitioning=None)


def _listed(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    names = [
        p for p in folder.iterdir() if p.suffix in (".open", ".parquet") and p.stem.rpartition("-")[2].isdigit()
    ]
    return {p.stem for p in names}


def _order(stem: str) -> tuple[int, str]:
    return number(stem), stem
