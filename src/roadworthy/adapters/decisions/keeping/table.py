"""The Delta table of one stream: the rows of compacted segments, partitioned by day, for engines of other houses.

    <folder>/<endpoint>/<kind>/delta    columns of the stream | segment, row (where it was written) | day (UTC)

Each commit names, as Delta's own transaction marks, up to which of every writer's segments the table holds: a segment
is taken in once, however often compaction is killed. Commits keep statistics of the time column only, so that no unit
id and no input stands in the table's log, and days are rewritten whole, so that no predicate does either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import pyarrow as pa
import pyarrow.compute as pc

from roadworthy.adapters.decisions.records import Record, T
from roadworthy.domain.errors import MissingExtraError, StorageUnavailableError

if TYPE_CHECKING:
    from deltalake import DeltaTable

_DAY, _SEGMENT, _ROW, _NUMBER = "day", "segment", "row", "number"
_TRIES = 5
"""How often a read begins again when the files of its snapshot are removed under it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows of the table, and the state of the table they were read in."""

    rows: pa.Table
    opened: DeltaTable

    def covered(self, writer: str) -> int:
        """The number of the last of a writer's segments that the table holds; 0 = none."""
        return self.opened.transaction_version(writer) or 0


class Table(Generic[T]):
    """One stream's table; it need not exist."""

    def __init__(self, folder: Path, record: Record[T]) -> None:
        self.path = folder / "delta"
        self._record = record

    @property
    def exists(self) -> bool:
        """Whether anything was ever compacted."""
        return (self.path / "_delta_log").is_dir()

    def covered(self, writer: str) -> int:
        """The number of the last of a writer's segments that the table holds; 0 = none."""
        return (self._open().transaction_version(writer) or 0) if self.exists else 0

    def read(self, condition: Any = None) -> Snapshot:
        """The rows that meet a condition, in the order written."""
        for attempt in range(_TRIES):
            opened = self._open()
            try:
                rows = opened.to_pyarrow_dataset().to_table(filter=condition)
            except FileNotFoundError as error:
                if attempt == _TRIES - 1:
                    raise StorageUnavailableError(
                        f"files of the table {self.path} are gone: {error}",
                        remedy="Nothing but Roadworthy may remove files there; restore them from a backup.",
                        path=str(self.path),
                    ) from error
                continue
            number = pc.cast(pc.utf8_slice_codeunits(rows.column(_SEGMENT), start=-8), pa.int64())
            ordered = rows.append_column(_NUMBER, number).sort_by(
                [(_NUMBER, "ascending"), (_SEGMENT, "ascending"), (_ROW, "ascending")]
            )
            return Snapshot(self._record.completed(ordered).select(self._record.schema.names), opened)
        raise AssertionError("every attempt returns or raises")

    def append(self, segments: Mapping[str, pa.Table], covered: Mapping[str, int]) -> int:
        """Take in segments by name, in one commit; returns the rows that were new.

        `covered` is, per writer, the last segment the table holds afterwards.
        """
        from deltalake import CommitProperties, Transaction, write_deltalake  # noqa: PLC0415

        rows = self._fresh(pa.concat_tables([self._located(stem, t) for stem, t in segments.items()]))
        marks = [Transaction(writer, last) for writer, last in covered.items()]
        write_deltalake(
            self.path,
            rows,
            mode="append",
            schema_mode="merge",
            partition_by=[_DAY],
            configuration={"delta.dataSkippingStatsColumns": self._record.time},
            commit_properties=CommitProperties(app_transactions=marks),
        )
        return int(rows.num_rows)

    def forget(self, which: Callable[[pa.Table], Any]) -> int:
        """Remove rows, and the files that held them; returns how many went."""
        from deltalake import write_deltalake  # noqa: PLC0415

        gone = 0
        for day in self.days():
            rows = self._open().to_pyarrow_dataset().to_table(filter=pc.field(_DAY) == day)
            mask = which(rows)
            count = int(pc.sum(mask).as_py() or 0)
            if count:
                kept = rows.filter(pc.invert(mask))
                write_deltalake(self._open(), kept, mode="overwrite", predicate=f"{_DAY} = '{day.isoformat()}'")
                gone += count
        self.clear()
        return gone

    def clear(self) -> None:
        """Remove files that no row needs any more, what a killed commit left included."""
        self._open().vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)

    def days(self) -> list[date]:
        """The days there are rows of."""
        found = {p[_DAY] for p in self._open().partitions()}
        return sorted(date.fromisoformat(str(day)) for day in found)

    def _open(self) -> DeltaTable:
        require_delta()
        from deltalake import DeltaTable  # noqa: PLC0415

        return DeltaTable(self.path)

    def _located(self, stem: str, rows: pa.Table) -> pa.Table:
        """Rows with where they came from and the day they belong to."""
        days = pc.cast(rows.column(self._record.time).cast(pa.timestamp("us")), pa.date32())
        return (
            rows.append_column(_SEGMENT, pa.array([stem] * rows.num_rows, pa.string()))
            .append_column(_ROW, pa.array(range(rows.num_rows), pa.int64()))
            .append_column(_DAY, days)
        )

    def _fresh(self, rows: pa.Table) -> pa.Table:
        """The rows without repeated decisions: of one id the first counts. Outcomes are all kept: each corrects."""
        if "id" not in self._record.keys or not rows.num_rows:
            return rows
        known: set[str] = set()
        if self.exists:
            # A retry comes within hours of what it repeats.
            span: Any = pc.min_max(rows.column(_DAY)).as_py()
            near = (pc.field(_DAY) >= span["min"] - timedelta(days=1)) & (pc.field(_DAY) <= span["max"])
            known = _ids(self._open().to_pyarrow_dataset().to_table(["id"], filter=near))
        keep = []
        for name in map(str, rows.column("id").to_pylist()):
            keep.append(name not in known)
            known.add(name)
        return rows.filter(pa.array(keep, pa.bool_()))


def _ids(rows: pa.Table) -> set[str]:
    return set(map(str, rows.column("id").to_pylist()))


def require_delta() -> None:
    """Raises MissingExtraError when the library is not installed."""
    try:
        import deltalake  # noqa: F401, PLC0415
    except ImportError as missing:
        raise MissingExtraError(
            "Delta tables need deltalake", remedy="Install it: pip install 'roadworthy[delta]'.", extra="delta"
        ) from missing


def between_days(since: datetime | None, until: datetime | None) -> Any:
    """The partitions a span of time can lie in, as a condition on the table's rows."""
    low = date.min if since is None else since.astimezone(UTC).date()
    high = date.max if until is None else until.astimezone(UTC).date()
    return (pc.field(_DAY) >= low) & (pc.field(_DAY) <= high)
