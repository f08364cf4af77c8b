"""A keyring in which `keys.toml` says where some people's keys are; everybody else's are in the folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.adapters.signing.files import FileKeyring
from roadworthy.adapters.signing.uris import FIELDS, KeyEntry, UriSigner, open_signer
from roadworthy.adapters.signing.words import one_of
from roadworthy.domain.errors import AlreadyExistsError, ConflictError, NotFoundError, SettingError
from roadworthy.domain.ports import Signer

FILE = "keys.toml"
"""The file in a workspace; without it every key is in the folder."""

PROBE = b"roadworthy: does this key sign?"


class ConfiguredKeyring:
    """Keys by URI for the people of `entries`, several per person while one is rotated; their public halves, and all
    other keys, are kept in the folder.
    """

    def __init__(self, folder: FileKeyring, entries: Mapping[str, tuple[KeyEntry, ...]]) -> None:
        self._folder = folder
        self._entries = entries
        self._far: dict[KeyEntry, UriSigner] = {}

    def create(self, person: str) -> Signer:
        """The person's first key: the one `keys.toml` names, or a fresh one in the folder."""
        if person not in self._entries:
            return self._folder.create(person)
        if self._folder.public_keys(person):
            raise AlreadyExistsError(
                f"{person!r} has a key already", remedy="Use it: keys are never overwritten.", person=person
            )
        return self.renew(person)

    def renew(self, person: str) -> Signer:
        """One more key: the one of `keys.toml` that was not used yet, once it has signed; or a fresh one in the folder.

        Raises:
            ConflictError: `keys.toml` names only keys that were used already.
        """
        if person not in self._entries:
            return self._folder.renew(person)
        used = self._folder.public_keys(person)
        fresh = next((s for s in self._signers(person).values() if s.key_id not in used), None)
        if fresh is None:
            raise ConflictError(
                f"{FILE} names no key of '{person}' that was not used yet",
                remedy=f"Add the next one as a further [[{person}]], or remove theirs to have one in the folder.",
                person=person,
            )
        fresh.sign(PROBE)
        self._folder.keep_public(person, fresh.key_id, fresh.public_key)
        return fresh

    def signer(self, person: str, key_id: str = "") -> Signer:
        """The key with this id, or the only one."""
        named = self._signers(person)
        if key_id in named or (named and not key_id):
            return one_of(named, person, key_id)
        return self._folder.signer(person, key_id)

    def retire(self, person: str, key_id: str) -> None:
        """As in the folder; what a key service holds is ended there, and taken out of `keys.toml`."""
        try:
            self._folder.retire(person, key_id)
        except NotFoundError:
            if key_id not in self._signers(person):
                raise

    def public_keys(self, person: str) -> dict[str, str]:
        """The public half of every key there was."""
        return self._folder.public_keys(person)

    def _signers(self, person: str) -> dict[str, UriSigner]:
        found = [self._opened(entry) for entry in self._entries.get(person, ())]
        return {signer.key_id: signer for signer in found}

    def _opened(self, entry: KeyEntry) -> UriSigner:
        """The signer of an entry; that of another service is made once, as its library sets up a client."""
        signer = self._far.get(entry) or open_signer(entry)
        if signer.far:
            self._far[entry] = signer
        return signer


def open_keyring(folder: Path, root: Path) -> ConfiguredKeyring:
    """The keyring of a workspace.

    Raises:
        SettingError: `keys.toml` cannot be read, or has an entry of another shape; names the person and the field.
    """
    return ConfiguredKeyring(FileKeyring(folder), read_entries(root))


def read_entries(root: Path) -> dict[str, tuple[KeyEntry, ...]]:
    """The entries of a workspace's `keys.toml`, by person; none when there is no such file."""
    try:
        said = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{FILE} cannot be read: {error}", remedy="Correct the file.", file=FILE) from error
    return {person: tuple(_entry(person, one, root) for one in _tables(person, said[person])) for person in said}


def _tables(person: str, value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and value:
        return value
    raise _shape(person, "it is no table", f"Write [{person}] and below it uri = ...")


def _entry(person: str, value: Any, root: Path) -> KeyEntry:
    if not isinstance(value, dict):
        raise _shape(person, "it is no table", f"Write [[{person}]] and below it uri = ...")
    for field, given in value.items():
        if field not in FIELDS or not isinstance(given, str):
            raise _shape(
                person, f"`{field}` is not one of its fields, or no text", f"Allowed: {', '.join(FIELDS)}."
            )
    if ":" not in value.get("uri", ""):
        raise _shape(person, "it has no `uri`", "Give one, for example uri = 'file:keys/vera.pem'.")
    return KeyEntry(person=person, root=root, **value)


def _shape(person: str, why: str, remedy: str) -> SettingError:
    return SettingError(f"{FILE}, '{person}': {why}", remedy=remedy, person=person)
