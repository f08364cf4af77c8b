"""Connections to the two databases: for writers, who take turns and whose commit is on disk, and for readers.

Writers. SQLite: write-ahead log, `synchronous=FULL`, `BEGIN IMMEDIATE`. PostgreSQL: an advisory lock held to the
end of the transaction. Either way a transaction sees everything committed before it began, so the change record
cannot fork and no transaction has to be repeated.

Readers. SQLite: `query_only`, a snapshot of the write-ahead log. PostgreSQL: repeatable read, read only. Their first
statement takes the snapshot; they wait for nobody.

To add a database, add its scheme here and a function for its engines.
"""

from __future__ import annotations

import importlib.util
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from roadworthy.adapters.disk import disk_errors, make_folder
from roadworthy.domain.errors import MissingExtraError, SettingError

_LOCK_KEY = 0x726F6164  # "road"; advisory locks are per database
_CONNECT_TIMEOUT_S = 5
_READERS_KEPT, _READERS_MORE = 4, 12
"""Reading connections that are kept open per process, and how many more a burst may open."""
_SCHEMES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def engine_of(text: str, wait_s: float) -> Engine:
    """The writers' engine for a database URL; for SQLite its folder is made. No connection is opened yet.

    Raises:
        SettingError: not a URL of a database we know.
        MissingExtraError: PostgreSQL without its driver.
        StorageUnavailableError: the folder cannot be made.
    """
    url = _url(text)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, wait_s)
    return _postgres(url, wait_s)


def reading_engine_of(text: str, wait_s: float) -> Engine:
    """The readers' engine for the same URL. Raises as `engine_of` does."""
    url = _url(text)
    if url.get_backend_name() == "sqlite":
        return _sqlite_reading(url, wait_s)
    return _postgres_reading(url, wait_s)


def place_of(engine: Engine) -> str:
    """The database in words for messages, without user and password."""
    url = engine.url
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"PostgreSQL '{url.database}' on {url.host or url.query.get('host') or 'this machine'}"


def _url(text: str) -> URL:
    allowed = "sqlite:///path/to/file.db, postgresql://user@host/database"
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise SettingError(
            "the control store's URL is not a URL", remedy=f"Allowed: {allowed}.", field="store"
        ) from error
    driver = _SCHEMES.get(url.drivername)
    if driver is None:
        raise SettingError(
            f"'{url.drivername}' is no database the control store knows",
            remedy=f"Allowed: {allowed}.",
            field="store",
            allowed=tuple(_SCHEMES),
        )
    if url.drivername == "sqlite" and (url.query or str(url.database).startswith("file:")):
        raise SettingError(
            "the control store's SQLite URL has options",
            remedy="Give the path alone: sqlite:///path/to/file.db.",
            field="store",
        )
    if not url.database or url.database == ":memory:":
        raise SettingError(
            "the control store's URL names no database",
            remedy=f"Allowed: {allowed}. For a store in memory use MemoryStore.",
            field="store",
        )
    return url.set(drivername=driver)


def _sqlite(url: URL, wait_s: float) -> Engine:
    folder = Path(str(url.database)).absolute().parent
    with disk_errors("make the control store", folder):
        make_folder(folder)
    engine = create_engine(url, connect_args={"timeout": wait_s}, pool_size=1, max_overflow=0)

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute("PRAGMA journal_mode = WAL")
                cursor.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _sqlite_reading(url: URL, wait_s: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": wait_s},
        pool_size=_READERS_KEPT,
        max_overflow=_READERS_MORE,
        pool_timeout=wait_s,
    )

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA query_only = ON")

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")  # takes the snapshot now

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _postgres(url: URL, wait_s: float) -> Engine:
    _need_driver()
    engine = create_engine(
        url,
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",  # each statement sees what was committed before we got the lock
    )

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT set_config('lock_timeout', %s, true)", (_wait(wait_s),))
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))

    event.listen(engine, "begin", begin)
    return engine


def _postgres_reading(url: URL, wait_s: float) -> Engine:
    _need_driver()
    engine = create_engine(
        url,
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
        pool_size=_READERS_KEPT,
        max_overflow=_READERS_MORE,
        pool_timeout=wait_s,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
    )

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.read_only = True

    def begin(connection: Connection) -> None:
        # Bounds the wait for a migration, the only lock that readers meet, and takes the snapshot now.
        connection.exec_driver_sql("SELECT set_config('lock_timeout', %s, true)", (_wait(wait_s),))

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _wait(wait_s: float) -> str:
    return f"{max(1, round(wait_s * 1000))}ms"


def _need_driver() -> None:
    if importlib.util.find_spec("psycopg") is None:
        raise MissingExtraError(
            "PostgreSQL needs the library psycopg, which is not installed",
            remedy='Install it: pip install "roadworthy[postgres]".',
            extra="postgres",
        )
