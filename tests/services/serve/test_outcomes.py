"""Outcomes: late, early, twice, corrected, for nobody; kept, counted, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, World, at, days

from roadworthy.domain.errors import DataError, NotAllowedError, NotFoundError
from roadworthy.services.serve.outcomes import (
    Intake,
    Reported,
    ingest_outcomes,
    outcome_value,
    read_outcome_file,
)

NAMES = [f"r{i}" for i in range(20)]


@lru_cache(maxsize=1)
def _asked() -> World:
    world = at("serving")
    gateway = world.gateway()
    world.ask(gateway, simulate(20, 8)[0], NAMES)
    gateway.close()
    return world


@pytest.fixture
def world() -> World:
    return _asked().fork()


def report(world: World, *pairs: tuple[str, float], at_: datetime | None = None) -> Intake:
    reported = [Reported(name, value, at_ or world.clock.now()) for name, value in pairs]
    return ingest_outcomes(world.house, world.who("omar"), ENDPOINT, reported)


def counting(world: World) -> dict[str, float]:
    return {o.request_id: o.value for o in world.house.decisions.read_outcomes(ENDPOINT)}


def test_outcomes_are_matched_by_the_callers_own_id(world: World) -> None:
    assert report(world, ("r0", 1.0), ("r1", 0.0)) == Intake(2, 2, ())
    assert counting(world) == {"r0": 1.0, "r1": 0.0}


def test_an_outcome_for_nobody_is_kept_and_named(world: World) -> None:
    assert report(world, ("r0", 1.0), ("later", 1.0)) == Intake(2, 1, ("later",))
    assert counting(world)["later"] == 1.0


def test_an_outcome_that_came_before_its_decision_is_found_when_the_decision_comes(world: World) -> None:
    report(world, ("later", 1.0))
    gateway = world.gateway()
    world.ask(gateway, simulate(1, 3)[0], ["later"])
    gateway.close()
    assert report(world, ("later", 1.0)).unmatched == ()


def test_the_same_outcome_twice_is_one(world: World) -> None:
    report(world, ("r0", 1.0))
    world.clock.advance(days(1))
    report(world, ("r0", 1.0))
    assert len(world.house.decisions.read_outcomes(ENDPOINT)) == 1


def test_a_correction_counts_from_when_it_is_received(world: World) -> None:
    report(world, ("r0", 1.0))
    world.clock.advance(days(1))
    report(world, ("r0", 0.0), at_=world.clock.now() - days(30))
    assert counting(world) == {"r0": 0.0}


def test_a_late_outcome_still_counts(world: World) -> None:
    world.clock.advance(days(400))
    assert report(world, ("r3", 1.0)).matched == 1
    assert counting(world) == {"r3": 1.0}


def test_outcomes_may_come_in_any_order(world: World) -> None:
    report(world, *[(n, float(i % 2)) for i, n in reversed(list(enumerate(NAMES)))])
    assert counting(world) == {n: float(i % 2) for i, n in enumerate(NAMES)}


def test_at_most_a_hundred_unmatched_ids_are_named(world: World) -> None:
    found = report(world, *[(f"nobody-{i}", 1.0) for i in range(250)])
    assert (found.received, found.matched, len(found.unmatched)) == (250, 0, 100)


BAD = {
    "not a number": ("r0", float("nan")),
    "endless": ("r0", float("inf")),
    "nobody's": ("", 1.0),
}


@pytest.mark.parametrize(("name", "value"), BAD.values(), ids=BAD)
def test_one_outcome_that_is_none_refuses_them_all(world: World, name: str, value: float) -> None:
    with pytest.raises(DataError, match=r"outcome 1 .* nothing was taken in"):
        report(world, ("r1", 1.0), (name, value))
    assert counting(world) == {}


TIMES = {
    "without a zone": datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
    "before all clocks": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "after all logs": datetime(9999, 12, 31, tzinfo=UTC),
}


@pytest.mark.parametrize("moment", TIMES.values(), ids=TIMES)
def test_a_time_nobody_can_keep_is_refused(world: World, moment: datetime) -> None:
    with pytest.raises(DataError, match=r"was observed at .* with its zone"):
        report(world, ("r0", 1.0), at_=moment)
    assert counting(world) == {}


@pytest.mark.parametrize("who", ["olga", "dan", "vera", "rita", "ada"])
def test_only_operators_take_outcomes_in(world: World, who: str) -> None:
    with pytest.raises(NotAllowedError, match="may not ingest-outcomes"):
        ingest_outcomes(world.house, world.who(who), ENDPOINT, [])


def test_an_unknown_endpoint_has_no_outcomes(world: World) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        ingest_outcomes(world.house, world.who("omar"), "nowhere", [])


VALUES = {
    "the label": ("yes", 1.0),
    "another label": ("no", 0.0),
    "a number": (12.5, 12.5),
    "true": (True, 1.0),
    "false": (False, 0.0),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES)
def test_an_outcome_is_read_in_the_words_of_the_use_case(value: object, expected: float) -> None:
    assert outcome_value(value, "yes") == expected


LABELS: dict[str, tuple[str, list[object], list[object]]] = {
    "one": ("1", [1, 1.0, "1"], [0, 0.0, "0"]),
    "nought": ("0", [0, 0.0, "0"], [1, 1.0, "1"]),
    "two": ("2", [2, 2.0, "2"], [1, 1.0, "1"]),
    "true": ("true", [True, "true"], [False, "false"]),
    "false": ("false", [False, "false"], [True, "true"]),
}


@pytest.mark.parametrize(("positive", "events", "others"), LABELS.values(), ids=LABELS)
def test_a_label_is_the_event_however_the_column_spells_it(
    positive: str, events: list[object], others: list[object]
) -> None:
    assert [outcome_value(v, positive) for v in events] == [1.0] * len(events)
    assert [outcome_value(v, positive) for v in others] == [0.0] * len(others)


def test_a_file_of_outcomes_is_read(world: World) -> None:
    text = b"request_id,outcome,observed_at\nr0,yes,2026-03-05T00:00:00\nr1,no,2026-03-05T00:00:00+01:00\n"
    first, second = read_outcome_file(world.house, text, "late.csv", "yes")
    assert (first.request_id, first.value, second.value) == ("r0", 1.0, 0.0)
    assert first.observed_at - second.observed_at == days(1 / 24)


FILES = {
    "no outcome column": (b"request_id,result\nr0,yes\n", "lacks the column outcome"),
    "no request id": (b"id,outcome\nr0,yes\n", "lacks the column request_id"),
    "an empty outcome": (b"request_id,outcome,x\nr0,,1\n", "1 outcomes cannot be read, for example of r0"),
    "a time that is none": (b"request_id,outcome,observed_at\nr0,yes,soon\n", "1 outcomes cannot be read"),
}


@pytest.mark.parametrize(("text", "says"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_read_is_refused(world: World, text: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_outcome_file(world.house, text, "late.csv", "yes")
