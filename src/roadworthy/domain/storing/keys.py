"""The ports of private keys: one key, and the ring that keeps them."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """One private key."""

    @property
    def key_id(self) -> str:
        """Names the key in envelopes."""
        ...

    @property
    def public_key(self) -> str:
        """The public half, PEM text."""
        ...

    @property
    def far(self) -> bool:
        """Whether signing asks another service: that takes as long as it takes, so no transaction waits for it."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """The signature over exactly these bytes."""
        ...


class Keyring(Protocol):
    """Private keys of the people this installation acts for."""

    def create(self, person: str) -> Signer:
        """Make and keep a first key for a person. Raises AlreadyExistsError."""
        ...

    def renew(self, person: str) -> Signer:
        """Make and keep one more key for a person; the others stay until they are retired."""
        ...

    def signer(self, person: str, key_id: str = "") -> Signer:
        """The key with this id, or the only one. Raises NotFoundError, and ConflictError for several."""
        ...

    def retire(self, person: str, key_id: str) -> None:
        """Destroy the private half of a key and keep the public one; doing it twice changes nothing."""
        ...

    def public_keys(self, person: str) -> dict[str, str]:
        """The public half of every key ever kept for a person, by key id."""
        ...
