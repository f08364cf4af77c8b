"""A keyring in a folder: one PEM file per person, readable by the owner only, never overwritten."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from roadworthy.adapters.signing.ed25519 import Ed25519Signer
from roadworthy.domain.errors import AlreadyExistsError, NotFoundError, SettingError, StorageUnavailableError

_MAX_NAME_BYTES = 200


class FileKeyring:
    """Keys as unencrypted PKCS#8 PEM files (mode 0600) in one folder (mode 0700 when it is made here).

    Raises:
        SettingError: a person id that cannot name a file, or a key file that others can read (`chmod 600` it).
        StorageUnavailableError: the folder cannot be made, read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unavailable(folder, error) from error

    def create(self, person: str) -> Ed25519Signer:
        """Make and keep a new key for a person. Raises AlreadyExistsError.

        The complete file appears under its name in one step, so a crash leaves either the key or nothing.
        """
        path = self._path(person)
        fresh = Ed25519Signer.generate()
        try:
            self._publish(path, fresh.private_pem)
        except FileExistsError as error:
            raise AlreadyExistsError(
                f"{person!r} has a key already", remedy="Use it: keys are never overwritten.", person=person
            ) from error
        except OSError as error:
            raise _unavailable(path, error) from error
        return fresh

    def signer(self, person: str) -> Ed25519Signer:
        """The person's signer. Raises NotFoundError."""
        path = self._path(person)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                pem = file.read()
        except FileNotFoundError as error:
            raise NotFoundError(f"no key for {person!r} here", remedy="Create one first.", person=person) from error
        except OSError as error:
            raise _unavailable(path, error) from error
        if os.name == "posix" and mode & 0o077:
            raise SettingError(
                f"key file {path.name} has mode {mode:04o}: others can read it",
                remedy="Set mode 0600; if it may have been read, make the person a new key.",
                person=person,
            )
        return Ed25519Signer.from_pem(pem, path.name)

    def _path(self, person: str) -> Path:
        # quote leaves dots alone; escaping them too keeps every name inside the folder and visible.
        name = quote(person, safe="@+-_", errors="backslashreplace").replace(".", "%2E")
        if not 0 < len(name) <= _MAX_NAME_BYTES:
            raise SettingError(
                f"person id {person[:40]!r} cannot name a key",
                remedy=f"Use 1 to {_MAX_NAME_BYTES} characters (others than letters and digits count three).",
                field="person",
            )
        return self._folder / f"{name}.pem"

    def _publish(self, path: Path, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mode 0600 from the start
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        finally:
            os.unlink(temporary)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unavailable(path: Path, error: OSError) -> StorageUnavailableError:
    return StorageUnavailableError(
        f"the keyring cannot use {path}: {error.strerror}",
        remedy="Check that the folder exists, is writable, and its disk is not full.",
        path=str(path),
    )
