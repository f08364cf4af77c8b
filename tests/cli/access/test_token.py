"""`roadworthy token`, and the credentials the command line takes from its environment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.apps.embedded import running_server
from roadworthy.apps.settings import read_settings
from roadworthy.cli.access.credentials import TOKEN, TOKEN_FILE, URL, read_credentials
from roadworthy.domain.errors import SettingError

SECRET = re.compile(r"rwt_[0-9a-f]{12}_[0-9a-f]{64}")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    return path


def test_a_token_is_made_used_shown_and_revoked(kitchen: Any, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kitchen.cli("token", "create", "vera", "--name", "laptop", "--days", 2)
    assert made.code == 0, made.err
    secret = made.out.splitlines()[0]
    assert SECRET.fullmatch(secret)
    assert "Shown this once" in made.out
    kept.write_text(secret)
    number = secret.split("_")[1]
    monkeypatch.setenv(TOKEN_FILE, str(kept))
    mine = kitchen.cli("token", "--json")
    assert [(t["id"], t["person"], t["name"]) for t in mine.document] == [(number, "vera", "laptop")]
    assert secret.split("_")[2] not in mine.out
    assert kitchen.cli("token", "list").out.count("vera") == 1
    as_other = kitchen.cli("people", actor="dan")
    assert (as_other.code, "cannot act as dan" in as_other.err) == (5, True)
    assert kitchen.cli("token", "revoke", number).code == 0
    refused = kitchen.cli("people", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (13, "unauthenticated")


def test_a_token_that_is_none_is_exit_13_and_is_not_repeated(kitchen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "rwt_my-mistake")
    ran = kitchen.cli("status")
    assert ran.code == 13
    assert "rwt_my-mistake" not in ran.out + ran.err


def test_a_server_is_reached_by_its_address_alone(
    kitchen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = kitchen.cli("token", "create", "ada", "--json").document["secret"]
    url = running_server(kitchen.folder / "workspace")
    monkeypatch.setenv(URL, f"{url}/")
    monkeypatch.setenv(TOKEN, secret)
    ran = kitchen.cli("people", "--json", "--workspace", tmp_path / "not-there")
    assert ran.code == 0, ran.err
    assert "ada" in [p["id"] for p in ran.document["items"]]


@contextlib.contextmanager
def nothing_written(kitchen: Any) -> Iterator[None]:
    before = kitchen.links()
    yield
    assert kitchen.links() == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("create", "vera", "--scope", "fly"), 2, "no action 'fly'"),
        (("create", "vera", "--days", "400"), 2, "at most 90"),
        (("create", "nobody"), 3, "nobody"),
        (("revoke", "000000000000"), 3, "000000000000"),
    ],
    ids=["scope", "days", "person", "id"],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    kitchen: Any, words: tuple[str, ...], code: int, says: str
) -> None:
    with nothing_written(kitchen):
        ran = kitchen.cli("token", *words)
    assert (ran.code, says in ran.err) == (code, True), ran.err


def test_a_team_acts_with_tokens_and_the_local_token_is_the_administrator(by_hand: Any, tmp_path: Path) -> None:
    cli = by_hand.cli(tmp_path / "team")
    made = cli("init", "--team", "--person", "vera:validator")
    assert made.code == 0, made.err
    assert "token create" in made.out
    assert read_settings(tmp_path / "team", {}).local_acting is False
    refused = cli("people", actor="vera")
    assert (refused.code, "local_acting" in refused.err) == (5, True)
    assert cli("people").code == 0


def test_the_environment_decides_and_a_file_is_the_quieter_way(kept: Path) -> None:
    kept.write_text("rwt_file\n")
    assert read_credentials({}).token == ""
    assert read_credentials({TOKEN_FILE: str(kept)}).token == "rwt_file"
    found = read_credentials({TOKEN_FILE: str(kept), TOKEN: " rwt_here ", URL: "http://x/"})
    assert (found.token, found.url) == ("rwt_here", "http://x")
    assert "rwt_" not in repr(found)


def test_a_token_file_others_may_read_is_refused(kept: Path) -> None:
    kept.write_text("rwt_secret")
    kept.chmod(0o640)
    with pytest.raises(SettingError, match="can be read by others") as refused:
        read_credentials({TOKEN_FILE: str(kept)})
    assert "chmod 600" in refused.value.remedy
    assert "rwt_secret" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "not text"])
def test_a_token_file_that_cannot_be_read_is_named(kept: Path, content: bytes | None) -> None:
    kept.write_bytes(content or b"")
    given = str(kept) if content else str(kept.parent / "none")
    with pytest.raises(SettingError, match="cannot be read"):
        read_credentials({TOKEN_FILE: given})


def test_an_address_without_a_token_is_refused() -> None:
    with pytest.raises(SettingError, match="no token for it"):
        read_credentials({URL: "http://127.0.0.1:1"})
