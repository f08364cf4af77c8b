"""One Ed25519 private key as a `Signer`."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public, not marked as re-exported

from roadworthy.domain.errors import SettingError


class Ed25519Signer:
    """Signs with one Ed25519 key (RFC 8032). The key id is securesystemslib's: a SHA-256 of the public key."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._signer = CryptoSigner(private_key)
        public = private_key.public_key()
        self._public_key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A signer with a fresh key from the system's random source."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, origin: str) -> Ed25519Signer:
        """The signer of an unencrypted PKCS#8 PEM key; `origin` says in a refusal where it came from.

        Raises:
            SettingError: the bytes are no such key.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise _unreadable(origin, "it is not an unencrypted PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _unreadable(origin, f"it is a {type(key).__name__}, expected is Ed25519")
        return cls(key)

    @property
    def key_id(self) -> str:
        """Names the key in envelopes."""
        return str(self._signer.public_key.keyid)

    @property
    def public_key(self) -> str:
        """The public half, PEM text."""
        return self._public_key

    @property
    def far(self) -> bool:
        """The key is here."""
        return False

    @property
    def private_pem(self) -> bytes:
        """The private half, unencrypted PKCS#8 PEM: for a keyring to keep, never to print."""
        return bytes(self._signer.private_bytes)

    def sign(self, payload: bytes) -> bytes:
        """The 64-byte signature over exactly these bytes."""
        return bytes.fromhex(self._signer.sign(payload).signature)

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.key_id[:12]})"


def _unreadable(origin: str, why: str) -> SettingError:
    return SettingError(
        f"the key in {origin} cannot be used: {why}",
        remedy="Restore the key from its backup, or make the person a new key.",
        origin=origin,
    )
