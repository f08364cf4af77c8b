"""`roadworthy people keys|rotate|revoke-key`: another key, and one that counts no more."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def kim(kitchen: Any) -> str:
    made = kitchen.cli("people", "add", "kim", "--role", "validator", "--json")
    assert made.code == 0, made.err
    return str(made.document["key_id"])


def test_a_key_is_rotated_listed_and_revoked_afterwards(kitchen: Any, kim: str) -> None:
    rotated = kitchen.cli("people", "rotate", "kim", "--reason", "a year is over", "--json")
    assert rotated.code == 0, rotated.err
    assert [k["key_id"] for k in rotated.document["former"]] == [kim]
    listed = kitchen.cli("people", "keys", "--json").document
    assert [k["current"] for k in listed if k["person"] == "kim"] == [True, False]
    assert kim[:16] in kitchen.cli("people", "keys").out
    words = (
        "people",
        "revoke-key",
        "kim",
        kim[:12],
        "--compromised-since",
        "2026-01-01",
        "--reason",
        "a lost laptop",
    )
    revoked = kitchen.cli(*words)
    assert revoked.code == 0, revoked.err
    assert f"Key {kim[:16]} counts as compromised since 2026-01-01" in revoked.out
    assert kitchen.cli("verify").code == 0


def test_the_platforms_key_is_rotated_and_the_record_holds(kitchen: Any) -> None:
    assert kitchen.cli("people", "rotate", "platform", "--reason", "a year is over").code == 0
    assert kitchen.cli("verify").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rotate", "kim", "--reason", "x", "--compromised-since", "soon"), 2, "'soon' is no time"),
        (("rotate", "kim", "--reason", "x", "--compromised-since", "2999-01-01"), 2, "not in the future"),
        (("rotate", "nobody", "--reason", "x"), 3, "nobody"),
        (("revoke-key", "kim", "ffff", "--compromised-since", "2026-01-01", "--reason", "x"), 3, "had 0 keys"),
    ],
)
def test_what_is_asked_wrongly_is_refused_by_name(kitchen: Any, kim: str, words: Any, code: int, said: str) -> None:
    ran = kitchen.cli("people", *words)
    assert (ran.code, said in ran.err) == (code, True), ran


def test_whoever_manages_no_people_rotates_no_key(kitchen: Any, kim: str) -> None:
    assert kitchen.cli("people", "rotate", "kim", "--reason", "mine", actor="dan").code == 5
