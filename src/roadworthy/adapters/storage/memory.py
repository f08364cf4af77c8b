"""The control store in memory: tests, examples, notebooks. Gone with the process, otherwise like the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from roadworthy.adapters.storage.filters import Place, check_order, cursor_of, filter_of
from roadworthy.adapters.storage.rows import (
    CODECS,
    Codec,
    Row,
    check_page,
    check_text,
    codec_of,
    digest_of,
    from_body,
    link_body,
)
from roadworthy.adapters.storage.turn import Open, Turn
from roadworthy.domain import faults
from roadworthy.domain.ports import Stored, Transaction
from roadworthy.domain.storing.card import VersionCard, keep_card
from roadworthy.domain.storing.query import Page, Query
from roadworthy.domain.trust import Change

E = TypeVar("E", bound=Stored)


@dataclass(slots=True)
class _Contents:
    """All rows by kind and id, in the order they were added, and the bodies of the change record."""

    rows: dict[type[Any], dict[str, Row]] = field(default_factory=lambda: {kind: {} for kind in CODECS})
    changes: list[str] = field(default_factory=list)


class MemoryStore:
    """A `Store` that keeps everything in this process. `wait_s` bounds the wait for another thread's turn.

    What is committed is never changed: a writer works on copies of the kinds it touches and puts them in its place.
    """

    def __init__(self, *, wait_s: float = 30.0) -> None:
        self._turn = Turn(wait_s)
        self._contents = _Contents()

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction; what an aborted one did is forgotten."""
        with self._turn.take():
            transaction = _MemoryTransaction(self._contents)
            try:
                yield transaction
                faults.reach("store.before-commit")
            finally:
                transaction.open.end()
            self._contents = transaction.contents
            faults.reach("store.after-commit")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads, all of it one snapshot."""
        with self._turn.beside():
            transaction = _MemoryTransaction(self._contents, writes=False)
            try:
                yield transaction
            finally:
                transaction.open.end()

    def close(self) -> None:
        """Nothing to let go of."""


class _MemoryTransaction:
    def __init__(self, committed: _Contents, *, writes: bool = True) -> None:
        self.contents = _Contents(dict(committed.rows), committed.changes)
        self._committed = committed
        self.open = Open(writes=writes)

    def of(self, kind: type[E]) -> _MemoryRepository[E]:
        """The repository of one kind of entity."""
        return _MemoryRepository(codec_of(kind), self)

    @property
    def changes(self) -> _MemoryChangeLog:
        """The change record."""
        return _MemoryChangeLog(self)

    def own_rows(self, kind: type[Any]) -> dict[str, Row]:
        """The rows of a kind, to be changed."""
        if self.contents.rows[kind] is self._committed.rows[kind]:
            self.contents.rows[kind] = dict(self._committed.rows[kind])
        return self.contents.rows[kind]

    def own_changes(self) -> list[str]:
        """The change record, to be appended to."""
        if self.contents.changes is self._committed.changes:
            self.contents.changes = list(self._committed.changes)
        return self.contents.changes


class _MemoryRepository(Generic[E]):
    def __init__(self, codec: Codec[E], transaction: _MemoryTransaction) -> None:
        self._codec = codec
        self._transaction = transaction

    @property
    def _rows(self) -> dict[str, Row]:
        self._transaction.open.check()
        return self._transaction.contents.rows[self._codec.kind]

    def get(self, key: str) -> E:
        """The entity with this id."""
        row = self._rows.get(key)
        if row is None:
            raise self._codec.missing(key)
        return self._entity(row)

    def find(
        self, *, limit: int = 1_000_000, offset: int = 0, newest_first: bool = False, **equals: object
    ) -> list[E]:
        """Entities whose indexed fields equal the given values."""
        check_page(limit, offset)
        matching = self._matching(equals)
        if newest_first:
            matching.reverse()
        return [self._entity(row) for row in islice(matching, offset, offset + limit)]

    def add(self, entity: E) -> None:
        """Record a new entity."""
        self._transaction.open.check_writing(self._codec.label)
        row = self._codec.row(entity)
        if row.id in self._rows:
            raise self._codec.exists(row.id)
        self._transaction.own_rows(self._codec.kind)[row.id] = row
        keep_card(self._transaction.of(VersionCard), None, entity)

    def replace(self, old: E, new: E) -> None:
        """Swap `old` for `new`."""
        self._transaction.open.check_writing(self._codec.label)
        _, after = self._codec.pair(old, new)
        stored = self.get(after.id)
        if not self._codec.unchanged(stored, old):
            raise self._codec.lost(after.id)
        self._transaction.own_rows(self._codec.kind)[after.id] = after
        keep_card(self._transaction.of(VersionCard), stored, new)

    def remove(self, entity: E) -> None:
        """Take away an entity of a passing kind."""
        self._transaction.open.check_writing(self._codec.label)
        self._codec.check_passing()
        key = self._codec.row(entity).id
        if not self._codec.unchanged(self.get(key), entity):
            raise self._codec.lost(key)
        del self._transaction.own_rows(self._codec.kind)[key]

    def count(self, **equals: object) -> int:
        """How many entities match."""
        return len(self._matching(equals))

    def page(self, query: Query) -> Page[E]:
        """One page of what matches."""
        conditions, start = filter_of(self._codec, query), check_order(self._codec, query)
        found = [
            (row.indexed[query.sort] if query.sort else "", seq, row)
            for seq, row in enumerate(self._rows.values(), start=1)
            if conditions.takes(row)
        ]
        found.sort(key=lambda f: f[:2], reverse=query.descending)
        if start is None:
            rest = found
        else:
            edge = (start.value, start.seq)
            rest = [f for f in found if (f[:2] < edge if query.descending else f[:2] > edge)]
        shown = rest[: query.limit]
        more = cursor_of(query, Place(*shown[-1][:2])) if len(rest) > len(shown) else ""
        total = len(found) if query.counted else -1
        return Page(tuple(self._entity(row) for _, _, row in shown), total, more)

    def tally(self, field: str, query: Query) -> dict[str, int]:
        """How many match per value of an indexed field."""
        self._codec.check_field(field)
        conditions = filter_of(self._codec, query)
        return dict(Counter(row.indexed[field] for row in self._rows.values() if conditions.takes(row)))

    def _matching(self, equals: dict[str, object]) -> list[Row]:
        rows = self._rows
        wanted = self._codec.wanted(equals).items()
        return [row for row in rows.values() if wanted <= row.indexed.items()]

    def _entity(self, row: Row) -> E:
        return self._codec.entity(row.id, row.body, row.digest)


class _MemoryChangeLog:
    def __init__(self, transaction: _MemoryTransaction) -> None:
        self._transaction = transaction

    @property
    def _bodies(self) -> list[str]:
        self._transaction.open.check()
        return self._transaction.contents.changes

    def head(self) -> Change | None:
        """The newest link, or None."""
        bodies = self._bodies
        return _change(bodies[-1]) if bodies else None

    def append(self, change: Change) -> None:
        """Add a link that follows the head."""
        self._transaction.open.check_writing("change")
        body = link_body(self.head(), change)
        self._transaction.own_changes().append(body)

    def read(self, *, subject: str | None = None, after: int = 0, limit: int = 10_000) -> list[Change]:
        """Links in order, optionally about one subject."""
        bodies = self._bodies
        check_page(limit, after)
        if subject is not None:
            check_text(subject, "subject", "change")
        links = (_change(body) for body in bodies[after:])
        return list(islice((c for c in links if subject is None or c.subject == subject), limit))

    def newest(self, *, subject: str | None = None, before: int = 0, limit: int = 200) -> list[Change]:
        """Links from the head back, optionally about one subject, or those before a number only."""
        bodies = self._bodies
        check_page(limit, before)
        if subject is not None:
            check_text(subject, "subject", "change")
        links = (_change(body) for body in reversed(bodies[: before - 1] if before else bodies))
        return list(islice((c for c in links if subject is None or c.subject == subject), limit))


def _change(body: str) -> Change:
    return from_body(Change, body, digest_of(body), "change")
