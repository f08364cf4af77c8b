"""Folders in an artifact store: every file under its own digest, and the list of them under its own."""

from __future__ import annotations

from roadworthy.domain.errors import ArtifactError, DigestMismatchError, NotFoundError
from roadworthy.domain.storing.folder import Artifact, Folder, read_list, root_digest, write_list


class KeepsFolders:
    """What every artifact store does with a folder, by its own `put` and `get`; equal files are kept once."""

    def put(self, data: bytes) -> str:
        """Keep bytes."""
        raise NotImplementedError

    def get(self, digest: str) -> bytes:
        """The bytes."""
        raise NotImplementedError

    def keep(self, artifact: Artifact) -> tuple[str, str]:
        """Keep bytes or a folder. Its list of files comes last: until then nothing is there."""
        if not isinstance(artifact, Folder):
            return self.put(artifact), ""
        for data in artifact.files.values():
            self.put(data)
        return artifact.digest, self.put(write_list(artifact.digests))

    def fetch(self, artifact: str, files: str = "") -> Artifact:
        """The artifact, checked: bytes, or with the digest of a list of files the folder.

        Raises:
            NotFoundError, DigestMismatchError: the list or a file is not there, or other bytes are; names the file.
        """
        if not files:
            return self.get(artifact)
        try:
            listed = read_list(self.get(files))
        except ArtifactError as error:
            raise DigestMismatchError(error.what, remedy=error.remedy, expected=files) from error
        found = root_digest(listed)
        if found != artifact:
            raise DigestMismatchError(
                f"the list of files {files[:12]}... is of the folder {found[:12]}..., not of {artifact[:12]}...",
                remedy="Register the folder again.",
                expected=artifact,
                found=found,
            )
        return Folder({name: self._file(name, digest) for name, digest in listed.items()})

    def _file(self, name: str, digest: str) -> bytes:
        try:
            return self.get(digest)
        except (NotFoundError, DigestMismatchError) as error:
            raise type(error)(
                f"file '{name}' of the folder: {error.what}", remedy=error.remedy, **error.fields, file=name
            ) from error
