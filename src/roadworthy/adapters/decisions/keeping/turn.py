"""Taking turns: one process at a time keeps the log, and seals first what writers left.

That is all of those that are gone, and the full segments of those that write on and do not seal themselves: a gateway's
workers have better things to do.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.reading import number, stems
from roadworthy.adapters.decisions.records import RECORDS
from roadworthy.adapters.decisions.sealing import seal
from roadworthy.adapters.decisions.segment import OpenSegment, refused
from roadworthy.adapters.disk import make_folder
from roadworthy.domain.errors import ConflictError

KEEPER = "keeping.turn"
"""The file in the log's folder that is locked during upkeep. Not `*.lock`: those belong to writers."""


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Have the log to oneself among keepers; readers and writers go on.

    Raises:
        ConflictError: another process keeps it now.
        StorageUnavailableError: the disk said no.
    """
    path = folder / KEEPER
    try:
        make_folder(folder)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise refused(path, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(
                "the decision log is being compacted or erased from by another process",
                remedy="Try again when that has ended.",
                path=str(path),
            ) from error
        _take_over_from_the_dead(folder)
        _seal_full(folder)
        yield
    finally:
        os.close(lock)


def _take_over_from_the_dead(folder: Path) -> None:
    """Seal every open segment whose writer's process is gone: nobody else ever would."""
    for path in sorted(folder.glob("*.lock")):
        with suppress(OSError):
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _seal_all_of(folder, path.stem)
            finally:
                os.close(lock)


def _seal_all_of(folder: Path, writer: str) -> None:
    for record in RECORDS:
        for stream in folder.glob(f"*/{record.kind}"):
            for stem in stems(stream):
                path = stream / f"{stem}.open"
                if stem.rpartition("-")[0] != writer or not path.exists():
                    continue
                if path.with_suffix(".parquet").exists():
                    path.unlink()
                    continue
                segment = OpenSegment(path, durable=True)  # cuts off what was never acknowledged
                segment.close()
                seal(path, record, segment.rows, durable=True)


def _seal_full(folder: Path) -> None:
    """Seal what living writers have filled: each has begun two segments since, so nothing is being written to it."""
    for record in RECORDS:
        for stream in folder.glob(f"*/{record.kind}"):
            newest: dict[str, int] = {}
            for stem in stems(stream):
                writer = stem.rpartition("-")[0]
                newest[writer] = max(newest.get(writer, 0), number(stem))
            for stem in stems(stream):
                path = stream / f"{stem}.open"
                if number(stem) >= newest[stem.rpartition("-")[0]] - 1 or not path.exists():
                    continue
                with suppress(FileNotFoundError):  # its writer seals, and was faster
                    seal(path, record, len(frames.scan(path.read_bytes()).payloads), durable=True)


def retire(folder: Path, stem: str) -> None:
    """Remove a sealed segment, and remember its number: a writer must never use one twice.

    Raises OSError.
    """
    writer = stem.rpartition("-")[0]
    (folder / f"{stem}.done").touch()
    for older in folder.glob(f"{writer}-*.done"):
        if older.stem.rpartition("-")[0] == writer and number(older.stem) < number(stem):
            older.unlink(missing_ok=True)
    (folder / f"{stem}.parquet").unlink(missing_ok=True)
