"""What only a file can do to a control store: fill up, be read-only, be something else."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.errors import SettingError, StorageUnavailableError
from roadworthy.domain.ports import Store
from roadworthy.domain.serving import Endpoint

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def opened(path: Path) -> SqlStore:
    return SqlStore.open(f"sqlite:///{path}")


def add(store: Store, key: str, *, bulk: int = 0) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint(key, "calls", "x" * bulk, NOON))


def count(store: Store) -> int:
    with store.begin() as transaction:
        return transaction.of(Endpoint).count()


def test_each_connection_writes_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db")
    with store._connected(store._engine) as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]
    store.close()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageUnavailableError, match="a file stands where a folder is needed"):
        opened(tmp_path / "taken" / "store.db")


def test_a_file_above_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageUnavailableError, match="a file stands where a folder is needed"):
        opened(tmp_path / "taken" / "deep" / "store.db")


def test_a_folder_where_the_file_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(StorageUnavailableError, match=r"store\.db is not usable: the file cannot be opened"):
        opened(tmp_path / "store.db")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes " * 1000)
    with pytest.raises(StorageUnavailableError, match="damaged or no database"):
        opened(path)
    assert path.read_text() == "notes " * 1000


def test_a_full_disk_is_named_and_nothing_is_half_written(tmp_path: Path) -> None:
    """SQLite's own page limit gives the error a full disk gives: SQLITE_FULL."""
    store = opened(tmp_path / "store.db")
    event.listen(store._engine, "begin", lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1"))
    with pytest.raises(StorageUnavailableError, match=r"its disk is full\. Free some space"):
        add(store, "big", bulk=1_000_000)
    assert count(store) == 0
    store.close()


def test_a_read_only_database_is_named(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db")
    add(store, "e1")
    event.listen(store._engine, "begin", lambda c: c.exec_driver_sql("PRAGMA query_only = on"))
    with pytest.raises(
        StorageUnavailableError, match=r"it is read-only\. Make the database and its folder writable"
    ):
        add(store, "e2")
    store.close()


def test_a_database_locked_by_another_program_is_named(tmp_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{tmp_path}/store.db", wait_s=0.1)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailableError, match="another process holds it"):
        add(store, "e1")
    other.execute("ROLLBACK")
    other.close()
    add(store, "e1")
    store.close()


BAD_URLS = {
    "no URL": ("not a url", "is not a URL"),
    "another database": ("mysql://ada:secret@host/db", "'mysql' is no database the control store knows"),
    "a driver we do not use": ("sqlite+aiosqlite:///x.db", "Allowed: sqlite:///path/to/file.db"),
    "SQLite with options": ("sqlite:///file:x.db?mode=ro&uri=true", "has options. Give the path alone"),
    "SQLite in memory": ("sqlite://", "use MemoryStore"),
    "SQLite in memory by name": ("sqlite:///:memory:", "use MemoryStore"),
    "a server without a database": ("postgresql://ada@host", "names no database"),
}


@pytest.mark.parametrize(("url", "said"), BAD_URLS.values(), ids=BAD_URLS)
def test_a_url_that_cannot_be_used_is_refused_with_what_is_allowed(url: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        SqlStore.open(url)
    assert "secret" not in str(caught.value)
