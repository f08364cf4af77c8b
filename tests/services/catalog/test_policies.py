"""Access policies: put in force, kept over restarts, refused with line and reason, tried against expectations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_world import ENDPOINT, V1, World, at

from roadworthy.adapters.access.cedar import CedarPolicy
from roadworthy.domain.errors import ConflictError, NotAllowedError, NotFoundError, SettingError, UnavailableError
from roadworthy.domain.trust import PolicyRevision
from roadworthy.services.access.gatekeeper import Gatekeeper
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.catalog.policies import (
    matrix,
    read_expectations,
    ruling,
    run_expectations,
    set_policy,
    take_up_policy,
)

SHIPPED = CedarPolicy()
NO_RELEASE = SHIPPED.text.replace('Action::"release",', "", 1)


@pytest.fixture
def world() -> World:
    """A world with a policy of its own: the one in the stages is shared."""
    made = at("validated")
    made.house.policy.replace(SHIPPED.text, SHIPPED.source)
    return made


@pytest.fixture(autouse=True)
def _put_back(world: World) -> Any:
    yield
    world.house.policy.replace(SHIPPED.text, SHIPPED.source)


def test_a_policy_is_in_force_at_once_and_the_change_record_has_the_difference(world: World) -> None:
    revision = set_policy(world.house, world.who("admin"), NO_RELEASE, "ours.cedar", "two people release")
    assert (revision.id, revision.source, world.house.policy.source) == ("policy-1", "ours.cedar", "ours.cedar")
    with pytest.raises(NotAllowedError, match=r"rita .* may not release"):
        world.house.allow(world.who("rita"), "release")
    change = world.changes()[-1]
    assert (change.action, change.why) == ("policy-set", "two people release")
    assert [line for line in change.facts["diff"] if line.startswith("-  ")] == ['-    Action::"release",']


def test_it_survives_a_restart(world: World) -> None:
    set_policy(world.house, world.who("admin"), NO_RELEASE, "ours.cedar")
    world.house.policy.replace(SHIPPED.text, SHIPPED.source)  # a new process begins with the shipped rules
    take_up_policy(world.house)
    assert world.house.policy.text == NO_RELEASE


def test_what_another_process_put_in_force_is_taken_up_and_told_as_the_old_one(world: World) -> None:
    set_policy(world.house, world.who("admin"), NO_RELEASE, "ours.cedar")
    world.house.policy.replace(SHIPPED.text, SHIPPED.source)  # this process has not heard of it
    set_policy(world.house, world.who("admin"), SHIPPED.text, "theirs.cedar")
    assert world.changes()[-1].facts["diff"][:2] == ["--- ours.cedar", "+++ theirs.cedar"]
    assert world.house.policy.source == "theirs.cedar"


def test_who_lost_the_right_through_another_process_puts_no_rules_in_force(world: World) -> None:
    world.add("adele", "administrator")
    only_adele = SHIPPED.text + '\n@id("hers") forbid (principal, action == Action::"manage-policy", resource) '
    only_adele += 'unless { principal.name == "adele" };'
    set_policy(world.house, world.who("admin"), only_adele, "hers.cedar")
    world.house.policy.replace(SHIPPED.text, SHIPPED.source)  # this process has not heard of it
    with pytest.raises(NotAllowedError, match=r"admin .* may not manage-policy"):
        set_policy(world.house, world.who("admin"), SHIPPED.text, "shipped")
    assert len(world.all(PolicyRevision)) == 1


def test_rules_of_a_newer_version_let_nobody_in(world: World) -> None:
    newer = 'permit (principal in Role::"administrator", action == Action::"teleport", resource);'
    with world.house.store.begin() as tx:
        tx.of(PolicyRevision).add(PolicyRevision("policy-1", "0" * 64, newer, "new", "admin", world.clock.now()))
    keeper = Gatekeeper(world.house, "local", "admin", AccessRules())
    with pytest.raises(UnavailableError, match=r"policy-1.* not known to this version"):
        keeper.by_token("local")


def test_a_syntax_error_leaves_the_old_one_in_force_and_names_line_and_reason(world: World) -> None:
    before = world.changes()
    with pytest.raises(SettingError, match=r"bad\.cedar, line 2: .*unexpected token"):
        set_policy(world.house, world.who("admin"), "permit (principal, action, resource);\npermit (;", "bad.cedar")
    assert (world.house.policy.text, world.changes(), world.all(PolicyRevision)) == (SHIPPED.text, before, [])


def test_rules_under_which_nobody_could_change_them_again_are_refused(world: World) -> None:
    with pytest.raises(ConflictError, match="nobody could ever change the rules again"):
        set_policy(world.house, world.who("admin"), "permit (principal, action, resource) when { false };", "x")
    assert world.house.policy.text == SHIPPED.text


@pytest.mark.parametrize("who", ["dan", "vera", "rita", "omar", "olga", "ada"])
def test_only_an_administrator_puts_rules_in_force(world: World, who: str) -> None:
    with pytest.raises(NotAllowedError, match="may not manage-policy"):
        set_policy(world.house, world.who(who), NO_RELEASE, "ours.cedar")


RULINGS = {
    "independent": ("vera", "sign-off", V1, True, ("validator",)),
    "developer": ("dan", "sign-off", V1, False, ("independent-sign-off",)),
    "no rule": ("ada", "deploy", ENDPOINT, False, ("no-rule-permits",)),
    "everybody": ("ada", "read", "offers", True, ("everyone-reads",)),
    "nothing in particular": ("omar", "deploy", "", True, ("operator",)),
}


@pytest.mark.parametrize(("who", "action", "about", "allowed", "because"), RULINGS.values(), ids=RULINGS)
def test_a_ruling_names_the_rules_that_decide(
    world: World, who: str, action: str, about: str, allowed: bool, because: tuple[str, ...]
) -> None:
    found = ruling(world.house, world.house.policy, who, action, about)
    assert (found.allowed, found.because) == (allowed, because)


def test_who_is_deactivated_is_denied_because_of_that(world: World) -> None:
    deactivate_person(world.house, world.who("admin"), "vera", "left")
    assert ruling(world.house, world.house.policy, "vera", "sign-off", V1).because == ("deactivated",)


def test_an_unknown_object_person_or_action_is_an_error_and_no_denial(world: World) -> None:
    policy = world.house.policy
    with pytest.raises(NotFoundError, match="no version, use case or endpoint 'nothing'"):
        ruling(world.house, policy, "vera", "read", "nothing")
    with pytest.raises(NotFoundError, match="nobody"):
        ruling(world.house, policy, "nobody", "read")
    with pytest.raises(SettingError, match="unknown action 'sing'"):
        ruling(world.house, policy, "vera", "sing")


def test_the_matrix_is_the_policys_own_answer_for_every_role_and_action() -> None:
    found = matrix(SHIPPED)
    assert set(found) == set(SHIPPED.actions)
    assert [role for role, may in found["sign-off"].items() if may] == ["validator"]
    assert [action for action, may in found.items() if may["auditor"]] == [
        "read",
        "issue-dossier",
        "export",
        "explain",
        "explain-in-full",
    ]


EXPECTED = f"""
# who may judge
expect: vera sign-off {V1} -> allow
expect: dan sign-off {V1} -> deny because independent-sign-off
ada deploy {ENDPOINT} -> deny because no-rule-permits   # an auditor changes nothing
olga release -> allow
"""


def test_expectations_say_which_of_them_differ(world: World) -> None:
    met = run_expectations(world.house, world.house.policy, read_expectations(EXPECTED))
    assert [(m.expected.line, m.holds) for m in met] == [(3, True), (4, True), (5, True), (6, False)]
    assert (met[3].ruling.allowed, met[3].ruling.because) == (False, ("no-rule-permits",))


def test_a_candidate_is_asked_without_being_put_in_force(world: World) -> None:
    candidate = world.house.policy.checked(NO_RELEASE, "ours.cedar")
    met = run_expectations(world.house, candidate, read_expectations("rita release -> deny"))
    assert met[0].holds
    assert world.house.policy.text == SHIPPED.text


@pytest.mark.parametrize("line", ["vera sign-off", "vera sign-off -> maybe", "-> allow", "vera a b c -> deny"])
def test_a_line_that_is_no_expectation_is_refused_naming_it(line: str) -> None:
    with pytest.raises(SettingError, match=r"line 2: .* is no expectation") as refused:
        read_expectations(f"vera read -> allow\n{line}")
    assert refused.value.fields["line"] == 2


def test_every_rule_that_ships_has_a_name_of_its_own() -> None:
    ids = [line.split('"')[1] for line in SHIPPED.text.splitlines() if line.startswith("@id(")]
    rules = SHIPPED.text.count("permit (") + SHIPPED.text.count("forbid (")
    assert len(set(ids)) == len(ids) == rules


def test_an_installation_opens_under_the_rules_it_was_left_with(tmp_path: Path) -> None:
    with World.on_disk(tmp_path) as world:
        set_policy(world.house, world.who("admin"), NO_RELEASE, "ours.cedar")
    with World.on_disk(tmp_path) as world:
        assert (world.house.policy.source, world.house.policy.text) == ("ours.cedar", NO_RELEASE)
