"""One open segment: an append-only file several threads write to and share the sync of (group commit).

Whoever comes first after a sync leads: its one `fdatasync` covers everything written by then, and the threads that
waited meanwhile find their bytes already safe. There is no timer: a lone writer never waits for company.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.disk import sync_folder
from roadworthy.domain import faults
from roadworthy.domain.errors import StorageUnavailableError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a thread wrote: up to which byte, and between which two cuts of the file."""

    end: int
    cuts: int


class OpenSegment:
    """A file of frames, open for appending.

    Writes go to a remembered offset, so a write that failed half way is overwritten by the next one even when
    cutting it off fails too.

    Raises:
        StorageUnavailableError: the file cannot be opened (and, from `write` and `sync`, the disk said no).
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self.durable = durable
        self._write_lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._cuts = 0
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            data = path.read_bytes()
            found = frames.scan(data)
            if found.damaged:
                set_aside(path, data[found.whole_bytes :])
            if found.whole_bytes < len(data):
                os.ftruncate(self._fd, found.whole_bytes)
            if durable:
                os.fsync(self._fd)
                sync_folder(path.parent)
        except OSError as error:
            self._let_go()
            raise refused(path, error) from error
        self.rows = self._synced_rows = len(found.payloads)
        self._written = self._synced = found.whole_bytes

    def write(self, payloads: list[bytes]) -> Ticket:
        """Put the payloads at the end of the file; they are not durable before `sync`."""
        data = frames.frame(payloads)
        with self._write_lock:
            try:
                _write_all(self._fd, data, self._written)
            except OSError as error:
                self._cut(self._written)
                raise refused(self.path, error) from error
            self._written += len(data)
            self.rows += len(payloads)
            return Ticket(self._written, self._cuts)

    def sync(self, ticket: Ticket, *, durable: bool) -> None:
        """Return once everything up to the ticket survives the process and, when `durable`, the machine."""
        faults.reach("decisions.before-sync")
        if not durable:
            return
        with self._sync_lock:
            if ticket.cuts != self._cuts:
                raise StorageUnavailableError(
                    f"records written to {self.path.name} were cut off after a failed sync",
                    remedy="Free disk space, then send them again.",
                    path=str(self.path),
                )
            if ticket.end <= self._synced:
                return
            with self._write_lock:
                end, rows = self._written, self.rows
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                with self._write_lock:
                    self._cut(self._synced)
                    self._cuts += 1
                    self.rows = self._synced_rows
                raise refused(self.path, error) from error
            self._synced, self._synced_rows = end, rows

    def close(self) -> None:
        """Sync what is left and let go of the file."""
        with self._write_lock:
            ticket = Ticket(self._written, self._cuts)
        try:
            if self.durable:
                self.sync(ticket, durable=True)
        finally:
            with self._sync_lock, self._write_lock:
                self._let_go()

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut(self, size: int) -> None:
        """Cut the file back to `size`, where every record is whole."""
        self._written = size
        try:
            os.ftruncate(self._fd, size)
        except OSError:
            return  # the next write goes to the same offset, and readers stop at the damaged frame


def set_aside(path: Path, damaged: bytes) -> None:
    """Keep bytes that were changed on disk beside the segment (`.damaged`), for a person to look at."""
    _LOG.error("%s holds %d damaged bytes; they are kept in %s", path, len(damaged), path.with_suffix(".damaged"))
    with path.with_suffix(".damaged").open("ab") as file:
        file.write(damaged)


def refused(path: Path, error: OSError) -> StorageUnavailableError:
    """The disk said no, as our error."""
    return StorageUnavailableError(
        f"the decision log cannot write {path.name}: {error.strerror or error}",
        remedy=f"Free disk space or mend the rights of {path.parent}; nothing of this call was acknowledged.",
        path=str(path),
        errno=error.errno,
    )


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view, offset = view[count:], offset + count
