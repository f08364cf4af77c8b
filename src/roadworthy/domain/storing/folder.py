"""An artifact that is a folder of files, and the digest that names it: the one OpenSSF model signing computes.

That digest is over the files' contents in the order of their names, and not over the names themselves: two files that
change names without changing places keep it. So a folder's list of files is kept and signed beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roadworthy.domain.errors import ArtifactError, DigestMismatchError, shortlist

MAX_FILES = 900
"""Files in one folder; large models have some hundred shards."""

MAX_NAME = 240
"""Characters of a name with all its parts."""

LEFT_OUT = (".git", ".gitattributes", ".github", ".gitignore", "model.sig")
"""What lies at the top of a folder and is about it, not of it; `model-signing` leaves the same out by default."""

_PART = re.compile(r"(?!\.$)[A-Za-z0-9_.+@=,()\[\]-](?:[A-Za-z0-9_.+@=,()\[\] -]*[A-Za-z0-9_+@=,()\[\]-])?")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, slots=True)
class Folder:
    """Files by name, parts joined by `/`.

    Raises:
        ArtifactError: no file, too many, a name that is not portable, or two names that are one where case does not
            count; names the file.
    """

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        """Refuse what could not be unpacked everywhere, or would mean another folder elsewhere."""
        check_names(tuple(self.files))

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file, by name, in the order of the list."""
        return {name: hashlib.sha256(self.files[name]).hexdigest() for name in in_order(self.files)}

    @property
    def digest(self) -> str:
        """The folder's digest, 64 hex digits."""
        return root_digest(self.digests)


Artifact = bytes | Folder
"""A model as it is handed in, kept and loaded: one file's bytes, or a folder."""


def root_digest(digests: Mapping[str, str]) -> str:
    """The digest of a folder from its files' digests: SHA-256 over them (32 bytes each) in the order of the names.

    References:
        OpenSSF Model Signing 1.0, `serialization.method: files`: the subject's digest.
    """
    return hashlib.sha256(b"".join(bytes.fromhex(digests[n]) for n in in_order(digests))).hexdigest()


def in_order(names: Iterable[str]) -> list[str]:
    """Names part by part: `a/b` comes before `a-b`."""
    return sorted(names, key=lambda name: name.split("/"))


def write_list(digests: Mapping[str, str]) -> bytes:
    """The list of files as `sha256sum` writes it: `sha256sum --check` reads it."""
    return "".join(f"{digests[name]}  {name}\n" for name in in_order(digests)).encode()


def read_list(data: bytes) -> dict[str, str]:
    """Digests by name from a list of files.

    Raises:
        ArtifactError: not exactly as `write_list` writes it.
    """
    lines = data.decode("ascii", "replace").splitlines()
    found = {m[2]: m[1] for m in map(_LINE.fullmatch, lines) if m}
    check_names(tuple(found))
    if write_list(found) != data:
        raise ArtifactError("the list of a folder's files is malformed", remedy="Register the folder again.")
    return found


def check_names(names: tuple[str, ...]) -> None:
    """Refuse names no folder may have. Raises ArtifactError."""
    if not names:
        raise ArtifactError("the folder holds no file", remedy="Hand in a folder with a model in it.")
    if len(names) > MAX_FILES:
        raise ArtifactError(
            f"the folder holds {len(names):,} files, allowed are {MAX_FILES}",
            remedy="Hand in the model's own files only.",
        )
    taken: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        if len(name) > MAX_NAME or not all(_PART.fullmatch(part) for part in parts):
            raise ArtifactError(
                f"the folder holds a file named {name[:MAX_NAME]!r}",
                remedy=f"Use relative names of at most {MAX_NAME} characters: letters, digits, spaces and ._+@=,()[]-;"
                " no part is empty, '.', '..', or ends in a dot or a space.",
                file=name[:MAX_NAME],
            )
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            # A file takes its path alone; folders on the way may be shared, in one spelling.
            mark = f"{path}{'' if end == len(parts) else '/'}"
            other = taken.setdefault(path.lower(), mark)
            if other != mark:
                raise ArtifactError(
                    f"the folder holds both '{other}' and '{mark}'",
                    remedy="Rename one: they are the same where upper and lower case do not count.",
                    file=name,
                )


def refuse_differences(listed: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse a folder whose files are not those listed.

    Raises:
        DigestMismatchError: names what was added, is missing, was renamed or changed.
    """
    by_digest = {digest: name for name, digest in found.items() if name not in listed}
    gone = [name for name in listed if name not in found]
    renamed = {name: by_digest[listed[name]] for name in gone if listed[name] in by_digest}
    said = {
        "changed": [name for name in listed if name in found and found[name] != listed[name]],
        "missing": [name for name in gone if name not in renamed],
        "renamed": [f"{old} -> {new}" for old, new in renamed.items()],
        "added": [name for name in found if name not in listed and name not in renamed.values()],
    }
    wrong = [f"{what}: {shortlist(names)}" for what, names in said.items() if names]
    if wrong:
        raise DigestMismatchError(
            f"the folder is not the one that was registered ({'; '.join(wrong)})",
            remedy="Restore it from a backup, or register what is there now as a new version.",
            files=said,
        )
