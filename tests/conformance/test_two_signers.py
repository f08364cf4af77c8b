"""Two validators sign at once, on every database: two signatures, one effect, no lost update."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from small_playbooks import WAIVED
from small_world import V1, World

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import SignOff
from roadworthy.services.watch.verify import verify_changes

TWO = WAIVED + b'\napproval:\n  low: {quorum: 2, reason: "two see more than one"}\n'


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run things at the same instant; what each answered or raised."""
    barrier, results = Barrier(len(works)), [None] * len(works)

    def run(place: int) -> None:
        barrier.wait(20)
        try:
            results[place] = works[place]()
        except Exception as error:  # noqa: BLE001 - what it raised is the result
            results[place] = error

    threads = [Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A version on the database whose validation demands two signatures."""
    store = SqlStore.open(database_url)
    made = World.in_memory(store=store).prepare()
    made.register()
    made.validate(V1, TWO)
    yield made
    store.close()


def test_two_who_sign_at_once_are_two_signatures_and_one_effect(world: World) -> None:
    found = together(lambda: world.sign(V1, "vera"), lambda: world.sign(V1, "victor"))
    assert [type(f) for f in found] == [SignOff, SignOff]
    assert world.version(V1).state is State.VALIDATED
    assert sorted(s.person for s in world.all(SignOff)) == ["vera", "victor"]
    assert world.actions().count("signed-off") == 2
    assert verify_changes(world.house) == len(world.changes())


def test_of_two_signatures_of_one_person_at_once_one_counts(world: World) -> None:
    found = together(*[lambda: world.sign(V1, "vera")] * 2)
    assert sorted(type(f).__name__ for f in found) == ["ConflictError", "SignOff"]
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
