"""Signers by URI: a key file (with a passphrase, if it has one), an environment variable, or a key service.

`file:PATH` and `env:NAME` are read here; every other scheme is securesystemslib's (`awskms:`, `gcpkms:`, `azurekms:`,
`hsm:`, `hv:` ...) or a third party's, which names its `Signer` class under the scheme in the entry-point group
`roadworthy.signers`. What a signature is verified by is always the public key alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.exceptions import Error as LibraryError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # public, not marked as re-exported
    SIGNER_FOR_URI_SCHEME,
    CryptoSigner,
    SSlibKey,
)

from roadworthy.domain.errors import SettingError, UnavailableError

FIELDS = ("uri", "public_key", "secret_env", "secret_file")
READ_HERE = ("env", "file")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key of `keys.toml`: where its private half is, and how to get at it.

    `public_key` is a PEM file; keys that are read here need none. The passphrase or PIN is in the environment variable
    `secret_env` or the file `secret_file`, never in `keys.toml`. Paths are relative to the workspace.
    """

    person: str
    uri: str
    root: Path
    public_key: str = ""
    secret_env: str = ""
    secret_file: str = ""

    @property
    def named(self) -> str:
        """How the key is called in errors."""
        return f"the key of '{self.person}' in keys.toml ({self.uri[:120]})"


class UriSigner:
    """Signs with the key an entry names, wherever it is."""

    def __init__(self, entry: KeyEntry, signer: Any) -> None:
        self._entry = entry
        self._signer = signer

    @property
    def key_id(self) -> str:
        """Names the key in envelopes."""
        return str(self._signer.public_key.keyid)

    @property
    def public_key(self) -> str:
        """The public half, PEM text."""
        key = self._signer.public_key
        said = str(key.keyval["public"])
        if key.keytype != "ed25519":
            return said
        # The library keeps these as hex digits, and every other kind as PEM.
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said))
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def far(self) -> bool:
        """Whether the key is in another service; what a third party's scheme does is not known, so it counts as far."""
        return self._entry.uri.partition(":")[0] not in READ_HERE

    def sign(self, payload: bytes) -> bytes:
        """The signature over exactly these bytes, tried against the public key before it is given out.

        Raises:
            UnavailableError: the key service does not answer, or refuses.
            SettingError: it signs with another key than `public_key`.
        """
        try:
            signature = self._signer.sign(payload)
        except Exception as error:
            raise UnavailableError(
                f"{self._entry.named} does not sign: {_short(error)}",
                remedy="Check that the key service answers, and that these credentials may sign with the key.",
                person=self._entry.person,
            ) from error
        try:
            self._signer.public_key.verify_signature(signature, payload)
        except LibraryError as error:
            raise _unusable(self._entry, "it signs with another key than `public_key` says") from error
        return bytes.fromhex(signature.signature)

    def __repr__(self) -> str:
        return f"UriSigner({self.key_id[:12]})"


def open_signer(entry: KeyEntry) -> UriSigner:
    """The signer an entry names; nothing is signed yet.

    Raises:
        SettingError: an unknown scheme, a key or passphrase that cannot be read or does not fit; names the key, and
            never a secret.
    """
    scheme, _, place = entry.uri.partition(":")
    if scheme in READ_HERE:
        return UriSigner(entry, _read_here(entry, scheme, place))
    known = {**SIGNER_FOR_URI_SCHEME, **_third_party()}
    if scheme not in known:
        raise _unusable(
            entry, f"there is no scheme '{scheme}:'", f"Known: {', '.join(sorted({*known, *READ_HERE}))}."
        )
    if not entry.public_key:
        raise _unusable(entry, "it has no `public_key`", "Export the public half from the key service as PEM.")
    public = _public(entry)
    try:
        return UriSigner(entry, known[scheme].from_priv_key_uri(entry.uri, public, lambda _: _secret(entry) or ""))
    except SettingError:
        raise
    except Exception as error:
        raise _unusable(
            entry, _short(error), f"If a library is missing: pip install 'securesystemslib[{scheme}]'."
        ) from error


def _read_here(entry: KeyEntry, scheme: str, place: str) -> CryptoSigner:
    if scheme == "env":
        pem = os.environ.get(place, "").encode()
        if not pem:
            raise _unusable(entry, "that environment variable is not set")
    else:
        pem = _private_file(entry, entry.root / place)
    secret = _secret(entry)
    try:
        signer = CryptoSigner(load_pem_private_key(pem, secret.encode() if secret else None))
    except (ValueError, TypeError, LibraryError) as error:
        # What the library says is left out: it may speak of the passphrase.
        raise _unusable(
            entry,
            "it is no PEM private key of a kind that signs here, or the passphrase does not fit",
            "Give Ed25519, ECDSA or RSA as PKCS#8 PEM, and its passphrase by `secret_env` or `secret_file`.",
        ) from error
    if entry.public_key and _public(entry).keyid != signer.public_key.keyid:
        raise _unusable(entry, "`public_key` is the public half of another key")
    return signer


def _public(entry: KeyEntry) -> SSlibKey:
    try:
        pem = (entry.root / entry.public_key).read_bytes()
        return SSlibKey.from_crypto(load_pem_public_key(pem))
    except (OSError, ValueError, LibraryError) as error:
        raise _unusable(
            entry, f"`public_key` cannot be read: {type(error).__name__}", "Name a PEM file."
        ) from error


def _secret(entry: KeyEntry) -> str | None:
    """The passphrase or PIN, when the entry says where it is."""
    if entry.secret_env:
        found = os.environ.get(entry.secret_env)
        if found is None:
            raise _unusable(entry, f"the environment variable {entry.secret_env} is not set")
        return found
    if entry.secret_file:
        return _private_file(entry, entry.root / entry.secret_file).decode("utf-8", "replace").strip()
    return None


def _private_file(entry: KeyEntry, path: Path) -> bytes:
    try:
        mode = path.stat().st_mode & 0o777
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(entry, f"'{path.name}' cannot be read: {error.strerror}") from error
    if os.name == "posix" and mode & 0o077:
        raise _unusable(entry, f"'{path.name}' has mode {mode:04o}: others can read it", "Set mode 0600.")
    return data


@cache
def _third_party() -> Mapping[str, Any]:
    """Signers of installed third parties, by scheme."""
    return {entry.name: entry.load() for entry in entry_points(group="roadworthy.signers")}


def _unusable(entry: KeyEntry, why: str, remedy: str = "Correct keys.toml.") -> SettingError:
    return SettingError(f"{entry.named} cannot be used: {why}", remedy=remedy, person=entry.person)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
