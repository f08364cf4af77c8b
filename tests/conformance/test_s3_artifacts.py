"""Artifacts in a bucket: what only an object store can do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from roadworthy.adapters.artifacts import s3
from roadworthy.adapters.artifacts.naming import digest_of_file
from roadworthy.adapters.artifacts.s3 import S3Artifacts
from roadworthy.domain.errors import DigestMismatchError, MissingExtraError, StorageUnavailableError


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.onnx"
    path.write_bytes(bytes(range(256)) * 40_960)  # 10 MiB: two parts
    return path


def keys_of(endpoint: str, bucket: str) -> list[str]:
    found = boto3.client("s3", endpoint_url=endpoint).list_objects_v2(Bucket=bucket)
    return [entry["Key"] for entry in found.get("Contents", [])]


def test_an_artifact_lies_under_prefix_and_digest(s3_endpoint: str, s3_bucket: str) -> None:
    digest = S3Artifacts(s3_bucket, prefix="rw/", endpoint_url=s3_endpoint).put(b"weights")
    assert keys_of(s3_endpoint, s3_bucket) == [f"rw/{digest[:2]}/{digest[2:4]}/{digest}"]


def test_a_large_file_goes_in_parts_and_comes_back_whole(s3_endpoint: str, s3_bucket: str, large: Path) -> None:
    store = S3Artifacts(s3_bucket, endpoint_url=s3_endpoint, single_put_bytes=1 << 20)
    digest = store.put_file(large)
    assert store.get(digest) == large.read_bytes()
    assert store.put_file(large) == digest


def test_a_large_file_that_changes_while_it_is_sent_is_not_kept(
    s3_endpoint: str, s3_bucket: str, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: Iterator[str] = iter(["0" * 64, digest_of_file(large)])
    monkeypatch.setattr(s3, "digest_of_file", lambda _: next(digests))
    store = S3Artifacts(s3_bucket, endpoint_url=s3_endpoint, single_put_bytes=1 << 20)
    with pytest.raises(DigestMismatchError, match="changed while it was being sent"):
        store.put_file(large)
    assert keys_of(s3_endpoint, s3_bucket) == []


def test_a_bucket_that_is_not_there_is_named_at_once(s3_endpoint: str, s3_credentials: None) -> None:
    with pytest.raises(StorageUnavailableError, match=r"bucket 'absent'.*Create the bucket"):
        S3Artifacts("absent", endpoint_url=s3_endpoint)


def test_a_bucket_that_vanishes_is_unavailable_and_not_merely_empty(s3_endpoint: str, s3_bucket: str) -> None:
    store = S3Artifacts(s3_bucket, endpoint_url=s3_endpoint)
    boto3.client("s3", endpoint_url=s3_endpoint).delete_bucket(Bucket=s3_bucket)
    for use in (lambda: store.put(b"weights"), lambda: store.get("0" * 64)):
        with pytest.raises(StorageUnavailableError, match="Create the bucket"):
            use()


def test_a_server_that_does_not_answer_is_named(s3_credentials: None) -> None:
    with pytest.raises(StorageUnavailableError, match="Check the endpoint"):
        S3Artifacts("bucket", endpoint_url="http://127.0.0.1:1")


def test_without_credentials_the_error_says_so(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageUnavailableError, match="credentials"):
        S3Artifacts("bucket", endpoint_url=s3_endpoint, region="us-east-1")


def test_without_boto3_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r'pip install "roadworthy\[s3\]"'):
        S3Artifacts("bucket")
