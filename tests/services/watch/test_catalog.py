"""The catalog: who finds what, and what the cards say after a whole road."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_world import CASE, V1, World, at

from roadworthy.domain.errors import SettingError
from roadworthy.domain.gate import Gate, GateRun, tally
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.trust import SignOff
from roadworthy.services.watch.catalog import Search, catalog, lanes
from roadworthy.services.watch.status import status


@pytest.fixture
def world() -> World:
    return at("serving")


def card_of(world: World, version: ModelVersion) -> VersionCard:
    """The card, worked out from everything that is stored."""
    runs = {g.value: world.all(GateRun, version=version.id, gate=g)[-1:] for g in Gate}
    newest = {name: found[0] for name, found in runs.items() if found}
    signed = world.all(SignOff, version=version.id)
    return VersionCard(
        id=version.id,
        use_case=version.use_case,
        name=version.name,
        number=version.number,
        state=version.state,
        developers=version.developers,
        description=version.description,
        created_at=version.created_at,
        approved_at=signed[-1].created_at if signed and signed[-1].approved else None,
        runs={name: run.id for name, run in newest.items()},
        verdicts={name: run.verdict.value if run.verdict else "running" for name, run in newest.items()},
        gates={name: tally(run.findings) for name, run in newest.items()},
        open_work=len(world.all(WorkItem, version=version.id, state=WorkItemState.OPEN)),
    )


@pytest.mark.parametrize("stage", ["registered", "validated", "signed", "serving"])
def test_after_any_stage_of_the_road_every_card_says_what_is_stored(stage: str) -> None:
    world = at(stage)
    cards = {c.id: c for c in world.all(VersionCard)}
    assert cards == {v.id: card_of(world, v) for v in world.all(ModelVersion)}
    assert cards


FOUND = {
    "the state": Search(states=(State.ACTIVATED,)),
    "the use case": Search(use_case=CASE),
    "its owner": Search(owner="olga"),
    "its owner and the use case": Search(owner="olga", use_case=CASE),
    "who developed it": Search(developer="dan"),
    "the model": Search(name="offers"),
    "words of its description": Search(words="logis inputs"),
    "oldest approval": Search(order="approval-oldest"),
}
NOT_FOUND = {
    "another state": Search(states=(State.RETIRED,)),
    "an owner of nothing": Search(owner="ada"),
    "the owner of another use case": Search(owner="olga", use_case="other"),
    "who signed it": Search(developer="vera"),
    "a word that is not there": Search(words="forest"),
}


@pytest.mark.parametrize("search", FOUND.values(), ids=FOUND)
def test_a_version_is_found_by(world: World, search: Search) -> None:
    page = catalog(world.house, search)
    assert ([c.id for c in page.items], page.total, page.next) == ([V1], 1, "")


@pytest.mark.parametrize("search", NOT_FOUND.values(), ids=NOT_FOUND)
def test_a_version_is_not_found_by(world: World, search: Search) -> None:
    assert catalog(world.house, search).total == 0


def test_the_age_of_the_approval_cuts_on_both_sides(world: World) -> None:
    at_ = world.all(SignOff)[-1].created_at
    later = at_ + timedelta(seconds=1)
    assert [catalog(world.house, Search(approved_before=cut)).total for cut in (at_, later)] == [0, 1]
    assert [catalog(world.house, Search(approved_since=cut)).total for cut in (at_, later)] == [1, 0]


REFUSED = {
    "no such order": (Search(order="random"), "Allowed: newest, oldest"),
    "no version per page": (Search(limit=0), "Allowed: 1 to 500"),
    "too many versions per page": (Search(limit=501), "Allowed: 1 to 500"),
    "a cursor that is none": (Search(cursor="x"), "does not belong"),
}


@pytest.mark.parametrize(("search", "said"), REFUSED.values(), ids=REFUSED)
def test_a_search_that_cannot_be_answered_is_refused(world: World, search: Search, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        catalog(world.house, search)


def test_lanes_count_everything_and_show_the_newest() -> None:
    world = at("registered")
    second = world.register()
    with world.house.store.read() as tx:
        found = lanes(tx, Search(), 1)
    assert [(lane.state, lane.total, [c.id for c in lane.newest]) for lane in found] == [
        (State.REGISTERED, 2, [second.id])
    ]


def test_the_status_counts_what_it_does_not_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.services.watch.status.VERSIONS", 1)
    newest = world.register()
    found = status(world.house)
    assert [v.version.id for v in found.versions] == [newest.id]
    assert found.totals.versions == {"activated": 1, "registered": 1}
    assert (found.totals.use_cases, found.totals.endpoints, found.totals.open_work) == (1, 1, 0)
