"""Making a workspace."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from roadworthy.apps.settings import Settings, read_settings
from roadworthy.cli.road.init import CAST, read_cast, settings_text
from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Role
from roadworthy.services.gates.playbooks import DEFAULT


def test_a_new_workspace_has_settings_playbook_and_people(by_hand: Any, tmp_path: Path) -> None:
    ran = by_hand.cli(tmp_path / "new")(
        "init", "--person", "eve:data-scientist", "--person", "bob:validator,auditor", "--json"
    )
    assert ran.code == 0, ran.err
    assert {p["id"]: p["roles"] for p in ran.document["people"]} == {
        "admin": ["administrator"],
        "eve": ["data-scientist"],
        "bob": ["validator", "auditor"],
    }
    assert (tmp_path / "new" / "playbook.yaml").read_bytes() == DEFAULT.read_bytes()
    assert read_settings(tmp_path / "new", {}) == Settings(workspace=tmp_path / "new")


def test_an_existing_workspace_is_never_overwritten(kitchen: Any) -> None:
    settings = kitchen.folder / "workspace" / "roadworthy.toml"
    before, links = settings.stat().st_mtime_ns, kitchen.links()
    ran = kitchen.cli("init")
    assert (ran.code, "is a workspace already" in ran.err) == (4, True)
    assert (settings.stat().st_mtime_ns, kitchen.links()) == (before, links)


def test_every_setting_is_explained_and_uncommenting_all_changes_nothing() -> None:
    text = settings_text()
    assert tomllib.loads(text) == {}
    settings = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"# [a-z_]+ = ", line)]
    parsed = tomllib.loads("\n".join(settings))
    assert parsed == {f.name: f.default for f in fields(Settings) if f.name != "workspace"}


def test_nobody_named_gives_one_person_per_role() -> None:
    held = [role for roles in read_cast([]).values() for role in roles]
    assert read_cast([]) == CAST
    assert sorted(r.value for r in held) == sorted(
        r.value for r in Role if r not in (Role.PLATFORM, Role.ADMINISTRATOR)
    )


@pytest.mark.parametrize("text", ["eve", "eve:", ":auditor", "eve:king", "eve:platform"], ids=repr)
def test_a_person_spelled_wrong_is_refused_before_the_folder_is_made(
    text: str, by_hand: Any, tmp_path: Path
) -> None:
    ran = by_hand.cli(tmp_path / "new")("init", "--person", text)
    assert ran.code == 2
    assert not (tmp_path / "new").exists()


def test_a_person_named_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="twice"):
        read_cast(["eve:auditor", "eve:validator"])


@pytest.mark.parametrize("where", ["file", "below-a-file", "no-place-for-folders", "read-only"])
def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(
    where: str, by_hand: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("I was here first.")
    (tmp_path / "locked").mkdir(mode=0o500)
    places = {
        "file": tmp_path / "file",
        "below-a-file": tmp_path / "file" / "workspace",
        "no-place-for-folders": Path("/proc/roadworthy"),
        "read-only": tmp_path / "locked" / "workspace",
    }
    if where == "read-only" and os.geteuid() == 0:
        pytest.skip("the superuser writes everywhere")
    ran = by_hand.cli(places[where])("init")
    assert (ran.code, "cannot be written" in ran.err, "--workspace" in ran.err) == (8, True, True)
    assert (tmp_path / "file").read_text() == "I was here first."


def test_an_unknown_setting_is_named_with_file_and_what_is_allowed(by_hand: Any, tmp_path: Path) -> None:
    (tmp_path / "roadworthy.toml").write_text("prot = 8100\n")
    ran = by_hand.cli(tmp_path)("status")
    assert ran.code == 2
    assert "roadworthy.toml: unknown setting 'prot'" in ran.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["roadworthy.toml"]


def test_a_store_that_does_not_answer_is_named_and_init_can_be_said_again(by_hand: Any, tmp_path: Path) -> None:
    cli = by_hand.cli(tmp_path / "w")
    ran = cli("init", "--store", "postgresql://nobody@127.0.0.1:1/rw")
    assert (ran.code, "Check that the server runs" in ran.err) == (8, True)
    assert cli("init").code == 0
