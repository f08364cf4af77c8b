"""What all artifact stores agree on: how bytes are named, laid out and checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from roadworthy.domain.errors import DigestMismatchError, InputError, NotFoundError

CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes in pieces of one MiB. Raises OSError."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises OSError."""
    running = hashlib.sha256()
    for chunk in chunks_of(path):
        running.update(chunk)
    return running.hexdigest()


def checked_source(path: Path) -> Path:
    """The path, when it is a file that can be read. Raises InputError."""
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}",
            remedy="Give the path of a readable file.",
            path=str(path),
        ) from error


def key_of(digest: str) -> str:
    """Where the bytes lie below the store's root: `ab/cd/<digest>`.

    Raises:
        InputError: not 64 lower-case hex digits, so never a way out of the root.
    """
    if not _DIGEST.fullmatch(digest):
        raise InputError(
            f"{digest[:80]!r} is not a digest", remedy="Give a SHA-256 as 64 lower-case hex digits.", field="digest"
        )
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def checked(data: bytes, digest: str) -> bytes:
    """The bytes, when they are the ones named. Raises DigestMismatchError."""
    found = digest_of(data)
    if found != digest:
        raise DigestMismatchError(
            f"the bytes kept as {digest} are others now",
            remedy="Do not use them. Restore the artifact from a backup, or put the original again.",
            expected=digest,
            found=found,
        )
    return data


def missing(digest: str) -> NotFoundError:
    """The error for a digest nothing is kept under."""
    return NotFoundError(
        f"there is no artifact {digest}",
        remedy="Register it again, or check that this is the right artifact store.",
        key=digest,
    )
