"""The control store in SQLite or PostgreSQL: one set of statements, built from the derived tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from roadworthy.adapters.storage.engines import engine_of, place_of, reading_engine_of
from roadworthy.adapters.storage.failures import in_words, is_passing, translate
from roadworthy.adapters.storage.migrate import to_head
from roadworthy.adapters.storage.rows import codec_of
from roadworthy.adapters.storage.sql_parts import Session, SqlChangeLog, SqlRepository
from roadworthy.adapters.storage.turn import Turn
from roadworthy.domain import faults
from roadworthy.domain.ports import Stored, Transaction
from roadworthy.domain.storing.card import fill_cards

E = TypeVar("E", bound=Stored)

_PAUSES_S = (0.05, 0.1, 0.2, 0.4)
"""Waits between attempts to connect: a restarting server is bridged, a missing one named in under a second."""


class SqlStore:
    """A `Store` in a database; open one with `SqlStore.open`.

    Writing transactions of all threads and processes run one after the other: each sees all that was committed
    before, and none has to be repeated. Reading ones run beside them. Keep slow work outside of both.
    """

    def __init__(self, engine: Engine, reading: Engine, *, wait_s: float) -> None:
        self._engine = engine
        self._reading = reading
        self._place = place_of(engine)
        self._wait_s = wait_s
        self._turn = Turn(wait_s)

    @classmethod
    def open(cls, url: str, *, wait_s: float = 30.0) -> SqlStore:
        """Connect to a database and bring it to this program's shape.

        `url` is `sqlite:///file.db` or `postgresql://user@host/database`; `wait_s` bounds the wait for a turn.

        Raises:
            SettingError: not such a URL.
            MissingExtraError: PostgreSQL without its driver.
            StorageUnavailableError: no folder, no server, no permission, or written by a newer Roadworthy.
        """
        store = cls(engine_of(url, wait_s), reading_engine_of(url, wait_s), wait_s=wait_s)
        try:
            with store._turn.take(), store._connected(store._engine) as connection, in_words(store._place):
                to_head(connection, store._place)
                faults.reach("store.migrated")
                fill_cards(SqlTransaction(Session(connection, store._place)))
                faults.reach("store.before-upgraded")
                connection.commit()
            faults.reach("store.after-upgraded")
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction; rolled back when its block, or the commit itself, raises."""
        with self._turn.take():
            with self._connected(self._engine) as connection:
                transaction = SqlTransaction(Session(connection, self._place))
                try:
                    yield transaction
                    faults.reach("store.before-commit")
                finally:
                    transaction.end()
                with in_words(self._place, committing=True):
                    connection.commit()
            faults.reach("store.after-commit")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads, all of it one snapshot."""
        with self._turn.beside(), self._connected(self._reading) as connection:
            transaction = SqlTransaction(Session(connection, self._place, writes=False))
            try:
                yield transaction
            finally:
                transaction.end()

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()
        self._reading.dispose()

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """A connection inside a transaction, a writer's with the write lock; rolled back unless committed."""
        connection = self._connect(engine)
        try:
            yield connection
        finally:
            # A connection that is gone cannot roll back, and need not: the server did.
            with suppress(SQLAlchemyError):
                connection.rollback()
            with suppress(SQLAlchemyError):
                connection.close()

    def _connect(self, engine: Engine) -> Connection:
        """Begin, which takes a writer's lock; tried a few times while a server comes up: nothing is done yet."""
        deadline = time.monotonic() + self._wait_s
        for pause_s in _PAUSES_S:
            try:
                return _begun(engine)
            except SQLAlchemyError as error:
                if not is_passing(error) or time.monotonic() + pause_s > deadline:
                    raise translate(error, self._place) from error
                time.sleep(pause_s)
        with in_words(self._place):
            return _begun(engine)


def _begun(engine: Engine) -> Connection:
    connection = engine.connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


class SqlTransaction:
    """One unit of work on one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, kind: type[E]) -> SqlRepository[E]:
        """The repository of one kind of entity."""
        return SqlRepository(codec_of(kind), self._session)

    @property
    def changes(self) -> SqlChangeLog:
        """The change record."""
        return SqlChangeLog(self._session)

    def end(self) -> None:
        """Refuse all further use."""
        self._session.open.end()
