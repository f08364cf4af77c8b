"""`roadworthy dossier` and `roadworthy verify FOLDER`: written, verified offline, and every tampered file named."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from small_world import V1, World

from roadworthy.adapters.storage.rows import digest_of

FILES = {"dossier.html", "dossier.pdf", "bom.cdx.json", "index.json", "dossier.dsse.json"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace on disk with one registered version."""
    root = tmp_path_factory.mktemp("workspace")
    with World.on_disk(root) as world:
        world.prepare()
        world.register()
        world.validate(V1)
    return root


def test_it_is_written_whole_and_verifies_offline(made: Path, tmp_path: Path, by_hand: Any) -> None:
    cli, out = by_hand.cli(made), tmp_path / "dossier"
    ran = cli("dossier", V1, "--out", out, "--json", actor="ada")
    assert (ran.code, ran.document.get("problems", ran.out)) == (0, [])
    assert {p.name for p in out.iterdir()} == FILES == set(ran.document["files"])
    verified = cli("verify", out, "--json")
    assert (verified.code, verified.document["holds"]) == (0, True)


@pytest.mark.parametrize("name", sorted(FILES - {"dossier.dsse.json"}))
def test_a_tampered_file_is_named_and_the_exit_code_says_wrong(
    made: Path, tmp_path: Path, by_hand: Any, name: str
) -> None:
    cli, out = by_hand.cli(made), tmp_path / "dossier"
    assert cli("dossier", V1, "--out", out, actor="ada").code == 0
    (out / name).write_bytes((out / name).read_bytes() + b" ")
    ran = cli("verify", out)
    assert ran.code == 6
    assert f"WRONG: {name}." in ran.err


def test_only_the_named_formats_are_written(made: Path, tmp_path: Path, by_hand: Any) -> None:
    cli, out = by_hand.cli(made), tmp_path / "dossier"
    assert cli("dossier", V1, "--out", out, "--format", "html,index", actor="ada").code == 0
    assert {p.name for p in out.iterdir()} == {"dossier.html", "index.json", "dossier.dsse.json"}


@pytest.mark.parametrize(
    ("words", "actor", "code", "said"),
    [
        (("offers:9",), "ada", 3, "no model version"),
        ((V1, "--format", "word"), "ada", 2, "Allowed: html, pdf, bom, index"),
        ((V1,), "dan", 5, "may not issue-dossier"),
    ],
    ids=["unknown version", "unknown format", "not allowed"],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    made: Path, tmp_path: Path, by_hand: Any, words: tuple[str, ...], actor: str, code: int, said: str
) -> None:
    out = tmp_path / "dossier"
    ran = by_hand.cli(made)("dossier", *words, "--out", out, actor=actor)
    assert ran.code == code
    assert said in ran.err
    assert not out.exists()


def test_a_folder_without_a_dossier_and_one_without_a_trust_root_could_not_be_verified(
    made: Path, tmp_path: Path, by_hand: Any
) -> None:
    cli, out = by_hand.cli(made), tmp_path / "dossier"
    ran = cli("verify", tmp_path)
    assert (ran.code, "holds no dossier.dsse.json" in ran.err) == (9, True)
    assert cli("dossier", V1, "--out", out, "--format", "index", actor="ada").code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = by_hand.cli(elsewhere)("verify", out)
    assert (ran.code, "no trust root of yours" in ran.err) == (9, True)


def rewrite(workspace: Path, body: str) -> None:
    """Put another body, with its own digest, in the place of link 4."""
    with sqlite3.connect(workspace / "control.db") as control:
        control.execute("UPDATE change SET body = ?, body_digest = ? WHERE seq = 4", (body, digest_of(body)))


def test_a_dossier_of_an_edited_record_is_written_says_so_and_exits_wrong(
    made: Path, tmp_path: Path, by_hand: Any
) -> None:
    cli, out = by_hand.cli(made), tmp_path / "dossier"
    with sqlite3.connect(made / "control.db") as control:
        (body,) = control.execute("SELECT body FROM change WHERE seq = 4").fetchone()
    rewrite(made, body.replace('"actor":"', '"actor":"x', 1))
    try:
        ran = cli("dossier", V1, "--out", out, "--format", "html", actor="ada")
        assert ran.code == 6
        assert "change record: wrong." in ran.err
        assert "THE RECORD DOES NOT HOLD" in (out / "dossier.html").read_text()
        assert cli("verify", out).code == 6
    finally:
        rewrite(made, body)
