"""Work items opened and talked about at once, on every store: no id twice, no comment lost, one unbroken record."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from small_world import V1, World

from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Store
from roadworthy.domain.returns import DefectKind
from roadworthy.services.watch.verify import verify_changes
from roadworthy.services.watch.way_back import comment
from roadworthy.services.watch.work_items import open_item

AT_ONCE = 6


@pytest.fixture
def world(store: Store) -> World:
    """A world on this store, with one registered version."""
    made = World.in_memory(store=store)
    made.prepare()
    made.register()
    return made


def together(work: Callable[[int], str]) -> list[str]:
    """Run `work(n)` in threads that start at the same moment; what each returned."""
    gate = threading.Barrier(AT_ONCE, timeout=30)

    def run(number: int) -> str:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def opened(world: World, defect: DefectKind) -> str:
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        return open_item(world.house, tx, version, defect, "V2 slices", "seen", "validation").id


def test_items_opened_at_once_have_ids_of_their_own(world: World) -> None:
    ids = together(lambda n: opened(world, list(DefectKind)[n]))
    assert sorted(ids) == [f"work-{n}" for n in range(1, AT_ONCE + 1)]
    assert verify_changes(world.house) == len(world.changes())


def test_the_same_defect_found_at_once_is_one_item(world: World) -> None:
    assert set(together(lambda _: opened(world, DefectKind.UNFAIR))) == {"work-1"}
    assert world.actions().count("work-item-opened") == 1


def test_of_comments_made_at_once_none_is_lost(world: World) -> None:
    item = opened(world, DefectKind.UNFAIR)
    together(lambda n: comment(world.house, world.who("dan"), item, f"word {n}").id)
    said = {c.text for c in world.work()[0].comments}
    assert said == {f"word {n}" for n in range(AT_ONCE)}
