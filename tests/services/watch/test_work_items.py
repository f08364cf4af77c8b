"""Work items: opened by what found the defect, closed only when the same judge finds it gone, and back when it is."""

from __future__ import annotations

import pytest
from simulated_offers import artifact
from small_playbooks import WAIVED, playbook
from small_world import CASE, V1, World, at

from roadworthy.domain.gate import Gate
from roadworthy.domain.returns import WorkItem
from roadworthy.services.watch.status import status
from roadworthy.services.watch.work_items import work_items

BOOK = playbook("V2:beats-baseline")
LENIENT = playbook("V2:beats-baseline", waive=[f"V{i}" for i in (1, 3, 4, 5, 6, 7, 8, 9)])
FORGIVING = LENIENT + b'\n  - {step: V2, check: beats-baseline, reason: "known, accepted"}'


def bad(world: World, *parents: str) -> str:
    """One more version that ranks upside down, validated."""
    made = world.register(artifact("upside_down"), parents=parents)
    world.validate(made.id, BOOK)
    return made.id


def good(world: World, *parents: str, book: bytes = BOOK) -> str:
    """One more version that ranks well, validated."""
    made = world.register(parents=parents)
    world.validate(made.id, book)
    return made.id


@pytest.fixture
def world() -> World:
    """`offers:1` ranks upside down and was sent back with `work-1`."""
    made = at("prepared")
    bad(made)
    return made


def the_item(world: World) -> WorkItem:
    (item,) = world.work()
    return item


def test_a_successor_that_passes_the_check_closes_the_item_and_is_named_in_it(world: World) -> None:
    mended = good(world, V1)
    item = the_item(world)
    assert (item.state.value, item.successor, item.closed_by) == ("closed", mended, "validation-offers:2-1")


def test_a_grandchild_that_passes_closes_the_item_too(world: World) -> None:
    world.register(parents=(V1,))
    good(world, "offers:2")
    assert work_items(world.house, CASE, open_only=True).total == 0
    assert [i.state.value for i in work_items(world.house).items] == ["closed"]


def test_a_stranger_that_passes_closes_nothing(world: World) -> None:
    good(world)
    assert the_item(world).state.value == "open"


def test_a_waived_check_closes_nothing(world: World) -> None:
    worse = world.register(artifact("upside_down"), parents=(V1,))
    run = world.validate(worse.id, FORGIVING)
    assert run.verdict is not None
    assert (run.verdict.lets_through, [f.waived for f in run.findings if f.check != "*"]) == (
        True,
        ["known, accepted"],
    )
    assert the_item(world).state.value == "open"


def test_a_check_the_playbook_leaves_out_closes_nothing(world: World) -> None:
    good(world, V1, book=WAIVED)
    assert the_item(world).state.value == "open"


def test_a_pass_in_a_gate_that_failed_for_another_reason_closes_nothing(world: World) -> None:
    other = playbook("V2:beats-baseline", "V1:kpi-contract")
    world.agree(target=1000.0)
    mended = world.register(parents=(V1,))
    assert world.validate(mended.id, other).verdict.value == "fail"  # type: ignore[union-attr]
    assert next(i for i in world.work() if i.id == "work-1").state.value == "open"


def test_a_defect_that_is_still_there_in_the_successor_is_the_same_item(world: World) -> None:
    bad(world, V1)
    item = the_item(world)
    assert (item.version, item.seen_in, item.reopened, item.state.value) == ("offers:2", (V1,), 0, "open")


def test_a_defect_that_returns_in_the_lineage_opens_its_item_again_and_counts(world: World) -> None:
    good(world, V1)
    bad(world, "offers:2")
    item = the_item(world)
    assert (item.state.value, item.version, item.reopened) == ("open", "offers:3", 1)
    assert (item.closed_by, item.closed_at, item.successor) == ("", None, "")
    again = next(c for c in world.changes() if c.action == "work-item-reopened")
    assert (again.facts["was-closed-by"], again.facts["times"]) == ("validation-offers:2-1", "1")
    good(world, "offers:3")
    assert (the_item(world).state.value, the_item(world).successor) == ("closed", "offers:4")


def test_the_same_defect_on_another_branch_is_an_item_of_its_own_that_names_the_first(world: World) -> None:
    bad(world, V1)
    bad(world, V1)
    first, second = world.work()
    assert (first.version, second.version, second.earlier) == ("offers:2", "offers:3", first.id)


def test_the_same_defect_of_a_stranger_is_not_linked(world: World) -> None:
    bad(world)
    assert [(i.version, i.earlier, i.reopened) for i in world.work()] == [(V1, "", 0), ("offers:2", "", 0)]


def test_items_are_told_by_use_case(world: World) -> None:
    assert work_items(world.house, CASE).total == 1
    assert work_items(world.house, "loans").items == ()


def test_passing_another_gate_closes_nothing_of_validation(world: World) -> None:
    other = world.register(parents=(V1,))
    world.validate(other.id)
    reopened = bad(world, other.id)
    world.sign(other.id)
    world.gate(other.id, Gate.RELEASE)
    assert [i.version for i in work_items(world.house, open_only=True).items] == [reopened]


def test_a_rejection_is_answered_only_by_an_approval(world: World) -> None:
    rejected = good(world, V1)
    world.sign(rejected, approved=False, reason="Young customers are scored oddly.")
    mended = good(world, rejected)
    item = world.work()[-1]
    assert (item.version, item.source, item.state.value) == (rejected, "sign-off by vera", "open")
    world.sign(mended)
    item = world.work()[-1]
    assert (item.state.value, item.successor) == ("closed", mended)
    assert item.closed_by.startswith("sign-off-")


def test_there_is_no_way_to_close_an_item_by_hand() -> None:
    import roadworthy.services.watch.way_back as by_people  # noqa: PLC0415 - the module is the subject

    assert not [name for name in vars(by_people) if "close" in name]


def test_the_status_shows_every_verdict_and_what_is_open(world: World) -> None:
    found = status(world.house)
    (line,) = found.versions
    assert line.gates == {"validation": {"fail": 1, "inconclusive": 8}}
    assert (line.verdicts, line.open_work) == ({"validation": "fail"}, 1)
    assert (found.changes, len(found.endpoints)) == (len(world.changes()), 1)
