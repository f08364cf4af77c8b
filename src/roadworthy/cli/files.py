"""The workspace's files: what makes a folder a workspace, and writing whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from roadworthy.apps.settings import FILE
from roadworthy.domain.errors import AlreadyExistsError, NotFoundError, StorageUnavailableError
from roadworthy.domain.storing.folder import Artifact, Folder

PLAYBOOK = "playbook.yaml"
"""The workspace's own playbook; gates use it when it is there."""


def require_workspace(workspace: Path) -> None:
    """Refuse a folder that is no workspace.

    Raises:
        NotFoundError: it is none.
    """
    if not any((workspace / name).exists() for name in (FILE, "control.db")):
        raise NotFoundError(
            f"'{workspace}' is no Roadworthy workspace",
            remedy="Make one with `roadworthy init`, or name one with --workspace.",
            workspace=str(workspace),
        )


def write_new(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file that is complete the moment it is visible.

    Raises:
        AlreadyExistsError: it exists and `replace` is not set.
        StorageUnavailableError: it cannot be written.
    """
    if path.exists() and not replace:
        raise AlreadyExistsError(f"'{path}' exists already", remedy="Choose another name; nothing was written.")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as problem:
        aside.unlink(missing_ok=True)
        raise StorageUnavailableError(
            f"'{path}' cannot be written: {problem.strerror}", remedy="Choose another place.", file=str(path)
        ) from problem


def write_artifact(path: Path, artifact: Artifact) -> None:
    """Write bytes as a file, replacing one that is there, or a folder as a new folder.

    Raises:
        AlreadyExistsError: a folder that holds something already.
        StorageUnavailableError: it cannot be written.
    """
    if not isinstance(artifact, Folder):
        write_new(path, artifact, replace=True)
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise AlreadyExistsError(f"'{path}' exists already", remedy="Choose another name; nothing was written.")
    for name, data in artifact.files.items():
        make_folder((path / name).parent)
        write_new(path / name, data)


def make_folder(path: Path) -> None:
    """A folder to write into, made when it is not there.

    Raises:
        StorageUnavailableError: it cannot be made, or something else has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageUnavailableError(
            f"'{path}' cannot be made a folder: {problem.strerror}", remedy="Choose another place.", file=str(path)
        ) from problem


def default_playbook(workspace: Path, given: str) -> str:
    """The playbook to use: the one given, else the workspace's own, else none (the one that ships)."""
    own = workspace / PLAYBOOK
    return given or (str(own) if own.exists() else "")
