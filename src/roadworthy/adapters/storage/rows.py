"""How an entity becomes a row: a JSON body, its digest, and the text of the fields one may look it up by.

Every store keeps bodies, not objects, so all of them answer with equal values and none hands out a dict that
somebody else can change. A body is written in normal form: encoded, decoded by the dataclass's own types, and
encoded again. What the types would refuse on reading is refused on writing, by name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from roadworthy.adapters.storage.terms import KEY_BYTES, moment_text, storable, terms_of
from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    DataError,
    DigestMismatchError,
    InputError,
    LostUpdateError,
    NotFoundError,
    SettingError,
    StorageUnavailableError,
    shortlist,
)
from roadworthy.domain.ports import AGGREGATES, Aggregate, Stored
from roadworthy.domain.trust import Change

E = TypeVar("E", bound=Stored)
T = TypeVar("T")

DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One stored entity. `digest` is the SHA-256 of `body`'s UTF-8 bytes, 64 hex digits.

    `indexed` are the fields and moments it is looked up by, `terms` what it is found by in lists: see `terms.py`.
    """

    id: str
    body: str
    digest: str
    indexed: dict[str, str]
    terms: frozenset[str] = frozenset()


def to_body(entity: object, name: str) -> str:
    """The entity's JSON in normal form.

    Raises:
        DataError: a value JSON cannot carry (a NumPy scalar, an infinite number in a required field) or of
            another type than the field's; the message has the path to it.
    """
    try:
        normal = msgspec.json.decode(msgspec.json.encode(entity), type=type(entity))
        return msgspec.json.encode(normal).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{name} cannot be stored: {error}",
            remedy="Give plain text, finite numbers, booleans, lists and dicts, each of the field's type.",
            object=name,
        ) from error


def from_body(kind: type[T], body: str, digest: str, name: str) -> T:
    """The entity in a body.

    Raises:
        DigestMismatchError: the body is not the one that was written.
        StorageUnavailableError: it is, but this program's entities have another shape.
    """
    if digest_of(body) != digest:
        raise DigestMismatchError(
            f"the stored {name} was altered outside Roadworthy",
            remedy="Restore the control store from a backup, then run `roadworthy verify`.",
            object=name,
            expected=digest,
        )
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise StorageUnavailableError(
            f"the stored {name} has another shape than this program expects: {error}",
            remedy="Use the version of Roadworthy that wrote it, or a newer one.",
            object=name,
        ) from error


def digest_of(body: str) -> str:
    """SHA-256 of the body's UTF-8 bytes, 64 hex digits."""
    return hashlib.sha256(body.encode()).hexdigest()


