"""A folder on disk as an artifact: what is read, and what is refused before a byte of it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.storing.folder import LEFT_OUT, MAX_FILES, Folder, check_names

MAX_BYTES = 16 * 2**30
"""All files together: no model that is served from memory is larger."""

MAX_DEPTH = 16
"""Folders inside one another."""


def read_folder(path: Path) -> Folder:
    """The folder's files, by name.

    Raises:
        ArtifactError: a link, a device, a pipe, an empty folder, too many files, too many bytes, a name that is not
            portable, or something that cannot be read; names it.
    """
    try:
        found = dict(_files(path, "", 0))
        check_names(tuple(found))
        total = sum(size for _, size in found.values())
        if total > MAX_BYTES:
            raise ArtifactError(
                f"the folder '{path}' holds {total / 2**30:.1f} GiB, allowed are {MAX_BYTES >> 30}",
                remedy="Hand in the model's own files only.",
            )
        return Folder({name: _read(where) for name, (where, _) in found.items()})
    except OSError as problem:
        raise ArtifactError(
            f"'{problem.filename or path}' cannot be read: {problem.strerror}", remedy="Check the folder."
        ) from problem


def _files(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, tuple[Path, int]]]:
    """Name, place and size of every file below a folder. Bounded: by depth, and by the number of files."""
    count = 0
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if depth == 0 and entry.name in LEFT_OUT:
            continue
        count += 1
        name, mode = prefix + entry.name, entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth < MAX_DEPTH:
            yield from _files(Path(entry.path), f"{name}/", depth + 1)
        elif stat.S_ISREG(mode):
            yield name, (Path(entry.path), entry.stat(follow_symlinks=False).st_size)
        else:
            raise ArtifactError(f"'{name}' is {_kind(mode)}", remedy="Replace it by the file itself.", file=name)
        if count > MAX_FILES:
            raise ArtifactError(
                f"the folder '{folder}' holds more than {MAX_FILES} entries",
                remedy="Hand in the model's own files only.",
            )
    if not count:
        raise ArtifactError(
            f"the folder '{folder}' is empty", remedy="Remove it, or hand in a folder with a model in it."
        )


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder too deep inside others" if stat.S_ISDIR(mode) else "no plain file (a device, pipe or socket)"


def _read(path: Path) -> bytes:
    # Not followed either when it became a link after it was looked at.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read()
