"""The control store in memory: tests, examples, notebooks. Gone with the process, otherwise like the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

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
from roadworthy.domain.trust import Change

E = TypeVar("E", bound=Stored)


@dataclass(slots=True)
class _Contents:
    """All rows by kind and id, in the order they were added, and the bodies of the change record."""

    rows: dict[type[Any], dict[str, Row]] = field(default_factory=lambda: {kind: {} for kind in CODECS})
    changes: list[str] = field(default_factory=list)


class MemoryStore:
    """A `Store` that keeps everything in this process. `wait_s` bounds the wait for another thread's turn."""

    def __init__(self, *, wait_s: float = 30.0) -> None:
        self._turn = Turn(wait_s)
        self._contents = _Contents()

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction; what an aborted one did is undone, newest first."""
        with self._turn.take():
            transaction = _MemoryTransaction(self._contents)
            try:
                yield transaction
                faults.reach("store.before-commit")
            except BaseException:
                transaction.undo()
                raise
            finally:
                transaction.open.end()
            faults.reach("store.after-commit")

    def close(self) -> None:
        """Nothing to let go of."""


class _MemoryTransaction:
    def __init__(self, contents: _Contents) -> None:
        self._contents = contents
        self._undo: list[Callable[[], object]] = []
        self.open = Open()

    def of(self, kind: type[E]) -> _MemoryRepository[E]:
        """The repository of one kind of entity."""
        codec = codec_of(kind)
        return _MemoryRepository(codec, self._contents.rows[kind], self._undo, self.open)

    @property
    def changes(self) -> _MemoryChangeLog:
        """The change record."""
        return _MemoryChangeLog(self._contents.changes, self._undo, self.open)

    def undo(self) -> None:
        """Take back everything this transaction did."""
        while self._undo:
            self._undo.pop()()


class _MemoryRepository(Generic[E]):
    def __init__(
        self, codec: Codec[E], rows: dict[str, Row], undo: list[Callable[[], object]], is_open: Open
    ) -> None:
        self._codec = codec
        self._rows = rows
        self._undo = undo
        self._open = is_open

    def get(self, key: str) -> E:
        """The entity with this id."""
        self._open.check()
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
        self._open.check()
        row = self._codec.row(entity)
        if row.id in self._rows:
            raise self._codec.exists(row.id)
        self._undo.append(lambda: self._rows.pop(row.id))
        self._rows[row.id] = row

    def replace(self, old: E, new: E) -> None:
        """Swap `old` for `new`."""
        _, after = self._codec.pair(old, new)
        stored = self.get(after.id)
        if not self._codec.unchanged(stored, old):
            raise self._codec.lost(after.id)
        before = self._rows[after.id]
        self._undo.append(lambda: self._rows.update({after.id: before}))
        self._rows[after.id] = after

    def count(self, **equals: object) -> int:
        """How many entities match."""
        return len(self._matching(equals))

    def _matching(self, equals: dict[str, object]) -> list[Row]:
        self._open.check()
        wanted = self._codec.wanted(equals).items()
        return [row for row in self._rows.values() if wanted <= row.indexed.items()]

    def _entity(self, row: Row) -> E:
        return self._codec.entity(row.id, row.body, row.digest)


class _MemoryChangeLog:
    def __init__(self, bodies: list[str], undo: list[Callable[[], object]], is_open: Open) -> None:
        self._bodies = bodies
        self._undo = undo
        self._open = is_open

    def head(self) -> Change | None:
        """The newest link, or None."""
        self._open.check()
        return _change(self._bodies[-1]) if self._bodies else None

    def append(self, change: Change) -> None:
        """Add a link that follows the head."""
        body = link_body(self.head(), change)
        self._undo.append(self._bodies.pop)
        self._bodies.append(body)

    def read(self, *, subject: str | None = None, after: int = 0, limit: int = 10_000) -> list[Change]:
        """Links in order, optionally about one subject."""
        self._open.check()
        check_page(limit, after)
        if subject is not None:
            check_text(subject, "subject", "change")
        links = (_change(body) for body in self._bodies[after:])
        return list(islice((c for c in links if subject is None or c.subject == subject), limit))


def _change(body: str) -> Change:
    return from_body(Change, body, digest_of(body), "change")
