"""`roadworthy policy`, `licence`, `expire` and `delegate` as a user meets them: what is printed, and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EXPECTED = "vera sign-off -> deny because independent-sign-off\nada deploy -> deny\n"


def test_expectations_that_hold_end_with_0_and_one_that_differs_with_1(kitchen: Any, tmp_path: Path) -> None:
    file = tmp_path / "expectations.txt"
    file.write_text("admin deploy -> allow because administrator\nvera deploy -> deny\n")
    good = kitchen.cli("policy", "test", file)
    assert (good.code, good.out.count("as expected")) == (0, 2)
    file.write_text("vera deploy -> allow\n")
    differs = kitchen.cli("policy", "test", file)
    assert differs.code == 1
    assert "DIFFERS      line 1: vera deploy - -> deny because no-rule-permits, expected allow" in differs.out


def test_one_question_is_answered_with_the_rule_that_decides(kitchen: Any) -> None:
    told = kitchen.cli("policy", "test", "--who", "vera", "--action", "deploy")
    assert (told.code, told.out.strip()) == (0, "vera deploy - -> deny because no-rule-permits")
    assert "sign-off" in kitchen.cli("policy", "test").out


def test_a_policy_is_checked_set_and_shown_and_a_bad_one_changes_nothing(kitchen: Any, tmp_path: Path) -> None:
    text = kitchen.cli("policy", "--json").document["text"]
    file = tmp_path / "ours.cedar"
    file.write_text(text + "\n// ours\n")
    assert kitchen.cli("policy", "check", file).code == 0
    assert kitchen.cli("policy", "set", file, "--reason", "ours").code == 0
    assert "// in force: ours.cedar" in kitchen.cli("policy").out
    file.write_text("permit (principal == , action, resource);")
    bad = kitchen.cli("policy", "set", file)
    assert bad.code == 2
    assert "ours.cedar, line 1" in bad.err
    assert kitchen.cli("policy", "--json").document["text"].endswith("// ours\n")


def test_delegations_are_given_listed_and_revoked(kitchen: Any) -> None:
    given = kitchen.cli("delegate", "admin", "--until", "2099-01-01", "--as", "vera")
    assert (given.code, "sign-off for vera by admin in every use case until 2099-01-01" in given.out) == (0, True)
    assert "delegation-1" in kitchen.cli("delegate", "list").out
    assert kitchen.cli("delegate", "revoke", "delegation-1", "--as", "vera").code == 0
    assert kitchen.cli("delegate", "revoke", "delegation-1", "--as", "vera").code == 4


def test_words_that_are_no_time_or_no_condition_are_refused_in_one_sentence(kitchen: Any) -> None:
    assert "'soon' is no time" in kitchen.cli("delegate", "admin", "--until", "soon", "--as", "vera").err
    refused = kitchen.cli("sign", "churn:1", "--only", "north", "--as", "vera")
    assert (refused.code, "--only 'north' is no condition" in refused.err) == (2, True)


def test_with_nothing_activated_nothing_expires(kitchen: Any) -> None:
    ran = kitchen.cli("expire")
    assert (ran.code, ran.out.strip()) == (0, "No version is activated.")
    assert kitchen.cli("licence", "churn:9").code == 3
