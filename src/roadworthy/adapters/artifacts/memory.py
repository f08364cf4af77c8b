"""Artifacts in memory: tests and examples."""

from __future__ import annotations

from pathlib import Path

from roadworthy.adapters.artifacts.folders import KeepsFolders
from roadworthy.adapters.artifacts.naming import checked, checked_source, digest_of, key_of, missing
from roadworthy.domain import faults


class MemoryArtifacts(KeepsFolders):
    """An `ArtifactStore` that is gone with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keep bytes."""
        digest = digest_of(data)
        faults.reach("artifacts.before-publish")
        self._kept[key_of(digest)] = bytes(data)
        return digest

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes."""
        return self.put(checked_source(path).read_bytes())

    def get(self, digest: str) -> bytes:
        """The bytes."""
        data = self._kept.get(key_of(digest))
        if data is None:
            raise missing(digest)
        return checked(data, digest)

    def has(self, digest: str) -> bool:
        """Whether the bytes are here."""
        return key_of(digest) in self._kept
