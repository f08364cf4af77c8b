"""Digests: SHA-256 in 64 lower-case hex digits, of bytes and of canonical JSON."""

from __future__ import annotations

import hashlib
import re

from roadworthy.evidence.canonical import canonical, to_json

_HEX = re.compile(r"[0-9a-f]{64}")


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, 64 lower-case hex digits (FIPS 180-4).

    Example:
        >>> sha256(b"abc")[:16]
        'ba7816bf8f01cfea'
    """
    return hashlib.sha256(data).hexdigest()


def digest_json(value: object) -> str:
    """The SHA-256 of a JSON value's canonical bytes. Raises DataError for what JSON cannot carry."""
    return sha256(canonical(value))


def digest_of(entity: object) -> str:
    """The SHA-256 of a domain entity's canonical JSON. Raises DataError for what JSON cannot carry."""
    return digest_json(to_json(entity))


def is_digest(text: object) -> bool:
    """Whether `text` has the form of a SHA-256: 64 lower-case hex digits."""
    return isinstance(text, str) and _HEX.fullmatch(text) is not None
