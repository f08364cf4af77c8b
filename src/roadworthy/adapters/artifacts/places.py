"""Which store a place names: a folder, or `s3://bucket/prefix`; the same for the control plane and every gateway."""

from __future__ import annotations

from pathlib import Path

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.artifacts.s3 import S3Artifacts
from roadworthy.domain.ports import ArtifactStore

S3 = "s3://"


def open_artifacts(place: str, root: Path) -> ArtifactStore:
    """The artifact store at `place`; a folder is relative to `root`.

    Raises:
        MissingExtraError: an object store, and boto3 is not installed.
        StorageUnavailableError: the folder or the bucket cannot be used.
    """
    if place.startswith(S3):
        bucket, _, prefix = place.removeprefix(S3).partition("/")
        return S3Artifacts(bucket, prefix=prefix)
    return LocalArtifacts(root / place)
