"""A folder as a model, over the command line: handed in, taken out again, and verified file by file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

INPUTS = ("--inputs", "tenure,calls,spend")


@pytest.fixture(scope="module")
def folder(kitchen: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export")
    (place / "weights").mkdir()
    (place / "weights" / "model.skops").write_bytes((kitchen.folder / "model.skops").read_bytes())
    (place / "README.md").write_text("How it was made.\n")
    return place


@pytest.fixture(scope="module")
def registered(kitchen: Any, folder: Path) -> Any:
    words = ("register", "model", folder, "--use-case", "churn", "--name", "boxed", *INPUTS, "--json")
    ran = kitchen.cli(*words, actor="dan")
    assert ran.code == 0, ran.err
    return ran.document["version"]


def artifact_item(ran: Any) -> Any:
    return next(item for item in ran.document["items"] if item["name"] == "artifact")


def test_a_folder_is_registered_by_its_digest_and_its_list(registered: Any) -> None:
    assert registered["format"] == "skops"
    assert len(registered["files"]) == 64
    assert registered["files"] != registered["artifact"]


def test_it_is_written_out_again_and_verifies_file_by_file(
    kitchen: Any, registered: Any, folder: Path, tmp_path: Path
) -> None:
    paper, out = tmp_path / "b.json", tmp_path / "out"
    ran = kitchen.cli("bundle", registered["id"], "-o", paper, "--artifact-out", out)
    assert ran.code == 0, ran.err
    assert "2 files" in ran.out
    assert (out / "weights" / "model.skops").read_bytes() == (folder / "weights" / "model.skops").read_bytes()
    for given in ((), ("--artifact", out), ("--artifact", folder)):
        assert artifact_item(kitchen.cli("verify", paper, *given, "--json"))["status"] == "ok"
    again = kitchen.cli("bundle", registered["id"], "-o", paper, "--artifact-out", out)
    assert "exists already" in again.err
    (out / "README.md").rename(out / "READTHIS.md")
    said = artifact_item(kitchen.cli("verify", paper, "--artifact", out, "--json"))
    assert (said["status"], "renamed: README.md -> READTHIS.md" in said["why"]) == ("wrong", True)


def test_in_one_go_a_folder_is_tried_before_anything_is_recorded(kitchen: Any, folder: Path) -> None:
    before = kitchen.links()
    spoiled = folder.parent / "spoiled"
    spoiled.mkdir()
    os.symlink("/etc/passwd", spoiled / "model.skops")
    words = ("--use-case", "boxes", "--data", kitchen.train, "--target", "y", "--positive", "yes", *INPUTS)
    ran = kitchen.cli("register", spoiled, *words, actor="dan")
    assert (ran.code, "'model.skops' is a symbolic link" in ran.err) == (2, True), ran
    assert kitchen.links() == before
    ran = kitchen.cli("register", folder, *words, "--json", actor="dan")
    assert ran.code == 0, ran.err
    assert ran.document["version"]["files"]


@pytest.mark.parametrize(("add", "said"), [("run.py", "run.py"), ("second.skops", "2 model files")])
def test_what_may_not_lie_in_a_folder_is_named(
    kitchen: Any, folder: Path, tmp_path: Path, add: str, said: str
) -> None:
    (tmp_path / "model.skops").write_bytes((folder / "weights" / "model.skops").read_bytes())
    (tmp_path / add).write_text("import os\n")
    ran = kitchen.cli("register", "model", tmp_path, "--use-case", "churn", "--name", "odd", *INPUTS, actor="dan")
    assert (ran.code, said in ran.err) == (2, True), ran
