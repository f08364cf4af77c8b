"""The statements of the control store: a repository of any kind, and the change record."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Row, Select, Table, func, insert, select, update

from roadworthy.adapters.storage.failures import in_words
from roadworthy.adapters.storage.rows import (
    Codec,
    check_page,
    check_text,
    digest_of,
    from_body,
    link_body,
    storable,
)
from roadworthy.adapters.storage.tables import CHANGE
from roadworthy.adapters.storage.turn import Open
from roadworthy.domain.ports import Stored
from roadworthy.domain.trust import Change

E = TypeVar("E", bound=Stored)


class Session:
    """A connection inside a transaction, whose errors are said in words."""

    def __init__(self, connection: Connection, place: str, *, writes: bool = True) -> None:
        self._connection = connection
        self._place = place
        self.open = Open(writes=writes)

    def run(self, statement: Executable) -> CursorResult[Any]:
        """Execute. Raises ConflictError after the end, StorageUnavailableError, LostUpdateError."""
        self.open.check()
        with in_words(self._place):
            return self._connection.execute(statement)

    def rows(self, statement: Select[Any]) -> list[Row[Any]]:
        """All rows of a query. Raises as `run` does."""
        self.open.check()
        with in_words(self._place):
            return list(self._connection.execute(statement).all())


class SqlRepository(Generic[E]):
    """The entities of one kind in one table."""

    def __init__(self, codec: Codec[E], table: Table, session: Session) -> None:
        self._codec = codec
        self._table = table
        self._session = session

    def get(self, key: str) -> E:
        """The entity with this id."""
        found = self._stored(key)
        if found is None:
            raise self._codec.missing(key)
        return self._entity(found)

    def find(
        self, *, limit: int = 1_000_000, offset: int = 0, newest_first: bool = False, **equals: object
    ) -> list[E]:
        """Entities whose indexed fields equal the given values."""
        check_page(limit, offset)
        columns = self._table.c
        order = columns.seq.desc() if newest_first else columns.seq
        query = self._where(select(columns.id, columns.body, columns.body_digest), equals)
        return [self._entity(r) for r in self._session.rows(query.order_by(order).limit(limit).offset(offset))]

    def add(self, entity: E) -> None:
        """Record a new entity."""
        self._session.open.check_writing(self._codec.label)
        row = self._codec.row(entity)
        # Asked first: PostgreSQL would end the whole transaction over a refused insert.
        if self._stored(row.id) is not None:
            raise self._codec.exists(row.id)
        self._session.run(
            insert(self._table).values(id=row.id, body=row.body, body_digest=row.digest, **row.indexed)
        )

    def replace(self, old: E, new: E) -> None:
        """Swap `old` for `new`."""
        self._session.open.check_writing(self._codec.label)
        _, after = self._codec.pair(old, new)
        found = self._stored(after.id)
        if found is None:
            raise self._codec.missing(after.id)
        if not self._codec.unchanged(self._entity(found), old):
            raise self._codec.lost(after.id)
        columns = self._table.c
        swap = update(self._table).where(columns.id == after.id, columns.body_digest == found.body_digest)
        done = self._session.run(swap.values(body=after.body, body_digest=after.digest, **after.indexed))
        if done.rowcount != 1:
            raise self._codec.lost(after.id)

    def count(self, **equals: object) -> int:
        """How many entities match."""
        query = self._where(select(func.count()).select_from(self._table), equals)
        return int(self._session.rows(query)[0][0])

    def _stored(self, key: str) -> Row[Any] | None:
        self._session.open.check()
        if not storable(key):
            return None
        columns = self._table.c
        query = select(columns.id, columns.body, columns.body_digest).where(columns.id == key)
        return next(iter(self._session.rows(query)), None)

    def _where(self, query: Select[Any], equals: dict[str, object]) -> Select[Any]:
        wanted = self._codec.wanted(equals)
        return query.where(*(self._table.c[name] == text for name, text in wanted.items()))

    def _entity(self, row: Row[Any]) -> E:
        return self._codec.entity(row.id, row.body, row.body_digest)


class SqlChangeLog:
    """The append-only change record in its table."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def head(self) -> Change | None:
        """The newest link, or None."""
        rows = self._session.rows(_links().order_by(CHANGE.c.seq.desc()).limit(1))
        return _change(rows[0]) if rows else None

    def append(self, change: Change) -> None:
        """Add a link that follows the head."""
        self._session.open.check_writing("change")
        body = link_body(self.head(), change)
        self._session.run(
            insert(CHANGE).values(
                seq=change.seq,
                digest=change.digest,
                previous=change.previous,
                subject=change.subject,
                body=body,
                body_digest=digest_of(body),
            )
        )

    def read(self, *, subject: str | None = None, after: int = 0, limit: int = 10_000) -> list[Change]:
        """Links in order, optionally about one subject."""
        check_page(limit, after)
        query = _links().where(CHANGE.c.seq > after).order_by(CHANGE.c.seq).limit(limit)
        if subject is not None:
            check_text(subject, "subject", "change")
            query = query.where(CHANGE.c.subject == subject)
        return [_change(row) for row in self._session.rows(query)]


def _links() -> Select[Any]:
    return select(CHANGE.c.seq, CHANGE.c.body, CHANGE.c.body_digest)


def _change(row: Row[Any]) -> Change:
    return from_body(Change, row.body, row.body_digest, f"change {row.seq}")
