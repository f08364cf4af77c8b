"""What every keyring says of keys that are not there, or are several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from roadworthy.domain.errors import ConflictError, NotFoundError

Key = TypeVar("Key")


def one_of(keys: Mapping[str, Key], person: str, key_id: str = "") -> Key:
    """The key with this id, or without an id the only one.

    Raises:
        NotFoundError: there is none.
        ConflictError: there are several and no id says which.
    """
    if key_id and key_id not in keys:
        raise no_key(person, key_id)
    if not keys:
        raise no_key(person)
    if not key_id and len(keys) > 1:
        raise ConflictError(
            f"{person!r} has {len(keys)} keys here", remedy="Say by its id which one is meant.", person=person
        )
    return keys[key_id] if key_id else next(iter(keys.values()))


def no_key(person: str, key_id: str = "") -> NotFoundError:
    """The error for a key that is not kept here."""
    which = f"key {key_id[:12]}... of" if key_id else "key for"
    return NotFoundError(f"no {which} {person!r} here", remedy="Create one first, or restore it.", person=person)
