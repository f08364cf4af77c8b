"""A keyring that lives and dies with the process."""

from __future__ import annotations

import threading

from roadworthy.adapters.signing.ed25519 import Ed25519Signer
from roadworthy.adapters.signing.words import no_key, one_of
from roadworthy.domain.errors import AlreadyExistsError


class MemoryKeyring:
    """Keys in memory; safe to use from several threads."""

    def __init__(self) -> None:
        self._signers: dict[str, tuple[Ed25519Signer, ...]] = {}
        self._retired: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def create(self, person: str) -> Ed25519Signer:
        """Make and keep a first key for a person. Raises AlreadyExistsError."""
        with self._lock:
            if person in self._signers:
                raise AlreadyExistsError(
                    f"{person!r} has a key already", remedy="Use it: keys are never overwritten.", person=person
                )
        return self.renew(person)

    def renew(self, person: str) -> Ed25519Signer:
        """Make and keep one more key."""
        fresh = Ed25519Signer.generate()
        with self._lock:
            self._signers[person] = (*self._signers.get(person, ()), fresh)
        return fresh

    def signer(self, person: str, key_id: str = "") -> Ed25519Signer:
        """The key with this id, or the only one."""
        return one_of({s.key_id: s for s in self._signers.get(person, ())}, person, key_id)

    def retire(self, person: str, key_id: str) -> None:
        """Forget the private half."""
        with self._lock:
            known = {s.key_id: s.public_key for s in self._signers.get(person, ())}
            if key_id not in {**known, **self._retired.get(person, {})}:
                raise no_key(person, key_id)
            if key_id in known:
                self._retired[person] = {**self._retired.get(person, {}), key_id: known[key_id]}
                self._signers[person] = tuple(s for s in self._signers[person] if s.key_id != key_id)

    def public_keys(self, person: str) -> dict[str, str]:
        """The public half of every key there was."""
        return {s.key_id: s.public_key for s in self._signers.get(person, ())} | self._retired.get(person, {})
