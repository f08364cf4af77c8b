"""A keyring in a folder: one PEM file per key, readable by the owner only, never overwritten."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from roadworthy.adapters.signing.ed25519 import Ed25519Signer
from roadworthy.adapters.signing.words import no_key, one_of
from roadworthy.domain.errors import AlreadyExistsError, SettingError, StorageUnavailableError

_MAX_NAME_BYTES = 160
PRIVATE, PUBLIC = ".pem", ".pub"


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
        """Make and keep a first key for a person. Raises AlreadyExistsError.

        The complete file appears under its name in one step, so a crash leaves either the key or nothing.
        """
        return self._keep(self._path(person), person, Ed25519Signer.generate())

    def renew(self, person: str) -> Ed25519Signer:
        """Make and keep one more key, in a file that carries its id."""
        fresh = Ed25519Signer.generate()
        return self._keep(self._path(person, fresh.key_id), person, fresh)

    def signer(self, person: str, key_id: str = "") -> Ed25519Signer:
        """The key with this id, or the only one."""
        found = [self._read(path, person) for path in self._files(person, PRIVATE)]
        return one_of({signer.key_id: signer for signer in found}, person, key_id)

    def retire(self, person: str, key_id: str) -> None:
        """Write the public half beside, then remove the file with the private one."""
        kept = {self._read(path, person).key_id: path for path in self._files(person, PRIVATE)}
        if key_id not in kept:
            if self._path(person, key_id, PUBLIC).exists():
                return
            raise no_key(person, key_id)
        self.keep_public(person, key_id, self._read(kept[key_id], person).public_key)
        try:
            kept[key_id].unlink()
        except OSError as error:
            raise _unavailable(kept[key_id], error) from error

    def keep_public(self, person: str, key_id: str, public_key: str) -> None:
        """Keep the public half of a key whose private half is, or will be, elsewhere or nowhere."""
        path = self._path(person, key_id, PUBLIC)
        try:
            with suppress(FileExistsError):
                self._publish(path, public_key.encode())
        except OSError as error:
            raise _unavailable(path, error) from error

    def public_keys(self, person: str) -> dict[str, str]:
        """The public half of every key there was."""
        found = {s.key_id: s.public_key for s in (self._read(p, person) for p in self._files(person, PRIVATE))}
        for path in self._files(person, PUBLIC):
            try:
                found[path.name.split(".")[-2]] = path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingError(
                    f"key file {path.name} cannot be read", remedy="Restore it from a backup.", person=person
                ) from error
        return found

    def _keep(self, path: Path, person: str, fresh: Ed25519Signer) -> Ed25519Signer:
        try:
            self._publish(path, fresh.private_pem)
        except FileExistsError as error:
            raise AlreadyExistsError(
                f"{person!r} has a key already", remedy="Use it: keys are never overwritten.", person=person
            ) from error
        except OSError as error:
            raise _unavailable(path, error) from error
        return fresh

    def _files(self, person: str, ending: str) -> list[Path]:
        """A person's files of one kind: `NAME.pem` and `NAME.KEYID.pem`, or `NAME.KEYID.pub`."""
        name = self._path(person).name.removesuffix(PRIVATE)
        try:
            found = [p for p in self._folder.iterdir() if p.name.endswith(ending)]
        except OSError as error:
            raise _unavailable(self._folder, error) from error
        return sorted(p for p in found if p.name.split(".")[0] == name and p.name.count(".") <= 2)

    def _read(self, path: Path, person: str) -> Ed25519Signer:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                pem = file.read()
        except OSError as error:
            raise _unavailable(path, error) from error
        if os.name == "posix" and mode & 0o077:
            raise SettingError(
                f"key file {path.name} has mode {mode:04o}: others can read it",
                remedy="Set mode 0600; if it may have been read, make the person a new key.",
                person=person,
            )
        return Ed25519Signer.from_pem(pem, path.name)

    def _path(self, person: str, key_id: str = "", ending: str = PRIVATE) -> Path:
        # quote leaves dots alone; escaping them too keeps every name inside the folder and visible.
        name = quote(person, safe="@+-_", errors="backslashreplace").replace(".", "%2E")
        if not 0 < len(name) <= _MAX_NAME_BYTES:
            raise SettingError(
                f"person id {person[:40]!r} cannot name a key",
                remedy=f"Use 1 to {_MAX_NAME_BYTES} characters (others than letters and digits count three).",
                field="person",
            )
        return self._folder / f"{name}{f'.{key_id}' if key_id else ''}{ending}"

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
