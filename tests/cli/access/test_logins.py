"""`roadworthy people link|logins`: which account of an identity provider is which person."""

from __future__ import annotations

from typing import Any

ACCOUNT = ("--issuer", "https://id.example", "--subject", "8f2c")


def test_an_account_is_linked_and_listed(kitchen: Any) -> None:
    made = kitchen.cli("people", "link", "vera", *ACCOUNT)
    assert (made.code, made.out.strip()) == (0, "Account 8f2c of https://id.example logs in as vera.")
    listed = kitchen.cli("people", "logins", "--json").document
    assert [(x["person"], x["issuer"], x["subject"]) for x in listed] == [("vera", "https://id.example", "8f2c")]
    assert "8f2c" in kitchen.cli("people", "logins").out


def test_nobody_and_whoever_may_not_are_refused(kitchen: Any) -> None:
    assert kitchen.cli("people", "link", "nobody", *ACCOUNT).code == 3
    assert kitchen.cli("people", "link", "vera", *ACCOUNT, actor="dan").code == 5
