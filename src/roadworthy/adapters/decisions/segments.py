"""`SegmentLog`: the decision log on a local folder, without a server.

    <folder>/<endpoint>/<kind>/<writer>-<n>.open      frames, appended and synced
    <folder>/<endpoint>/<kind>/<writer>-<n>.parquet   the same records once the segment is full (zstd)
    <folder>/<endpoint>/<kind>/delta                  sealed segments compacted into one Delta table (`keeping/`)
    <folder>/<endpoint>/rules.json                    sync, retention, redaction of this endpoint
    <folder>/<writer>.lock                            held while a process writes under this name

Any number of processes may read. Each writing process has its own `writer` name, so no two write one file.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from roadworthy.adapters.decisions.counting import counting_outcomes, in_time
from roadworthy.adapters.decisions.keeping.keeper import Keeper
from roadworthy.adapters.decisions.keeping.rules import RuleFiles
from roadworthy.adapters.decisions.reading import Reader
from roadworthy.adapters.decisions.records import DECISIONS, OUTCOMES, Record, T
from roadworthy.adapters.decisions.segment import refused
from roadworthy.adapters.decisions.stream import Stream, Writing
from roadworthy.adapters.disk import make_folder
from roadworthy.domain.errors import ConflictError, SettingError, StorageUnavailableError
from roadworthy.domain.serving import Decision, Outcome
from roadworthy.domain.storing.log import Forgotten, LogRules

Sync = Literal["always", "off"]
DEFAULT_SEGMENT_ROWS = 5_000


class SegmentLog:
    """Decisions and outcomes in append-only files, durable on return.

    Parameters:
        folder: where the files are; made at the first append.
        writer: names this process's files (letters, digits, `_`, `.`, `-`).
        sync: "always" = on disk before `append` returns; "off" = handed to the operating system, which survives the
            end of the process but not of the machine.
        segment_rows: records after which a segment is sealed (>= 1).
        seals: whether this process seals its full segments itself; else whoever keeps the log does (`keeping/`).

    Raises:
        SettingError: a parameter outside its range.
    """

    def __init__(
        self,
        folder: Path,
        *,
        writer: str = "main",
        sync: Sync = "always",
        segment_rows: int = DEFAULT_SEGMENT_ROWS,
        seals: bool = True,
    ) -> None:
        _check(writer, sync, segment_rows)
        self._folder = folder
        self._sealer = ThreadPoolExecutor(1, thread_name_prefix="decisions-seal") if seals else None
        self._writing = Writing(writer, sync == "always", segment_rows, self._sealer)
        self._streams: dict[tuple[str, str], Stream[Any]] = {}
        self._lock = threading.Lock()
        self._writer_lock: int | None = None
        self._closed = False
        self._rules = RuleFiles(folder)
        self._keeper = Keeper(folder)

    def append(self, decisions: Sequence[Decision]) -> None:
        """Write decisions; once this returns, they survive the end of the process.

        Raises:
            StorageUnavailableError: the disk said no (full, read-only); none of them counts as written.
            ConflictError: another process writes under this writer name.
            DataError: a decision that cannot be written.
        """
        for endpoint, items in _by_endpoint(decisions):
            self._stream(endpoint, DECISIONS).append(items, durable=self._durable(endpoint))

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes, as `append` does; the one received last for a request id counts."""
        for endpoint, items in _by_endpoint(outcomes):
            self._stream(endpoint, OUTCOMES).append(items, durable=self._durable(endpoint))

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None, shadows: bool = False
    ) -> list[Decision]:
        """Decisions with since <= at < until, each id once, in time order; shadows' scores only when asked for."""
        return in_time(Reader(self._path(endpoint, DECISIONS), DECISIONS).between(since, until), shadows=shadows)

    def read_outcomes(self, endpoint: str) -> list[Outcome]:
        """The counting outcome of every request id, in the order received."""
        return counting_outcomes(Reader(self._path(endpoint, OUTCOMES), OUTCOMES).between(None, None))

    def find(self, key: str) -> list[Decision]:
        """Decisions of any endpoint whose id or request id is `key`, in time order.

        Cost: the two key columns of every sealed segment are read, and its rows only where one matches.
        """
        matches = (d for folder in self._folders(DECISIONS) for d in Reader(folder, DECISIONS).matching(key))
        return in_time(matches)

    def rules(self, endpoint: str) -> LogRules:
        """By which rules an endpoint's decisions are kept. Raises CouldNotVerifyError."""
        return self._rules.of(self._home(endpoint))

    def govern(self, endpoint: str, rules: LogRules) -> None:
        """Put rules in force for all that is written from now on, by any process."""
        self._rules.put(self._home(endpoint), rules)

    def pseudonym(self, text: str) -> str:
        """A keyed hash of a text, the same for every process that writes this log."""
        return self._rules.pseudonym(text)

    def compact(self, endpoint: str) -> int:
        """Move sealed segments into Delta tables; returns the rows moved.

        Raises:
            MissingExtraError: deltalake is not installed.
            ConflictError: another process keeps the log now.
        """
        return self._keeper.compact(self._home(endpoint))

    def forget_unit(self, endpoint: str, unit_id: str) -> Forgotten:
        """Remove every decision about a unit and their outcomes, for good. Raises ConflictError."""
        return self._keeper.forget_unit(self._home(endpoint), unit_id)

    def forget_before(self, endpoint: str, before: datetime) -> Forgotten:
        """Remove decisions older than a time, their outcomes, and outcomes received before it."""
        return self._keeper.forget_before(self._home(endpoint), before)

    def settle(self) -> None:
        """Wait until every full segment is sealed (or has failed to be)."""
        for stream in list(self._streams.values()):
            stream.settle()

    def close(self) -> None:
        """Sync, let sealing finish, and let go of files; the log stays readable."""
        with self._lock:
            self._closed = True
            streams = list(self._streams.values())
            self._streams.clear()
        try:
            for stream in streams:
                stream.close()
        finally:
            if self._sealer is not None:
                self._sealer.shutdown(wait=True)
            if self._writer_lock is not None:
                os.close(self._writer_lock)
                self._writer_lock = None

    def _stream(self, endpoint: str, record: Record[T]) -> Stream[T]:
        stream = self._streams.get((endpoint, record.kind))
        if stream is not None:
            return stream
        with self._lock:
            if self._closed:
                raise StorageUnavailableError("the decision log is closed", remedy="Open a new one on the folder.")
            self._become_writer()
            key = (endpoint, record.kind)
            if key not in self._streams:
                self._streams[key] = Stream(self._path(endpoint, record), record, self._writing)
            return self._streams[key]

    def _become_writer(self) -> None:
        if self._writer_lock is not None:
            return
        path = self._folder / f"{self._writing.writer}.lock"
        try:
            make_folder(self._folder)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise refused(path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise ConflictError(
                f"another process writes to {self._folder} as '{self._writing.writer}'",
                remedy="Give every writing process its own writer name.",
                writer=self._writing.writer,
            ) from error
        self._writer_lock = lock

    def _durable(self, endpoint: str) -> bool:
        sync = self._rules.of(self._home(endpoint)).sync
        return sync == "always" if sync else self._writing.durable

    def _home(self, endpoint: str) -> Path:
        name = quote(endpoint, safe="")
        return self._folder / (f"%2E{name[1:]}" if name.startswith(".") else name or "%00")

    def _path(self, endpoint: str, record: Record[Any]) -> Path:
        return self._home(endpoint) / record.kind

    def _folders(self, record: Record[Any]) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (path / record.kind for path in sorted(self._folder.iterdir()) if path.is_dir())


def _by_endpoint(items: Iterable[T]) -> list[tuple[str, list[T]]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(item.endpoint, []).append(item)
    return list(groups.items())


def _check(writer: str, sync: str, segment_rows: int) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", writer):
        raise SettingError(
            f"the writer name '{writer}' cannot name a file",
            remedy="Use 1 to 64 letters, digits, '_', '.' or '-', starting with a letter, digit or '_'.",
            setting="writer",
        )
    if sync not in ("always", "off"):
        raise SettingError(f"sync is '{sync}'", remedy="It may be: always, off.", setting="sync")
    if segment_rows < 1:
        raise SettingError(
            f"segment_rows is {segment_rows}", remedy="It must be at least 1.", setting="segment_rows"
        )
