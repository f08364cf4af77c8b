"""A folder on disk: links, devices and empty folders are refused by name; what is about it is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.adapters.artifacts import reading
from roadworthy.adapters.artifacts.reading import read_folder
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.storing.folder import MAX_FILES


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "sub" / "w.bin").write_bytes(b"weights")
    return tmp_path


def test_files_come_with_their_names_below_the_folder(place: Path) -> None:
    assert read_folder(place).files == {"model.onnx": b"model", "sub/w.bin": b"weights"}


def test_what_is_about_the_folder_and_not_of_it_is_left_out_at_its_top_only(place: Path) -> None:
    (place / ".git").mkdir()
    (place / ".git" / "HEAD").write_bytes(b"ref")
    (place / "model.sig").write_bytes(b"{}")
    (place / "sub" / "model.sig").write_bytes(b"{}")
    assert sorted(read_folder(place).files) == ["model.onnx", "sub/model.sig", "sub/w.bin"]


@pytest.mark.parametrize("target", ["model.onnx", "sub", "/etc/passwd", "nowhere"])
def test_a_symbolic_link_is_refused_wherever_it_leads(place: Path, target: str) -> None:
    (place / "link").symlink_to(target)
    with pytest.raises(ArtifactError, match="'link' is a symbolic link"):
        read_folder(place)


def test_a_pipe_is_refused_and_not_waited_for(place: Path) -> None:
    os.mkfifo(place / "sub" / "pipe")
    with pytest.raises(ArtifactError, match="'sub/pipe' is no plain file"):
        read_folder(place)


def test_an_empty_folder_is_refused_at_the_top_and_below(place: Path) -> None:
    (place / "sub" / "void").mkdir()
    with pytest.raises(ArtifactError, match=r"void' is empty"):
        read_folder(place)
    with pytest.raises(ArtifactError, match=r"void' is empty"):
        read_folder(place / "sub" / "void")


def test_a_folder_of_too_many_files_is_refused_before_they_are_read(place: Path) -> None:
    for i in range(MAX_FILES + 1):
        (place / f"f{i}").touch()
    with pytest.raises(ArtifactError, match=f"more than {MAX_FILES} entries"):
        read_folder(place)


def test_many_files_over_many_folders_are_counted_together(place: Path) -> None:
    for i in range(MAX_FILES):
        (place / "sub" / f"f{i % 3}").mkdir(exist_ok=True)
        (place / "sub" / f"f{i % 3}" / f"{i}").touch()
    with pytest.raises(ArtifactError, match=f"allowed are {MAX_FILES}"):
        read_folder(place)


def test_folders_too_deep_inside_one_another_are_refused(place: Path) -> None:
    deep = place / "/".join("d" * 1 for _ in range(18))
    deep.mkdir(parents=True)
    (deep / "f").touch()
    with pytest.raises(ArtifactError, match="too deep"):
        read_folder(place)


def test_too_many_bytes_are_refused_before_they_are_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 4)
    with pytest.raises(ArtifactError, match="GiB, allowed are"):
        read_folder(place)


def test_a_name_that_is_not_portable_is_refused_by_name(place: Path) -> None:
    (place / "a\\b").touch()
    with pytest.raises(ArtifactError, match="file named"):
        read_folder(place)


def test_what_is_no_folder_cannot_be_read(place: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_folder(place / "absent")
