"""Artifacts in a folder: where they lie, what a crash leaves, and what the disk may do to them."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.domain.errors import StorageUnavailableError

DIGEST = hashlib.sha256(b"weights").hexdigest()


def files_below(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_an_artifact_lies_two_folders_deep_under_its_digest(tmp_path: Path) -> None:
    LocalArtifacts(tmp_path).put(b"weights")
    assert files_below(tmp_path) == [f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"]


def test_artifacts_are_there_when_the_folder_is_opened_again(tmp_path: Path) -> None:
    LocalArtifacts(tmp_path).put(b"weights")
    assert LocalArtifacts(tmp_path).get(DIGEST) == b"weights"


def test_the_umask_decides_who_may_read_an_artifact(tmp_path: Path) -> None:
    LocalArtifacts(tmp_path).put(b"weights")
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert (tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST).stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("below", ["taken", "taken/deeper"])
def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageUnavailableError, match="a file stands where a folder is needed"):
        LocalArtifacts(tmp_path / below)


def test_a_folder_in_the_way_of_one_artifact_is_named(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    (tmp_path / DIGEST[:2]).write_text("a file")
    with pytest.raises(StorageUnavailableError, match="a file stands where a folder is needed"):
        store.put(b"weights")
    assert files_below(tmp_path / "incoming") == []


TOO_LARGE = """
import resource, sys
from pathlib import Path
from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.domain.errors import StorageUnavailableError
store = LocalArtifacts(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    store.put(bytes(100_000))
except StorageUnavailableError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, str(tmp_path)], check=True, capture_output=True, text=True, timeout=60
    )
    assert "the file would exceed the largest size allowed. Raise the limit" in ran.stdout
    assert files_below(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.domain import faults
faults.arm("artifacts.before-publish", lambda: os.kill(os.getpid(), signal.SIGKILL))
LocalArtifacts(Path(sys.argv[1])).put(b"weights")
"""


def test_kill_9_before_publishing_leaves_nothing_that_is_ever_read(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    store = LocalArtifacts(tmp_path)
    assert not store.has(DIGEST)
    assert store.put(b"weights") == DIGEST
    assert store.get(DIGEST) == b"weights"
