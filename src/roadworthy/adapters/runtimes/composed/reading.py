"""The document of a composition, and whether the artifacts it holds are admitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.serving import Scan
from roadworthy.domain.storing.composition import DOCUMENT, HEAD, MEMBERS, Composition, unpacked
from roadworthy.domain.storing.folder import Artifact, Folder


def is_composition(data: bytes) -> bool:
    """Whether the bytes begin as a composition's document."""
    return data.startswith(HEAD)


def scan_alone(data: bytes) -> Scan:  # noqa: ARG001 - as every scan
    """A document without the folder it belongs to is never admitted."""
    return Scan("composition", admitted=False, untrusted=(), reason="a composition without its members")


def read_composition(document: bytes) -> Composition:
    """The document's composition. Raises ArtifactError: it is none, or cannot be meant."""
    if not is_composition(document):
        raise ArtifactError("this is not a composition's document", remedy="Compose it: `roadworthy compose`.")
    try:
        return msgspec.json.decode(document, type=Composition)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(
            f"the composition's document cannot be read: {str(error)[:200]}", remedy="Compose it again."
        ) from error


def scan_composition(folder: Folder, scan: Callable[[Artifact], Scan]) -> Scan:
    """What the release gate may know of a composition: admitted when every member is, and nothing else is in it.

    Args:
        folder: the composition's artifact.
        scan: how one member's artifact is looked into.
    """
    try:
        composition = read_composition(folder.files[DOCUMENT])
        known = {DOCUMENT}
        for part in composition.parts:
            artifact = unpacked(folder.files, part)
            known |= _own(folder.files, part.name)
            found = scan(artifact)
            if part.format is ArtifactFormat.COMPOSITION or found.format != part.format.value or not found.admitted:
                why = f"member '{part.name}' ({found.format}): {found.reason}"
                return Scan("composition", admitted=False, untrusted=found.untrusted, reason=why)
    except ArtifactError as error:
        return Scan("composition", admitted=False, untrusted=(), reason=error.what)
    strange = tuple(name for name in folder.files if name not in known)
    if strange:
        return Scan("composition", admitted=False, untrusted=strange, reason="files that belong to no member")
    return Scan(
        "composition", admitted=True, untrusted=(), reason=f"{len(composition.parts)} members, each admitted"
    )


def _own(files: Mapping[str, bytes], name: str) -> set[str]:
    return {file for file in files if file.startswith(f"{MEMBERS}/{name}/")}
