"""Served documents in a folder, one file per endpoint, replaced atomically.

A gateway needs nothing but this folder: it serves on with what is in it while the control plane is down.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from roadworthy.adapters.disk import disk_errors, make_folder, publish, written_aside
from roadworthy.adapters.served.naming import SUFFIX, endpoint_of, file_name


class FileServed:
    """`ServedConfigurations` in a folder, which is made when it is not there.

    Raises:
        StorageUnavailableError: the folder cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._paths: dict[str, str] = {}
        with disk_errors("keep served configurations", self._root):
            make_folder(self._root)

    def publish(self, endpoint: str, document: bytes) -> None:
        """Put a document in force: a reader sees the old one or this one, also across a power cut."""
        path = self._root / file_name(endpoint)
        with disk_errors("publish a configuration", self._root), written_aside((document,), self._root) as aside:
            # File systems reuse inodes and tick coarsely: a time of our own, always later than the file's before
            # it, makes the stamp differ after every publish.
            changed_ns = max(time.time_ns(), _changed_ns(path) + 1)
            os.utime(aside, ns=(changed_ns, changed_ns))
            publish(aside, path)

    def read(self, endpoint: str) -> bytes | None:
        """The document in force, or None."""
        path = self._root / file_name(endpoint)
        with disk_errors("read a configuration", self._root):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def stamp(self, endpoint: str) -> str:
        """Modification time, size and inode of the file as text; empty when there is none."""
        path = self._paths.get(endpoint)
        if path is None:
            path = os.fspath(self._root / file_name(endpoint))
            if os.path.exists(path):  # what does not exist is asked for with any name
                self._paths[endpoint] = path
        try:
            found = os.stat(path)  # asked for by every request: no more is done than one call
        except FileNotFoundError:
            return ""
        except OSError:
            with disk_errors("look at a configuration", self._root):
                raise
        return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"

    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that have a document, sorted."""
        with disk_errors("list configurations", self._root):
            names = [path.name for path in self._root.iterdir() if path.name.endswith(SUFFIX)]
        return tuple(sorted(map(endpoint_of, names)))


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
