"""Who of those that share a work database is alive: each holds a lock under its name, which ends with its process.

On PostgreSQL an advisory lock of a connection of its own, on SQLite a locked file beside the database. A lock is let
go of by the server or the system at the instant its process dies, kill -9 included; there are no leases and no clocks.
A holder whose connection is lost seems gone: others may then do its work a second time, and what is recorded of it is
still kept once.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

_TRIES = 20
_PAUSE_S = 0.01
"""Somebody who looks whether a name is held has a share of its lock for an instant; so often it is tried again."""


class Presence(Protocol):
    """The locks of one work database."""

    def hold(self, name: str) -> bool:
        """Hold this name until `close`; whether nobody else does."""
        ...

    def is_here(self, name: str) -> bool:
        """Whether somebody holds this name."""
        ...

    def close(self) -> None:
        """Let go of the name."""
        ...


def presence_on(url: str) -> Presence:
    """The locks that go with a work database's URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return FilePresence(Path(str(parsed.database)))
    return ServerPresence(url)


class FilePresence:
    """A locked file per name: `<database>-<name>.alive`. Raises OSError when it cannot be made."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held: tuple[Path, int] | None = None

    def hold(self, name: str) -> bool:
        """Hold this name until `close`; whether nobody else does."""
        path = self._path(name)
        for _ in range(_TRIES):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _locked(handle, fcntl.LOCK_EX) and _is(path, handle):
                self._held = (path, handle)
                return True
            os.close(handle)
            time.sleep(_PAUSE_S)
        return False

    def is_here(self, name: str) -> bool:
        """Whether somebody holds this name."""
        try:
            handle = os.open(self._path(name), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _locked(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    def close(self) -> None:
        """Let go of the name."""
        if self._held is not None:
            path, handle = self._held
            self._held = None
            path.unlink(missing_ok=True)
            os.close(handle)

    def _path(self, name: str) -> Path:
        return self._database.with_name(f"{self._database.name}-{quote(name, safe='')}.alive")


class ServerPresence:
    """A PostgreSQL advisory lock per name. Raises SQLAlchemyError when the server does not answer."""

    def __init__(self, url: str) -> None:
        # The plain scheme would look for another driver than the one the control store needs.
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None
        self._name = ""
        self._lock = threading.Lock()

    def hold(self, name: str) -> bool:
        """Hold this name until `close`; whether nobody else does."""
        with self._lock:
            self._connection = self._engine.connect()
            for _ in range(_TRIES):
                if _took(self._connection, "pg_try_advisory_lock", name):
                    self._name = name
                    return True
                time.sleep(_PAUSE_S)
        return False

    def is_here(self, name: str) -> bool:
        """Whether somebody holds this name; a lost connection of one's own is made again first, and its lock taken."""
        with self._lock:
            connection = self._living()
            if name == self._name:
                return True
            if not _took(connection, "pg_try_advisory_lock_shared", name):
                return True
            connection.execute(text("SELECT pg_advisory_unlock_shared(:key)"), {"key": _key(name)})
            return False

    def close(self) -> None:
        """Let go of the name."""
        with self._lock:
            if self._connection is not None:
                with suppress(SQLAlchemyError):
                    # Said, since the server sees a closed connection only a moment later.
                    self._connection.execute(text("SELECT pg_advisory_unlock_all()"))
                with suppress(SQLAlchemyError):
                    self._connection.close()
            self._connection, self._name = None, ""
            self._engine.dispose()

    def _living(self) -> Connection:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                with suppress(SQLAlchemyError):
                    self._connection.close()
                self._connection = None
        if self._connection is None:
            self._connection = self._engine.connect()
            if self._name:
                _took(self._connection, "pg_try_advisory_lock", self._name)
        return self._connection


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(path: Path, handle: int) -> bool:
    """Whether the file is still the one of that name: who let go of it may have removed it meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _took(connection: Connection, function: str, name: str) -> bool:
    return bool(connection.execute(text(f"SELECT {function}(:key)"), {"key": _key(name)}).scalar_one())


def _key(name: str) -> int:
    """64 bits of a digest, as the signed number PostgreSQL wants."""
    return int.from_bytes(sha256(f"roadworthy executor {name}".encode()).digest()[:8], signed=True)
