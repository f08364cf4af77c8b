"""The ledger: money against units decided without the model, of the same weeks; otherwise not measurable."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import msgspec
import pytest
from simulated_offers import artifact
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.serving import DecisionStatus
from roadworthy.services.watch.status import status

ROWS = 1200


@lru_cache(maxsize=4)
def _serving(share: float) -> World:
    world = at("registered")
    world.agree(holdout_share=share)
    world.activate_fully(V1)
    world.clock.advance(days(1))
    world.deploy(V1)
    return world


def month(world: World, seed: int, rows: int = ROWS, **about: Any) -> None:
    happened = world.live(rows, seed, f"m{seed}", **about)
    world.clock.advance(days(8))
    world.report(happened)


def by_hand(world: World, version: str) -> tuple[float, float]:
    """Mean value per unit of a version's units, and of the held-out units, from the raw log."""
    outcomes = {o.request_id: o.value for o in world.house.decisions.read_outcomes(ENDPOINT)}
    groups: dict[bool, list[float]] = {True: [], False: []}
    for d in world.house.decisions.read(ENDPOINT):
        held = d.status is DecisionStatus.HELD_OUT
        if held or d.version == version:
            groups[held].append(8 * outcomes[d.request_id] - 3 if d.acted else 0.0)
    return sum(groups[False]) / len(groups[False]), sum(groups[True]) / len(groups[True])


def test_what_a_version_earned_is_told_against_the_hold_out_with_an_interval() -> None:
    world = _serving(0.4).fork()
    month(world, 21)
    world.review()
    (line,) = world.all(LedgerEntry)
    model, holdout = by_hand(world, V1)
    assert line.measurable
    assert (line.value_model, line.value_holdout) == (pytest.approx(model), pytest.approx(holdout))
    assert line.interval is not None
    assert line.interval.low < model - holdout < line.interval.high
    assert line.total == pytest.approx(line.per_unit * line.units_served)
    assert line.units_served + line.units_held_out == ROWS


def test_without_a_hold_out_the_value_is_not_measurable_and_nothing_is_guessed() -> None:
    world = _serving(0.0).fork()
    month(world, 22)
    world.review()
    (line,) = world.all(LedgerEntry)
    assert not line.measurable
    assert (line.per_unit, line.interval, line.total, line.holdout_cost) == (None, None, None, None)
    assert line.reason
    assert line.value_holdout is None


def test_a_hold_out_that_is_too_small_is_not_measurable_yet() -> None:
    world = _serving(0.4).fork()
    month(world, 23, rows=150)
    world.review()
    (line,) = world.all(LedgerEntry)
    assert (line.measurable, line.per_unit) == (False, None)


def test_while_no_outcome_is_due_there_is_no_line_and_no_number() -> None:
    world = _serving(0.4).fork()
    world.report(world.live(300, 24, "young"))
    world.review()
    assert world.all(LedgerEntry) == []


def test_a_version_is_compared_only_with_hold_outs_of_its_own_time() -> None:
    world = _serving(0.4).fork()
    month(world, 25)
    world.activate_fully(world.register(artifact("logistic", seed=1)).id)
    world.deploy("offers:2", schedule=(0.5, 1.0))
    start = world.clock.now()
    month(world, 26, rate=2.0)
    world.review()
    newest = {e.version: e for e in world.all(LedgerEntry)}
    assert newest["offers:2"].since >= start
    held = [d for d in world.house.decisions.read(ENDPOINT, since=start) if d.status is DecisionStatus.HELD_OUT]
    assert newest["offers:2"].units_held_out == len(held)
    assert newest[V1].units_held_out > len(held)


def test_every_review_writes_its_lines_and_the_newest_counts() -> None:
    world = _serving(0.4).fork()
    for seed in (27, 28):
        month(world, seed)
        world.review()
    lines = world.all(LedgerEntry)
    assert [e.id for e in lines] == ["mailing-ledger-1", "mailing-ledger-2"]
    assert status(world.house).endpoints[0].ledger == (lines[-1],)


def test_a_line_is_plain_json_and_comes_back_as_it_was() -> None:
    for share in (0.0, 0.4):
        world = _serving(share).fork()
        month(world, 29)
        world.review()
        (line,) = world.all(LedgerEntry)
        assert msgspec.json.decode(msgspec.json.encode(line), type=LedgerEntry) == line
        json.dumps(msgspec.to_builtins(line), allow_nan=False)
