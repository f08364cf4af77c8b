"""What people do with work items, and which versions may come back themselves."""

from __future__ import annotations

import pytest
from simulated_offers import artifact, table
from small_playbooks import playbook
from small_world import V1, World, at, days

from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    NotAllowedError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.lifecycle import State
from roadworthy.services.watch.way_back import (
    MAX_COMMENT,
    assign,
    comment,
    link_successor,
    re_enter,
    work_item,
)

BOOK = playbook("V2:beats-baseline")
BUSINESS = playbook("V1:kpi-contract")


@pytest.fixture
def world() -> World:
    """`offers:1` ranks upside down and was sent back with `work-1`."""
    made = at("prepared")
    made.validate(made.register(artifact("upside_down")).id, BOOK)
    return made


def test_an_item_is_given_to_a_person(world: World) -> None:
    changed = assign(world.house, world.who("omar"), "work-1", "dora")
    assert (changed.assignee, world.changes()[-1].facts) == ("dora", {"item": "work-1", "to": "dora"})


def test_an_item_is_not_given_to_nobody(world: World) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        assign(world.house, world.who("omar"), "work-1", "nobody")
    with pytest.raises(NotFoundError, match="work-9"):
        assign(world.house, world.who("omar"), "work-9", "dora")
    with pytest.raises(NotAllowedError):
        assign(world.house, world.who("ada"), "work-1", "dora")


def test_a_closed_item_is_not_given_away_and_not_linked_but_may_be_talked_about(world: World) -> None:
    world.validate(world.register(parents=(V1,)).id, BOOK)
    with pytest.raises(ConflictError, match="work-1 is closed"):
        assign(world.house, world.who("omar"), "work-1", "dora")
    with pytest.raises(ConflictError, match="work-1 is closed"):
        link_successor(world.house, world.who("dan"), "work-1", "offers:2")
    assert comment(world.house, world.who("dan"), "work-1", "Mended by turning it round.").comments


def test_a_comment_says_who_when_and_what_and_is_in_the_change_record(world: World) -> None:
    changed = comment(world.house, world.who("dora"), "work-1", "  The label was turned round. ")
    (said,) = changed.comments
    assert (said.person, said.at, said.text) == ("dora", world.clock.now(), "The label was turned round.")
    last = world.changes()[-1]
    assert (last.actor, last.action, last.why) == ("dora", "work-item-commented", said.text)


@pytest.mark.parametrize("text", ["", "  ", "x" * (MAX_COMMENT + 1)], ids=["nothing", "blanks", "a book"])
def test_a_comment_of_no_or_too_many_words_is_refused(world: World, text: str) -> None:
    with pytest.raises(SettingError, match="Allowed: 1 to 4,000"):
        comment(world.house, world.who("dora"), "work-1", text)


def test_an_auditor_reads_and_does_not_talk(world: World) -> None:
    with pytest.raises(NotAllowedError):
        comment(world.house, world.who("ada"), "work-1", "odd")


def test_only_a_descendant_of_the_faulty_version_is_linked_and_linking_closes_nothing(world: World) -> None:
    stranger, child = world.register(), world.register(parents=(V1,))
    for other in (stranger.id, V1):
        with pytest.raises(ConflictError, match=f"{other} does not descend from offers:1"):
            link_successor(world.house, world.who("dan"), "work-1", other)
    linked = link_successor(world.house, world.who("dan"), "work-1", child.id)
    assert (linked.successor, linked.state.value) == (child.id, "open")


def test_the_whole_history_of_an_item_is_read_from_the_change_record(world: World) -> None:
    dan = world.who("dan")
    assign(world.house, dan, "work-1", "dora")
    comment(world.house, dan, "work-1", "Look at the sign.")
    child = world.register(parents=(V1,))
    link_successor(world.house, dan, "work-1", child.id)
    world.validate(child.id, BOOK)
    world.validate(world.register(artifact("upside_down"), parents=(child.id,)).id, BOOK)
    found = work_item(world.house, "work-1")
    assert [c.action.removeprefix("work-item-") for c in found.history] == [
        "opened",
        "assigned",
        "commented",
        "linked",
        "closed",
        "reopened",
    ]
    assert found.item.reopened == 1


def test_a_version_with_an_artifact_defect_never_comes_back(world: World) -> None:
    with pytest.raises(ConflictError, match=r"work-1 \(weak-model\) can be mended by a successor only"):
        re_enter(world.house, world.who("dan"), V1, "I looked at it hard.")
    world.validate(world.register(parents=(V1,)).id, BOOK)
    with pytest.raises(ConflictError, match="successor only"):
        re_enter(world.house, world.who("dan"), V1, "Its successor passed, so it is good now.")
    assert world.version(V1).state is State.RETURNED


def short_of_target() -> World:
    """`offers:1` earns less than the contract asks for and was sent back."""
    made = at("prepared")
    made.agree(target=1000.0)
    made.validate(made.register().id, BUSINESS)
    return made


def test_a_version_short_of_its_target_comes_back_only_under_another_contract_on_rows_nobody_saw() -> None:
    world = short_of_target()
    with pytest.raises(ConflictError, match=r"no new contract .* and no new sealed data"):
        re_enter(world.house, world.who("dan"), V1, "Try again.")
    world.clock.advance(days(1))
    world.agree(target=0.2)
    with pytest.raises(ConflictError, match="there is no new sealed data"):
        re_enter(world.house, world.who("dan"), V1, "Try again.")
    world.data("sealed", table(700, 9))
    back = re_enter(world.house, world.who("dan"), V1, "The target was a typing mistake.")
    assert back.state is State.REGISTERED
    change = world.changes()[-1]
    assert (change.action, change.subject, change.facts) == ("re-entered", V1, {"items": ["work-1"]})
    world.validate(V1, BUSINESS)
    (item,) = world.work()
    assert (item.state.value, item.closed_by, item.successor) == ("closed", "validation-offers:1-2", "")


def test_re_entry_needs_a_reason_a_returned_version_and_a_person_who_may() -> None:
    world = short_of_target()
    with pytest.raises(SettingError, match="needs a reason"):
        re_enter(world.house, world.who("dan"), V1, " ")
    with pytest.raises(NotAllowedError):
        re_enter(world.house, world.who("olga"), V1, "please")
    other = world.register()
    with pytest.raises(IllegalTransitionError, match="'re-enter' is not possible"):
        re_enter(world.house, world.who("dan"), other.id, "why not")
