"""What a database said, in words: SQLAlchemy's errors as errors of Roadworthy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from roadworthy.domain.errors import LostUpdateError, RoadworthyError, StorageUnavailableError

_BUSY = (
    "another process holds it",
    "Try again; if it stays, look for a process that hangs inside a transaction.",
)
_FULL = ("its disk is full", "Free some space, then try again: nothing was half-written.")
_READ_ONLY = ("it is read-only", "Make the database and its folder writable for this user.")
_DAMAGED = ("the file is damaged or no database", "Restore it from a backup, or choose another path.")
_STOPPING = ("the server is stopping or starting", "Try again when it is up.")
_CROWDED = ("all connections of this process are in use", "Try again; keep slow work outside of transactions.")
_CROSSED = ("another transaction crossed this one", "Repeat it: nothing of it was kept.")
_TOO_LONG = (
    "the server cancelled a statement",
    "Try again; if it stays, raise the server's `statement_timeout`, or ask who cancels.",
)
_IDLE = (
    "the server ended a connection that was idle",
    "Try again; raise the server's idle timeouts above the longest transaction.",
)
_LOGIN = ("the server refused the login", "Check user and password in the URL.")

_SQLITE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        "the file cannot be opened",
        "Check that the folder exists, is a folder, and is writable.",
    ),
    sqlite3.SQLITE_IOERR: (
        "reading or writing the file failed",
        "Check the disk: full, over quota, over the file-size limit, or failing.",
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

_POSTGRES: dict[str, tuple[str, str]] = {
    "55P03": _BUSY,
    "40001": _CROSSED,
    "40P01": _CROSSED,
    "57014": _TOO_LONG,
    "25P03": _IDLE,
    "57P05": _IDLE,
    "42501": ("this user may not do that there", "Grant it the rights on the tables, or let it own the database."),
    "53100": _FULL,
    "25006": _READ_ONLY,
    "53300": ("the server has no connection left", "Raise `max_connections`, or stop idle clients."),
    "57P01": _STOPPING,
    "57P02": _STOPPING,
    "57P03": _STOPPING,
    "28P01": _LOGIN,
    "28000": _LOGIN,
    "3D000": ("that database does not exist", "Create it first: `createdb`."),
}

_NO_CONNECTION = "Check that the server runs, and the host, port, user, password and database in the URL."
_UNSURE = " Whether the last transaction was committed is not known: read before repeating it."


@contextmanager
def in_words(place: str, *, committing: bool = False) -> Iterator[None]:
    """Turn SQLAlchemy's errors within the block into ours; `place` names the database without its password.

    Raises:
        LostUpdateError: a uniqueness rule of the database refused what another writer got in first.
        StorageUnavailableError: everything else. A connection lost while `committing` leaves the outcome open,
            and the message says so.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise translate(error, place, committing=committing) from error


def translate(error: SQLAlchemyError, place: str, *, committing: bool = False) -> RoadworthyError:
    """The error of ours that says what happened and what to do."""
    if isinstance(error, IntegrityError):
        return LostUpdateError(
            f"somebody else wrote the same record to {place} first", remedy="Read again and repeat the change."
        )
    what, remedy = _reason(error)
    unsure = committing and getattr(error, "connection_invalidated", False)
    return StorageUnavailableError(
        f"the control store {place} is not usable: {what}",
        remedy=remedy + (_UNSURE if unsure else ""),
        place=place,
        outcome="unknown" if unsure else "not committed",
    )


def is_passing(error: SQLAlchemyError) -> bool:
    """Whether trying to connect again soon may succeed: the file is busy, the server on its way down or up."""
    return _reason(error) in (_BUSY, _STOPPING) or _is_no_connection(error)


def _is_no_connection(error: SQLAlchemyError) -> bool:
    """Whether the driver failed before a server gave an answer with a code."""
    origin = getattr(error, "orig", None)
    coded = isinstance(origin, sqlite3.Error) or getattr(origin, "sqlstate", None)
    return isinstance(error, OperationalError) and not coded


def _reason(error: SQLAlchemyError) -> tuple[str, str]:
    origin = getattr(error, "orig", None)
    if isinstance(error, PoolTimeoutError):
        return _CROWDED
    if isinstance(origin, sqlite3.Error):
        primary = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest refines it
        known = _SQLITE.get(primary)
    elif getattr(origin, "sqlstate", None):
        known = _POSTGRES.get(origin.sqlstate)  # type: ignore[union-attr]  # psycopg is optional: no import here
    else:
        known = None
    if known is not None:
        return known
    said = str(origin or error).strip().splitlines() or [type(error).__name__]
    return said[0], _NO_CONNECTION if _is_no_connection(error) else "Look at the database's own log."
