"""Work items: opened by what found the defect, given to a person, closed only by passing the gate again."""

from __future__ import annotations

import pytest
from simulated_offers import artifact
from small_playbooks import playbook
from small_world import CASE, World, at

from roadworthy.domain.errors import NotAllowedError, NotFoundError, SettingError
from roadworthy.domain.gate import Gate
from roadworthy.services.watch.status import status
from roadworthy.services.watch.work_items import assign, work_items

BOOK = playbook("V2:beats-baseline")


@pytest.fixture
def world() -> World:
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


def test_a_closed_item_is_not_given_away(world: World) -> None:
    world.validate(world.register(parents=("offers:1",)).id, BOOK)
    with pytest.raises(SettingError, match="work-1 is closed"):
        assign(world.house, world.who("omar"), "work-1", "dora")


def test_a_grandchild_that_passes_closes_the_item_too(world: World) -> None:
    world.register(parents=("offers:1",))
    world.validate(world.register(parents=("offers:2",)).id, BOOK)
    assert work_items(world.house, CASE, open_only=True) == []
    assert [i.state.value for i in work_items(world.house)] == ["closed"]


def test_items_are_told_by_use_case(world: World) -> None:
    assert len(work_items(world.house, CASE)) == 1
    assert work_items(world.house, "loans") == []


def test_passing_another_gate_closes_nothing_of_validation(world: World) -> None:
    other = world.register(parents=("offers:1",))
    world.validate(other.id)
    reopened = world.register(artifact("upside_down"), parents=(other.id,))
    world.validate(reopened.id, BOOK)
    world.sign(other.id)
    world.gate(other.id, Gate.RELEASE)
    assert [i.version for i in work_items(world.house, open_only=True)] == [reopened.id]


def test_the_status_shows_every_verdict_and_what_is_open(world: World) -> None:
    found = status(world.house)
    (line,) = found.versions
    assert line.gates == {"validation": {"fail": 1, "inconclusive": 8}}
    assert (line.verdicts, line.open_work) == ({"validation": "fail"}, 1)
    assert (found.changes, len(found.endpoints)) == (len(world.changes()), 1)
