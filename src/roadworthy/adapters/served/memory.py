"""Served documents in memory: tests, and one process that is both control plane and gateway."""

from __future__ import annotations

from roadworthy.adapters.served.naming import file_name


class MemoryServed:
    """`ServedConfigurations` that are gone with the process."""

    def __init__(self) -> None:
        self._documents: dict[str, tuple[int, bytes]] = {}

    def publish(self, endpoint: str, document: bytes) -> None:
        """Put a document in force."""
        file_name(endpoint)  # what a folder would refuse is refused here too
        self._documents[endpoint] = (self._count(endpoint) + 1, bytes(document))

    def read(self, endpoint: str) -> bytes | None:
        """The document in force, or None."""
        file_name(endpoint)
        kept = self._documents.get(endpoint)
        return None if kept is None else kept[1]

    def stamp(self, endpoint: str) -> str:
        """How often the endpoint was published, as text; empty when never."""
        file_name(endpoint)
        return str(self._count(endpoint) or "")

    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that have a document, sorted."""
        return tuple(sorted(self._documents))

    def _count(self, endpoint: str) -> int:
        return self._documents.get(endpoint, (0, b""))[0]
