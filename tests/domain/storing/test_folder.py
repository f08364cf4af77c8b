"""Folders as artifacts: the digest OpenSSF model signing computes, portable names, and what differs, by name."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from model_signing import hashing
from model_signing._signing.signing import Payload

from roadworthy.domain.errors import ArtifactError, DigestMismatchError
from roadworthy.domain.storing.folder import MAX_FILES, Folder, in_order, read_list, refuse_differences, write_list

FILES = {"MLmodel": b"flavors", "a/b.bin": b"\x00", "a-b.bin": b"\x01", "a/c/d.txt": b"", "z.onnx": b"weights"}

part = st.from_regex(r"[a-z0-9_-]{1,3}", fullmatch=True)
names = st.lists(part, min_size=1, max_size=3).map("/".join)


def theirs(place: Path) -> str:
    """The digest `model-signing` signs as the subject."""
    statement = Payload(hashing.Config().hash(place)).statement.pb
    return str(statement.subject[0].digest["sha256"])


def written(place: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def test_the_digest_is_the_one_model_signing_computes(tmp_path: Path) -> None:
    assert Folder(FILES).digest == theirs(written(tmp_path, FILES))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(names, st.binary(max_size=3), min_size=1, max_size=6))
def test_it_agrees_on_any_folder(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    taken = {"/".join(name.split("/")[:n]) for name in files for n in range(1, name.count("/") + 1)}
    assume(not taken & set(files))  # a name cannot be a file and a folder
    folder = Folder(files)
    assert folder.digest == theirs(written(tmp_path_factory.mktemp("folder"), files))


def test_renaming_a_file_in_place_keeps_the_digest_and_changes_the_list() -> None:
    folder, renamed = Folder({"a": b"1", "c": b"2"}), Folder({"b": b"1", "c": b"2"})
    assert folder.digest == renamed.digest
    assert write_list(folder.digests) != write_list(renamed.digests)


def test_the_list_is_what_sha256sum_checks(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    listing = write_list(Folder(FILES).digests)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        input=listing,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, b"")
    assert read_list(listing) == Folder(FILES).digests


@pytest.mark.parametrize("spoil", [b"x", b"\n", b"0" * 64 + b"  MLmodel\n"])
def test_a_list_in_any_other_form_is_refused(spoil: bytes) -> None:
    with pytest.raises(ArtifactError, match="malformed"):
        read_list(write_list(Folder(FILES).digests) + spoil)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "./a",
        "a/",
        "",
        ".",
        "a\\b",
        "c:x",
        "a\nb",
        "é",
        "a.",
        "a ",
        "x" * 241,
    ],
)
def test_a_name_that_leads_elsewhere_or_is_not_portable_is_refused_by_name(name: str) -> None:
    with pytest.raises(ArtifactError, match="file named"):
        Folder({name: b""})


@pytest.mark.parametrize("pair", [("Model.onnx", "model.onnx"), ("A/x", "a/y"), ("a", "a/b"), ("a/b", "A")])
def test_names_that_are_one_where_case_does_not_count_are_refused_together(pair: tuple[str, str]) -> None:
    with pytest.raises(ArtifactError, match="holds both"):
        Folder(dict.fromkeys(pair, b""))


def test_an_empty_and_a_huge_folder_are_refused() -> None:
    with pytest.raises(ArtifactError, match="holds no file"):
        Folder({})
    with pytest.raises(ArtifactError, match=r"holds 901 files, allowed are 900"):
        Folder({f"f{i}": b"" for i in range(MAX_FILES + 1)})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({**FILES, "z.onnx": b"weightz"}, "changed: z.onnx"),
        ({n: d for n, d in FILES.items() if n != "z.onnx"}, "missing: z.onnx"),
        ({**FILES, "extra.txt": b"more"}, "added: extra.txt"),
        ({("y.onnx" if n == "z.onnx" else n): d for n, d in FILES.items()}, "renamed: z.onnx -> y.onnx"),
    ],
)
def test_what_differs_is_named(changed: dict[str, bytes], said: str) -> None:
    with pytest.raises(DigestMismatchError, match=said):
        refuse_differences(Folder(FILES).digests, Folder(changed).digests)


def test_the_same_folder_differs_in_nothing() -> None:
    refuse_differences(Folder(FILES).digests, Folder(dict(reversed(FILES.items()))).digests)


def test_names_are_ordered_part_by_part() -> None:
    assert in_order(["a-b", "a/b"]) == ["a/b", "a-b"]
    digests = [hashlib.sha256(FILES[n]).digest() for n in in_order(FILES)]
    assert Folder(FILES).digest == hashlib.sha256(b"".join(digests)).hexdigest()
