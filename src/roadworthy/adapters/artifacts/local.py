"""Artifacts in a local folder: `<root>/ab/cd/<digest>`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from roadworthy.adapters.artifacts.folders import KeepsFolders
from roadworthy.adapters.artifacts.naming import (
    checked,
    checked_source,
    chunks_of,
    digest_of_file,
    key_of,
    missing,
)
from roadworthy.adapters.disk import disk_errors, make_folder, publish, written_aside
from roadworthy.domain import faults


class LocalArtifacts(KeepsFolders):
    """An `ArtifactStore` in a folder, which is made when it is not there.

    An artifact is visible only when all its bytes are on disk. Files are never changed in place; putting bytes
    whose kept copy was damaged mends it.

    Raises:
        StorageUnavailableError: the folder cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / "incoming"
        with disk_errors("make the artifact store", self._root):
            make_folder(self._incoming)

    def put(self, data: bytes) -> str:
        """Keep bytes."""
        return self._keep((data,))

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes, read once, a mebibyte at a time."""
        return self._keep(chunks_of(checked_source(path)))

    def get(self, digest: str) -> bytes:
        """The bytes."""
        path = self._root / key_of(digest)
        with disk_errors("read an artifact", self._root):
            if not path.is_file():
                raise missing(digest)
            data = path.read_bytes()
        return checked(data, digest)

    def has(self, digest: str) -> bool:
        """Whether the bytes are here."""
        with disk_errors("look for an artifact", self._root):
            return (self._root / key_of(digest)).is_file()

    def _keep(self, chunks: Iterable[bytes]) -> str:
        running = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                running.update(chunk)
                yield chunk

        with disk_errors("keep an artifact", self._root), written_aside(hashed(), self._incoming) as aside:
            digest = running.hexdigest()
            path = self._root / key_of(digest)
            if not path.is_file() or digest_of_file(path) != digest:
                publish(aside, path, lambda: faults.reach("artifacts.before-publish"))
        return digest