class Codec(Generic[E]):
    """Rows of one kind of entity, derived from its dataclass and its line in `ports.AGGREGATES`."""

    def __init__(self, aggregate: Aggregate) -> None:
        hints = get_type_hints(aggregate.kind)
        self.kind: type[E] = aggregate.kind
        self.label = aggregate.table.replace("_", " ")
        self.aggregate = aggregate
        self._types: dict[str, type[Any]] = {name: hints[name] for name in aggregate.indexed}

    def row(self, entity: E) -> Row:
        """The entity as a row. Raises InputError (another kind), DataError (values that cannot be stored)."""
        if type(entity) is not self.kind:
            raise InputError(
                f"a {type(entity).__name__} was given to the store of {self.kind.__name__}",
                remedy=f"Give a {self.kind.__name__}.",
                kind=self.kind.__name__,
            )
        check_text(entity.id, "id", self.label)
        if not entity.id:
            raise DataError(f"a {self.label} has an empty id", remedy="Give it an id.", field="id")
        body = to_body(entity, f"{self.label} '{entity.id}'")
        indexed = {name: self.text(name, getattr(entity, name)) for name in self._types}
        indexed |= {name: moment_text(getattr(entity, name)) for name in self.aggregate.moments}
        return Row(entity.id, body, digest_of(body), indexed, terms_of(self.aggregate, entity))

    def entity(self, key: str, body: str, digest: str) -> E:
        """The entity in a row. Raises as `from_body` does."""
        return from_body(self.kind, body, digest, f"{self.label} '{key}'")

    def pair(self, old: E, new: E) -> tuple[Row, Row]:
        """Both sides of a replacement as rows. Raises InputError when they differ in identity."""
        before, after = self.row(old), self.row(new)
        if before.id != after.id:
            raise InputError(
                f"{self.label} '{before.id}' cannot be replaced by '{after.id}'",
                remedy="A replacement keeps the id; add the other one instead.",
                field="id",
            )
        return before, after

    def unchanged(self, stored: E, old: E) -> bool:
        """Whether what is stored still is `old`.

        Compared as values, not as bytes: a row written before a field with a default existed equals the entity
        read from it, though its body is shorter.
        """
        return stored == msgspec.json.decode(msgspec.json.encode(old), type=self.kind)

    def wanted(self, equals: dict[str, object]) -> dict[str, str]:
        """Look-up values as stored text.

        Raises:
            SettingError: a field that is not indexed, or a value of another type; names what is allowed.
        """
        for name in equals:
            self.check_field(name)
        return {name: self.text(name, value) for name, value in equals.items()}

    def check_field(self, name: str) -> None:
        """Refuse a field that is not indexed. Raises SettingError."""
        if name not in self._types:
            raise SettingError(
                f"a {self.label} cannot be looked up by '{name}'",
                remedy=f"Possible: {', '.join(self._types) or 'none, only by id'}.",
                field=name,
                allowed=tuple(self._types),
            )

    def missing(self, key: str) -> NotFoundError:
        """The error for a key nothing is stored under."""
        return NotFoundError(
            f"there is no {self.label} '{key}'", remedy="Check the id for typos.", kind=self.kind.__name__, key=key
        )

    def exists(self, key: str) -> AlreadyExistsError:
        """The error for adding a key twice."""
        return AlreadyExistsError(
            f"{self.label} '{key}' exists already",
            remedy="Choose another id, or replace the one that is there.",
            kind=self.kind.__name__,
            key=key,
        )

    def check_passing(self) -> None:
        """Refuse to remove what is kept for good. Raises ConflictError."""
        if not self.aggregate.passing:
            raise ConflictError(
                f"a {self.label} is kept for good and cannot be removed",
                remedy="Replace it by one that says that it has ended.",
                kind=self.kind.__name__,
            )

    def lost(self, key: str) -> LostUpdateError:
        """The error for replacing what is not there any more."""
        return LostUpdateError(
            f"{self.label} '{key}' was changed by somebody else in the meantime",
            remedy="Read it again and repeat the change on what is there now.",
            kind=self.kind.__name__,
            key=key,
        )

    def text(self, name: str, value: object) -> str:
        """The stored text of a value of an indexed field. Raises SettingError, DataError."""
        kind = self._types[name]
        if not isinstance(value, kind):
            raise SettingError(
                f"{self.label}.{name} is looked up by {value!r}",
                remedy=f"Give a {kind.__name__}{_members(kind)}.",
                field=name,
            )
        text = str(value.value if isinstance(value, Enum) else value)
        check_text(text, name, self.label)
        return text


def check_text(text: str, field: str, label: str) -> None:
    """Refuse a text that cannot be looked up by later. Raises DataError."""
    if not storable(text):
        raise DataError(
            f"the {field} of a {label} cannot be stored: {text[:60]!r}",
            remedy=f"Use valid text without NUL, at most {KEY_BYTES} bytes in UTF-8.",
            field=field,
        )


def check_page(limit: int, offset: int) -> None:
    """Refuse a page outside of 0 to 2 147 483 647. Raises SettingError."""
    for name, value in (("limit", limit), ("offset", offset)):
        if not 0 <= value < 2**31:
            raise SettingError(f"{name} is {value}", remedy="Allowed: 0 to 2147483647.", field=name)


def link_body(head: Change | None, change: Change) -> str:
    """The body of a link that follows the head; the first has number 1 and an empty `previous`.

    Raises:
        LostUpdateError: another sequence number, or another predecessor.
        DataError: values that cannot be stored.
    """
    expected = (head.seq + 1, head.digest) if head else (1, "")
    if (change.seq, change.previous) != expected:
        raise LostUpdateError(
            f"change {change.seq} does not follow the head of the record ({head.seq if head else 'empty'})",
            remedy="Read the head again and append after it.",
            seq=change.seq,
            previous=change.previous,
            head=head.digest if head else "",
        )
    check_text(change.subject, "subject", "change")
    for name in ("digest", "previous"):
        if len(getattr(change, name)) > DIGEST_LENGTH:
            raise DataError(
                f"the {name} of change {change.seq} is longer than {DIGEST_LENGTH} characters",
                remedy="Give a SHA-256 as 64 hex digits.",
                field=name,
            )
    return to_body(change, f"change {change.seq}")


def _members(kind: type[Any]) -> str:
    return f" ({shortlist([m.name for m in kind])})" if issubclass(kind, Enum) else ""


CODECS: dict[type[Any], Codec[Any]] = {a.kind: Codec(a) for a in AGGREGATES}


def codec_of(kind: type[E]) -> Codec[E]:
    """The codec of a stored kind. Raises SettingError for one that is not in `ports.AGGREGATES`."""
    codec = CODECS.get(kind)
    if codec is None:
        raise SettingError(
            f"{kind.__name__} is not a stored kind",
            remedy="Name it in domain/ports.py, AGGREGATES, and add a migration.",
            kind=kind.__name__,
            allowed=tuple(k.__name__ for k in CODECS),
        )
    return codec
