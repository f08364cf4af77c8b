"""The statements of the control store: a repository of any kind, and the change record."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Connection,
    CursorResult,
    Executable,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from roadworthy.adapters.storage import listing
from roadworthy.adapters.storage.failures import in_words
from roadworthy.adapters.storage.filters import Place, check_order, cursor_of, filter_of
from roadworthy.adapters.storage.rows import (
    Codec,
    check_page,
    check_text,
    codec_of,
    digest_of,
    from_body,
    link_body,
)
from roadworthy.adapters.storage.tables import CHANGE, TABLES, TERMS
from roadworthy.adapters.storage.terms import storable
from roadworthy.adapters.storage.turn import Open
from roadworthy.domain.ports import Stored
from roadworthy.domain.storing.card import VersionCard, keep_card
from roadworthy.domain.storing.query import Page, Query
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

    def __init__(self, codec: Codec[E], session: Session) -> None:
        self._codec = codec
        self._table = TABLES[codec.kind]
        self._terms = TERMS.get(codec.kind)
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
        added = insert(self._table).values(id=row.id, body=row.body, body_digest=row.digest, **row.indexed)
        if self._terms is None:
            self._session.run(added)
        else:
            seq = self._session.run(added.returning(self._table.c.seq)).scalar_one()
            self._write_terms(self._terms, seq, row.terms)
        keep_card(self._cards(), None, entity)

    def replace(self, old: E, new: E) -> None:
        """Swap `old` for `new`."""
        self._session.open.check_writing(self._codec.label)
        before, after = self._codec.pair(old, new)
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
        if self._terms is not None and before.terms != after.terms:
            self._session.run(delete(self._terms).where(self._terms.c.seq == found.seq))
            self._write_terms(self._terms, found.seq, after.terms)
        keep_card(self._cards(), old, new)

    def remove(self, entity: E) -> None:
        """Take away an entity of a passing kind."""
        self._session.open.check_writing(self._codec.label)
        self._codec.check_passing()
        key = self._codec.row(entity).id
        found = self._stored(key)
        if found is None:
            raise self._codec.missing(key)
        columns = self._table.c
        gone = delete(self._table).where(columns.id == key, columns.body_digest == found.body_digest)
        if not self._codec.unchanged(self._entity(found), entity) or self._session.run(gone).rowcount != 1:
            raise self._codec.lost(key)

    def count(self, **equals: object) -> int:
        """How many entities match."""
        query = self._where(select(func.count()).select_from(self._table), equals)
        return int(self._session.rows(query)[0][0])

    def page(self, query: Query) -> Page[E]:
        """One page of what matches."""
        conditions, start = filter_of(self._codec, query), check_order(self._codec, query)
        columns, matching = self._table.c, listing.conditions(self._table, self._terms, conditions)
        total = -1
        if query.counted:
            total = int(self._session.rows(listing.counted(self._table, self._terms, conditions))[0][0])
        if total > listing.MANY:
            matching = listing.conditions(self._table, self._terms, conditions, one_by_one=True)
        # Numbers first, from indexes alone; then the bodies of those few.
        few = listing.ordered(select(columns.seq).where(*matching), self._table, query, start).subquery()
        bodies = select(
            columns.id, columns.body, columns.body_digest, columns.seq, listing.value_of(self._table, query)
        )
        rows = self._session.rows(
            listing.ordered(bodies.join(few, few.c.seq == columns.seq), self._table, query, None)
        )
        shown = rows[: query.limit]
        more = cursor_of(query, Place(shown[-1].value, shown[-1].seq)) if len(rows) > len(shown) else ""
        return Page(tuple(self._entity(row) for row in shown), total, more)

    def tally(self, field: str, query: Query) -> dict[str, int]:
        """How many match per value of an indexed field."""
        self._codec.check_field(field)
        column = self._table.c[field]
        matching = listing.conditions(self._table, self._terms, filter_of(self._codec, query))
        counted: Select[Any] = select(column, func.count()).where(*matching).group_by(column)
        return {text: int(n) for text, n in map(tuple, self._session.rows(counted))}

    def _cards(self) -> SqlRepository[VersionCard]:
        return SqlRepository(codec_of(VersionCard), self._session)

    def _write_terms(self, table: Table, seq: int, terms: frozenset[str]) -> None:
        if terms:
            self._session.run(insert(table).values([{"term": term, "seq": seq} for term in sorted(terms)]))

    def _stored(self, key: str) -> Row[Any] | None:
        self._session.open.check()
        if not storable(key):
            return None
        columns = self._table.c
        query = select(columns.id, columns.body, columns.body_digest, columns.seq).where(columns.id == key)
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

    def newest(self, *, subject: str | None = None, before: int = 0, limit: int = 200) -> list[Change]:
        """Links from the head back, optionally about one subject, or those before a number only."""
        check_page(limit, before)
        query = _links().order_by(CHANGE.c.seq.desc()).limit(limit)
        if before:
            query = query.where(CHANGE.c.seq < before)
        if subject is not None:
            check_text(subject, "subject", "change")
            query = query.where(CHANGE.c.subject == subject)
        return [_change(row) for row in self._session.rows(query)]


def _links() -> Select[Any]:
    return select(CHANGE.c.seq, CHANGE.c.body, CHANGE.c.body_digest)


def _change(row: Row[Any]) -> Change:
    return from_body(Change, row.body, row.body_digest, f"change {row.seq}")
