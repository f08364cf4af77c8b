"""A gateway process of a workspace whose artifacts are in a bucket: it reads them there, and from nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, V1, at

from roadworthy.adapters.artifacts.places import open_artifacts
from roadworthy.adapters.served.files import FileServed
from roadworthy.apps.data_plane import grpc_faces, open_gateway, watches
from roadworthy.apps.settings import Settings
from roadworthy.domain.errors import MissingExtraError
from roadworthy.evidence.trust import TRUST
from roadworthy.gateway.protocol.grpc.service import GrpcFace


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


def test_nobody_looks_on_unless_the_settings_ask_for_it(tmp_path: Path) -> None:
    assert watches(Settings(workspace=tmp_path)) == []
    found = watches(Settings(workspace=tmp_path, access_percent=5, otel_endpoint="http://127.0.0.1:1"))
    assert [type(one).__name__ for one in found] == ["AccessLog", "Spans"]
    for one in found:
        one.close()


def test_without_opentelemetry_the_setting_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "roadworthy.gateway.telemetry.spans", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[otel\]"):
        watches(Settings(workspace=tmp_path, otel_endpoint="http://127.0.0.1:1"))


def test_without_a_port_for_it_nothing_of_grpc_is_opened(tmp_path: Path) -> None:
    assert grpc_faces(Settings(workspace=tmp_path)) == []
    (face,) = grpc_faces(Settings(workspace=tmp_path, grpc_port=1))
    assert isinstance(face, GrpcFace)


def test_without_grpcio_the_setting_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "roadworthy.gateway.protocol.grpc.service", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[grpc\]"):
        grpc_faces(Settings(workspace=tmp_path, grpc_port=1))
