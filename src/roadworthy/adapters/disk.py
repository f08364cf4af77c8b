"""Files that are either wholly there or not there at all, and disk errors in words.

A file is written under a temporary name in the same file system, synced, renamed, and its folder synced: after
a power cut a reader finds the old file or the new one, never half of one.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from roadworthy.domain.errors import StorageUnavailableError

_NO_WRITING = "Make the folder writable for this user, or choose another one."
_NO_FOLDER = "Give the path of a folder; remove or rename the file that stands in its place."
_NO_SPACE = "Free some space, then try again: nothing was half-written."

_WORDS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", _NO_SPACE),
    errno.EDQUOT: ("the disk quota is used up", _NO_SPACE),
    errno.EFBIG: (
        "the file would exceed the largest size allowed",
        "Raise the limit (`ulimit -f`), then try again.",
    ),
    errno.EROFS: ("the file system is read-only", _NO_WRITING),
    errno.EACCES: ("permission is denied", _NO_WRITING),
    errno.EPERM: ("permission is denied", _NO_WRITING),
    errno.ENOTDIR: ("a file stands where a folder is needed", _NO_FOLDER),
    errno.EEXIST: ("a file stands where a folder is needed", _NO_FOLDER),
    errno.EISDIR: ("a folder stands where a file is needed", "Remove or rename that folder."),
}


@contextmanager
def disk_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn an `OSError` into StorageUnavailableError: `doing` says what was tried (an infinitive), `path` where."""
    try:
        yield
    except OSError as error:
        what, remedy = _WORDS.get(
            error.errno or 0, (error.strerror or str(error), "Look at the disk, then try again.")
        )
        raise StorageUnavailableError(
            f"cannot {doing} in {path}: {what}", remedy=remedy, path=str(path), errno=error.errno
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each made durable in the folder above it. Raises OSError."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def written_aside(chunks: Iterable[bytes], folder: Path) -> Iterator[Path]:
    """A synced temporary file in `folder` holding `chunks`; removed when the block ends unless it was renamed.

    Raises OSError. Only the end of the process leaves a `*.part` behind; nothing ever reads those.
    """
    # A plain open, so that the process's umask decides who may read; `x` refuses a name that is taken.
    path = folder / f"{secrets.token_hex(8)}.part"
    try:
        with path.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def publish(aside: Path, target: Path, before: Callable[[], None] | None = None) -> None:
    """Give a file written aside its real name, durably; `before` runs just ahead of the rename. Raises OSError."""
    make_folder(target.parent)
    if before is not None:
        before()
    aside.replace(target)
    sync_folder(target.parent)
