"""The newest deployment a gateway has served per endpoint, in a folder of the gateway's own.

An old document is genuine: its signatures hold for ever. Only the memory of a newer one shows that somebody put it
back, and that memory must outlive the process. Several gateway processes may share the folder.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from roadworthy.adapters.disk import disk_errors, make_folder, publish, written_aside
from roadworthy.adapters.served.naming import file_name
from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.serving import ServedMark


class FileNewest:
    """`ServedMemory` in a folder, which is made when it is not there; one small JSON file per endpoint.

    Raises:
        StorageUnavailableError: the folder cannot be made, read or written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        with disk_errors("remember what was served", self._root):
            make_folder(self._root)

    def newest(self, endpoint: str) -> ServedMark | None:
        """The newest mark kept, or None."""
        path = self._root / file_name(endpoint)
        with disk_errors("read what was served", self._root):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                return None
        try:
            return msgspec.json.decode(data, type=ServedMark)
        except (msgspec.DecodeError, ValueError) as error:
            raise CouldNotVerifyError(
                f"what was last served for '{endpoint}' cannot be read from {path}: {error}",
                remedy="Restore the file; remove it only when you know that no older document was put back.",
                piece="served memory",
                endpoint=endpoint,
            ) from error

    def remember(self, endpoint: str, mark: ServedMark) -> None:
        """Keep the mark, unless a newer one is kept."""
        path = self._root / file_name(endpoint)
        with disk_errors("remember what was served", self._root), self._alone():
            kept = self.newest(endpoint)
            if kept == mark or (kept is not None and mark.older_than(kept)):
                return
            with written_aside((msgspec.json.encode(mark),), self._root) as aside:
                publish(aside, path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process between reading and writing."""
        handle = os.open(self._root / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class MemoryNewest:
    """`ServedMemory` that is gone with the process."""

    def __init__(self) -> None:
        self._marks: dict[str, ServedMark] = {}
        self._lock = threading.Lock()

    def newest(self, endpoint: str) -> ServedMark | None:
        """The newest mark kept, or None."""
        file_name(endpoint)  # what a folder would refuse is refused here too
        return self._marks.get(endpoint)

    def remember(self, endpoint: str, mark: ServedMark) -> None:
        """Keep the mark, unless a newer one is kept."""
        file_name(endpoint)
        with self._lock:
            kept = self._marks.get(endpoint)
            if kept is None or not mark.older_than(kept):
                self._marks[endpoint] = mark
