"""What every artifact store promises (`domain/ports.py`: ArtifactStore)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadworthy.domain import faults
from roadworthy.domain.errors import DigestMismatchError, InputError, NotFoundError
from roadworthy.domain.ports import ArtifactStore
from roadworthy.domain.storing.folder import Folder, write_list

ABSENT = "0" * 64
BODIES = {"empty": b"", "one byte": b"\x00", "text": b"weights", "three mebibytes": bytes(range(256)) * 12_288}


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
def test_bytes_come_back_under_their_sha256(artifacts: ArtifactStore, data: bytes) -> None:
    digest = artifacts.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert artifacts.has(digest)
    assert artifacts.get(digest) == data


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
def test_a_file_is_kept_like_its_bytes(artifacts: ArtifactStore, data: bytes, tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(data)
    digest = artifacts.put_file(source)
    assert digest == artifacts.put(data)
    source.write_bytes(b"changed later")
    assert artifacts.get(digest) == data


def test_the_same_bytes_twice_are_one_object(artifacts: ArtifactStore) -> None:
    assert artifacts.put(b"weights") == artifacts.put(b"weights")


def test_absent_bytes_are_not_found(artifacts: ArtifactStore) -> None:
    assert not artifacts.has(ABSENT)
    with pytest.raises(NotFoundError, match=f"no artifact {ABSENT}"):
        artifacts.get(ABSENT)


@pytest.mark.parametrize("name", ["", "../../secret", "0" * 63, "A" * 64, "0" * 64 + "\n", "g" * 64])
def test_what_is_no_digest_is_refused_and_never_a_path(artifacts: ArtifactStore, name: str) -> None:
    for ask in (artifacts.get, artifacts.has):
        with pytest.raises(InputError, match="is not a digest"):
            ask(name)


def test_other_bytes_under_a_digest_are_never_handed_out(
    artifacts: ArtifactStore, damage: Callable[[str], None]
) -> None:
    digest = artifacts.put(b"weights")
    damage(digest)
    with pytest.raises(DigestMismatchError, match="are others now"):
        artifacts.get(digest)


def test_putting_the_original_again_mends_a_damaged_copy(
    artifacts: ArtifactStore, damage: Callable[[str], None]
) -> None:
    digest = artifacts.put(b"other weight")
    damage(digest)
    assert artifacts.put(b"other weight") == digest
    assert artifacts.get(digest) == b"other weight"


@pytest.mark.parametrize("make", [lambda p: p / "absent.onnx", lambda p: p], ids=["absent", "a folder"])
def test_a_source_that_is_no_file_is_the_callers_error(
    artifacts: ArtifactStore, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        artifacts.put_file(make(tmp_path))


class Crash(BaseException):
    """Stands for the end of the process."""


def test_a_crash_before_publishing_leaves_nothing_visible(artifacts: ArtifactStore) -> None:
    def crash() -> None:
        raise Crash

    faults.arm("artifacts.before-publish", crash)
    with pytest.raises(Crash):
        artifacts.put(b"weights")
    faults.disarm_all()
    digest = hashlib.sha256(b"weights").hexdigest()
    assert not artifacts.has(digest)
    assert artifacts.put(b"weights") == digest
    assert artifacts.get(digest) == b"weights"


def test_threads_that_keep_the_same_and_other_bytes_all_find_them(artifacts: ArtifactStore) -> None:
    bodies = [f"weights {n % 5}".encode() for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(artifacts.put, bodies))
    assert [artifacts.get(d) for d in digests] == bodies


FOLDER = Folder(
    {"MLmodel": b"flavors", "model.onnx": b"model", "data/w.bin": b"weights", "data/again.bin": b"weights"}
)


def test_a_folder_comes_back_whole_under_its_digest_and_its_list(artifacts: ArtifactStore) -> None:
    digest, files = artifacts.keep(FOLDER)
    assert digest == FOLDER.digest
    assert artifacts.get(files) == write_list(FOLDER.digests)
    assert artifacts.fetch(digest, files) == FOLDER
    assert artifacts.keep(FOLDER) == (digest, files)


def test_bytes_are_kept_and_fetched_without_a_list(artifacts: ArtifactStore) -> None:
    digest, files = artifacts.keep(b"weights")
    assert (digest, files) == (artifacts.put(b"weights"), "")
    assert artifacts.fetch(digest) == b"weights"


@pytest.mark.parametrize("name", sorted(FOLDER.files))
def test_a_folder_with_one_damaged_file_is_refused_by_that_files_name(
    artifacts: ArtifactStore, damage: Callable[[str], None], name: str
) -> None:
    digest, files = artifacts.keep(FOLDER)
    damage(FOLDER.digests[name])
    same = [n for n in FOLDER.files if FOLDER.files[n] == FOLDER.files[name]]
    with pytest.raises(DigestMismatchError, match=f"file '({'|'.join(same)})' of the folder.*are others now"):
        artifacts.fetch(digest, files)


def test_a_folder_whose_list_is_damaged_or_another_folders_is_refused(
    artifacts: ArtifactStore, damage: Callable[[str], None]
) -> None:
    digest, files = artifacts.keep(FOLDER)
    _, other = artifacts.keep(Folder({"MLmodel": b"other"}))
    with pytest.raises(DigestMismatchError, match="is of the folder"):
        artifacts.fetch(digest, other)
    damage(files)
    with pytest.raises(DigestMismatchError, match="are others now"):
        artifacts.fetch(digest, files)


def test_what_is_no_list_of_files_is_refused(artifacts: ArtifactStore) -> None:
    digest, _ = artifacts.keep(FOLDER)
    with pytest.raises(DigestMismatchError, match=r"malformed|no file"):
        artifacts.fetch(digest, artifacts.put(b"rm -rf"))


def test_a_folder_with_a_file_that_is_not_there_is_not_found_by_name(artifacts: ArtifactStore) -> None:
    absent = Folder({"a.bin": b"never kept"})
    with pytest.raises(NotFoundError, match=r"file 'a\.bin' of the folder: there is no artifact"):
        artifacts.fetch(absent.digest, artifacts.put(write_list(absent.digests)))


def test_a_folder_is_there_only_when_everything_in_it_is(artifacts: ArtifactStore) -> None:
    digest, files = FOLDER.digest, hashlib.sha256(write_list(FOLDER.digests)).hexdigest()
    crashes = 0
    for fatal in range(1, 6):
        left = iter(range(1, fatal))

        def crash(left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Crash

        faults.arm("artifacts.before-publish", crash)
        try:
            artifacts.keep(FOLDER)
        except Crash:
            crashes += 1
            assert not artifacts.has(files)
        finally:
            faults.disarm_all()
    assert crashes >= 1
    assert artifacts.keep(FOLDER) == (digest, files)
    assert artifacts.fetch(digest, files) == FOLDER
