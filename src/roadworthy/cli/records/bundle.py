"""`roadworthy bundle`: everything that proves a version, in one file for people who do not trust this server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from roadworthy.apps.settings import read_settings
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.files import write_artifact
from roadworthy.cli.records.kept import kept_artifact
from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.storing.folder import Artifact, Folder
from roadworthy.evidence.bundle import Bundle, encode_bundle
from roadworthy.evidence.trust import encode_trust


def bundle(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle's file.")],
    trust_out: Annotated[
        Path | None, typer.Option(help="Write the trust root too; hand it over on another way than the bundle.")
    ] = None,
    artifact_out: Annotated[Path | None, typer.Option(help="Write the model's file or folder too.")] = None,
) -> None:
    """Write a version's bundle: use case, signed evidence, change record, public keys."""
    with desk.road() as road:
        found = msgspec.convert(road.bundle(version), Bundle)
    files: list[tuple[str, Path, Artifact]] = [("bundle", out, encode_bundle(found))]
    if trust_out is not None:
        files.append(("trust root", trust_out, encode_trust(found.trust)))
    if artifact_out is not None:
        data = kept_artifact(read_settings(desk.workspace), found.artifact, found.version.files)
        if data is None:
            raise NotFoundError(
                f"the artifact {found.artifact[:16]} is not in this workspace's folder",
                remedy="Fetch it from the artifact store by its digest, or leave out --artifact-out.",
            )
        files.append(("artifact", artifact_out, data))
    for _, path, data in files:
        write_artifact(path, data)
    document = {name: str(path) for name, path, _ in files}
    lines = [f"Wrote the {name} of {version} to {path} ({_size(data)})." for name, path, data in files]
    desk.answer(
        document | {"version": version, "envelopes": len(found.envelopes), "changes": len(found.changes)},
        *lines,
        f"It holds {len(found.envelopes)} signed statements and {len(found.changes):,} links of the change record.",
        f"Next: roadworthy verify {out}",
    )


def _size(data: Artifact) -> str:
    return f"{len(data.files)} files" if isinstance(data, Folder) else f"{len(data):,} bytes"


app = command(bundle)
