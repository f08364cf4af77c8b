"""The control store's port: a transaction over repositories of entities and the change record."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from roadworthy.domain.storing.query import Page, Query
from roadworthy.domain.trust import Change


class Stored(Protocol):
    """Anything the control store keeps: it has an identity."""

    @property
    def id(self) -> str:
        """The identity, unique within its kind."""
        ...


E = TypeVar("E", bound=Stored)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How one kind of entity is stored: its table, and the fields one may look it up by.

    `sorts`: fields a list may be ordered by. `moments`: points in time a list may be cut at. `many`: fields of several
    texts, looked up by one of them. `words`: text searched by the beginnings of words. `together`: fields that
    are looked up with one another, or in the order of addition, often enough for an index of their own. `passing`: what
    may be removed again, because nobody will ask for it; everything else is kept for good.
    """

    kind: type[Any]
    table: str
    indexed: tuple[str, ...]
    sorts: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    passing: bool = False


class Repository(Protocol[E]):
    """The entities of one kind, in the order they were added."""

    def get(self, key: str) -> E:
        """The entity. Raises NotFoundError naming its kind and key."""
        ...

    def find(
        self, *, limit: int = 1_000_000, offset: int = 0, newest_first: bool = False, **equals: object
    ) -> list[E]:
        """Entities whose indexed fields equal the given values (enums by member).

        Raises:
            SettingError: a field that is not indexed.
        """
        ...

    def add(self, entity: E) -> None:
        """Record a new entity. Raises AlreadyExistsError."""
        ...

    def replace(self, old: E, new: E) -> None:
        """Swap `old` for `new` (same id). Raises LostUpdateError when what is stored is not `old` any more."""
        ...

    def remove(self, entity: E) -> None:
        """Take away an entity of a passing kind.

        Raises:
            ConflictError: entities of this kind are kept for good.
            LostUpdateError: what is stored is not this any more. NotFoundError: nothing is.
        """
        ...

    def count(self, **equals: object) -> int:
        """How many entities match."""
        ...

    def page(self, query: Query) -> Page[E]:
        """One page of what matches.

        Raises:
            SettingError: a field, order, cursor or limit that this kind does not have; names what is allowed.
        """
        ...

    def tally(self, field: str, query: Query) -> dict[str, int]:
        """How many match per value of an indexed field, as stored text; order and page of the query play no part."""
        ...


class ChangeLog(Protocol):
    """The append-only change record."""

    def head(self) -> Change | None:
        """The newest link, or None."""
        ...

    def append(self, change: Change) -> None:
        """Add a link that follows the head. Raises LostUpdateError when it does not."""
        ...

    def read(self, *, subject: str | None = None, after: int = 0, limit: int = 10_000) -> list[Change]:
        """Links in order, optionally about one subject."""
        ...

    def newest(self, *, subject: str | None = None, before: int = 0, limit: int = 200) -> list[Change]:
        """Links from the head back, optionally about one subject, or those before a number only."""
        ...


class Transaction(Protocol):
    """One unit of work: everything in it happens, or nothing."""

    def of(self, kind: type[E]) -> Repository[E]:
        """The repository of one kind of entity."""
        ...

    @property
    def changes(self) -> ChangeLog:
        """The change record."""
        ...


class Store(Protocol):
    """The control store. A thread is inside at most one transaction, of whichever kind."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits when its block ends without an exception; writers are serialised."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """What was committed when the block began, unchanged to its end; waits for no writer and blocks none.

        Writing in it raises ConflictError. What is read here may be old by the time it is used: what decides about
        a write is read again in `begin`.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
