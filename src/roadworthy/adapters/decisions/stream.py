"""The writing side of one stream (one endpoint, one kind of record): its open segment, and when to start anew."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import pyarrow as pa

from roadworthy.adapters.decisions.reading import number, stems
from roadworthy.adapters.decisions.records import Record, T
from roadworthy.adapters.decisions.sealing import seal
from roadworthy.adapters.decisions.segment import OpenSegment, refused
from roadworthy.adapters.disk import make_folder
from roadworthy.domain import faults
from roadworthy.domain.errors import IntegrityError, StorageUnavailableError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Writing:
    """How a log writes: under which name, whether durably, rows per segment, and which executor seals, if any."""

    writer: str
    durable: bool
    segment_rows: int
    sealer: Executor | None


class Stream(Generic[T]):
    """Appends records to segments named `<writer>-<n>` in one folder, and has full ones sealed."""

    def __init__(self, folder: Path, record: Record[T], writing: Writing) -> None:
        self._folder = folder
        self._record = record
        self._writing = writing
        self._lock = threading.Lock()
        self._sealing: list[Future[None]] = []
        self._retired: list[OpenSegment] = []
        self._active: OpenSegment | None = None
        self._next = 1
        self._closed = False
        self._take_over()

    def append(self, items: Sequence[T], *, durable: bool) -> None:
        """Write records so that they survive the process and, when `durable`, the machine; callers share a sync.

        Raises:
            StorageUnavailableError: the disk said no; none of these records counts as written.
            DataError: a record that cannot be written.
        """
        payloads = self._record.encode(items)
        with self._lock:
            segment = self._active = self._active or self._create()
            ticket = segment.write(payloads)
            full = segment.rows >= self._writing.segment_rows
            if full:
                self._active = None
        try:
            segment.sync(ticket, durable=durable)
        finally:
            if full:
                self._retire(segment)
        faults.reach("decisions.after-sync")

    def settle(self) -> None:
        """Wait until everything handed to the sealer is done with."""
        with self._lock:
            waiting, self._sealing = self._sealing, []
        for future in waiting:
            future.exception()

    def close(self) -> None:
        """Sync and close the open segment."""
        with self._lock:
            self._closed = True
            segment, self._active = self._active, None
        if segment is not None:
            segment.close()

    def _take_over(self) -> None:
        """Go on where a dead writer of this name stopped."""
        mine = [s for s in stems(self._folder) if s.rpartition("-")[0] == self._writing.writer]
        used = [*mine, *(p.stem for p in self._folder.glob(f"{self._writing.writer}-*.done"))]
        self._next = max((number(s) for s in used), default=0) + 1
        for leftover in self._folder.glob(f"{self._writing.writer}-*.tmp"):
            leftover.unlink(missing_ok=True)
        for stem in mine:
            path = self._folder / f"{stem}.open"
            if path.with_suffix(".parquet").exists():
                path.unlink(missing_ok=True)
            elif path.exists():
                segment = OpenSegment(path, durable=self._writing.durable)
                if number(stem) == self._next - 1 and segment.rows < self._writing.segment_rows:
                    self._active = segment
                else:
                    self._retire(segment)

    def _create(self) -> OpenSegment:
        if self._closed:
            raise StorageUnavailableError("the decision log is closed", remedy="Open a new one on the folder.")
        path = self._folder / f"{self._writing.writer}-{self._next:08d}.open"
        try:
            make_folder(self._folder)
        except OSError as error:
            raise refused(path, error) from error
        segment = OpenSegment(path, durable=self._writing.durable)
        self._next += 1
        return segment

    def _retire(self, segment: OpenSegment) -> None:
        """Close a full segment, so that no file handle waits for the sealer, and hand it over."""
        try:
            segment.close()
        except StorageUnavailableError as error:
            _LOG.warning("segment %s could not be synced again before sealing: %s", segment.path, error)
        sealer = self._writing.sealer
        if sealer is None:
            return
        with self._lock:
            self._retired.append(segment)
            self._sealing = [f for f in self._sealing if not f.done()]
            # a log that is being closed seals no more; the next writer of this name does
            with contextlib.suppress(RuntimeError):
                self._sealing.append(sealer.submit(self._seal_retired))

    def _seal_retired(self) -> None:
        """Seal what is retired; a segment that cannot be sealed stays open on disk and is tried again next time."""
        with self._lock:
            todo, self._retired = self._retired, []
        for segment in todo:
            try:
                seal(segment.path, self._record, segment.rows, durable=self._writing.durable)
            except FileNotFoundError:
                continue  # whoever keeps the log was faster
            except (StorageUnavailableError, IntegrityError, OSError, pa.ArrowException) as error:
                _LOG.warning("segment %s stays open: %s", segment.path, error)
                if not isinstance(error, IntegrityError):
                    with self._lock:
                        self._retired.append(segment)
