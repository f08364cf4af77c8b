"""A gateway process of a workspace whose artifacts are in a bucket: it reads them there, and from nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from simulated_offers import simulate
from small_world import ENDPOINT, V1, at

from roadworthy.adapters.artifacts.places import open_artifacts
from roadworthy.adapters.served.files import FileServed
from roadworthy.apps.data_plane import open_gateway
from roadworthy.apps.settings import Settings
from roadworthy.services.watch.verify import TRUST

BUCKET = "models"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    yield f"s3://{BUCKET}/rw/"
    server.stop()


def test_a_gateway_process_serves_from_the_bucket_its_workspace_names(tmp_path: Path, bucket: str) -> None:
    world = at("serving")
    document, root = world.house.served.read(ENDPOINT), world.house.trust.read(TRUST)
    assert document
    assert root
    FileServed(tmp_path / "served").publish(ENDPOINT, document)
    FileServed(tmp_path / "trust").publish(TRUST, root)
    store = open_artifacts(bucket, tmp_path)
    for data in world.house.artifacts._kept.values():
        store.put(data)
    gateway = open_gateway(Settings(workspace=tmp_path, artifacts=bucket, sync="off"), writer="one")
    frame, _ = simulate(3, 5)
    (answer,) = world.ask(gateway, frame, ["a", "b", "c"])
    gateway.close()
    assert set(answer.versions) <= {V1, ""}
    assert not (tmp_path / "artifacts").exists()
