"""What a workspace's own folder keeps, read without starting anything."""

from __future__ import annotations

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.served.files import FileServed
from roadworthy.apps.settings import Settings
from roadworthy.domain.storing.folder import Artifact
from roadworthy.evidence.trust import TRUST, TrustRoot, decode_trust


def kept_artifact(settings: Settings, digest: str, files: str = "") -> Artifact | None:
    """An artifact from the local store, or None when there is no such store or it is not there."""
    folder = settings.root / settings.artifacts
    if settings.artifacts.startswith("s3://") or not folder.is_dir():
        return None
    store = LocalArtifacts(folder)
    return store.fetch(digest, files) if store.has(files or digest) else None


def kept_trust(settings: Settings) -> TrustRoot | None:
    """The trust root the workspace published for its gateways, or None."""
    folder = settings.root / "trust"
    document = FileServed(folder).read(TRUST) if folder.is_dir() else None
    return decode_trust(document) if document is not None else None
