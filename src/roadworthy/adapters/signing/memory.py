"""A keyring that lives and dies with the process."""

from __future__ import annotations

import threading

from roadworthy.adapters.signing.ed25519 import Ed25519Signer
from roadworthy.domain.errors import AlreadyExistsError, NotFoundError


class MemoryKeyring:
    """Keys in memory; safe to use from several threads."""

    def __init__(self) -> None:
        self._signers: dict[str, Ed25519Signer] = {}
        self._lock = threading.Lock()

    def create(self, person: str) -> Ed25519Signer:
        """Make and keep a new key for a person. Raises AlreadyExistsError."""
        fresh = Ed25519Signer.generate()
        with self._lock:
            if person in self._signers:
                raise AlreadyExistsError(
                    f"{person!r} has a key already", remedy="Use it: keys are never overwritten.", person=person
                )
            self._signers[person] = fresh
        return fresh

    def signer(self, person: str) -> Ed25519Signer:
        """The person's signer. Raises NotFoundError."""
        signer = self._signers.get(person)
        if signer is None:
            raise NotFoundError(f"no key for {person!r} here", remedy="Create one first.", person=person)
        return signer
