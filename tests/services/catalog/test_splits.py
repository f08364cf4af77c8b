"""Splitting at creation: rule, seed and digests are on record, the sealed rows go to nobody, and only once."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from simulated_offers import parquet, table
from small_world import CASE, World

from roadworthy.domain.errors import ConflictError, DataError, NotAllowedError, RefusedError, SettingError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.services.catalog.datasets import dataset_bytes, register_dataset
from roadworthy.services.catalog.splits import SplitDone, SplitTerms, split_at_creation
from roadworthy.services.catalog.tables import read_table
from roadworthy.statistics.frame import Frame

FILE = parquet(table(1000, 1))


@pytest.fixture
def world() -> World:
    """People and a use case, no data."""
    made = World.in_memory()
    made.cast()
    made.use_case()
    return made


def split(world: World, data: bytes = FILE, by: str = "dan", **terms: Any) -> SplitDone:
    return split_at_creation(
        world.house, world.who(by), CASE, data, "customers.parquet", SplitTerms(**{"share": 0.3, **terms})
    )


def lines(frame: Frame) -> list[str]:
    """Every row as text, in order: NaN is then equal to itself."""
    return sorted(str(row) for row in zip(*(frame[name].tolist() for name in frame.names), strict=True))


def rows(world: World, dataset: Dataset) -> list[str]:
    return lines(read_table(world.house.artifacts.get(dataset.digest), dataset.source))


def test_every_row_is_in_exactly_one_part_and_the_share_is_as_asked(world: World) -> None:
    done = split(world)
    every = lines(read_table(FILE, "customers.parquet"))
    assert sorted(rows(world, done.train) + rows(world, done.sealed)) == every
    assert (done.train.rows, done.sealed.rows) == (700, 300)
    assert (done.train.role, done.sealed.role) == (DatasetRole.TRAIN, DatasetRole.SEALED)


def test_rule_seed_and_all_three_digests_are_in_the_change_record(world: World) -> None:
    done = split(world, seed=7)
    change = world.changes()[-1]
    assert (change.actor, change.action, change.subject) == ("dan", "data-split", CASE)
    assert change.facts == {
        "source": hashlib.sha256(FILE).hexdigest(),
        "rule": "random",
        "share": 0.3,
        "seed": 7,
        "train": done.train.digest,
        "sealed": done.sealed.digest,
    }
    assert done.source == done.train.split_from == done.sealed.split_from == change.facts["source"]


def test_the_same_file_rule_and_seed_give_the_same_parts_again_and_another_seed_others(world: World) -> None:
    first = split(world, seed=7)
    for seed, same in ((7, True), (8, False)):
        other = World.in_memory()
        other.cast()
        other.use_case()
        assert (split(other, seed=seed).sealed.digest == first.sealed.digest) is same


def test_by_time_the_latest_rows_are_sealed() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case(time_column="day")
    days = np.random.default_rng(1).permutation(1000).astype(np.int64)
    done = split(world, parquet(table(1000, 1).with_column("day", days)), by="dan", share=0.2)
    assert done.how.startswith("200 rows drawn at random")
    world = World.in_memory()
    world.cast()
    world.use_case(time_column="day")
    done = split_at_creation(
        world.house, world.who("dan"), CASE, parquet(table(1000, 1).with_column("day", days)), "c.parquet",
        SplitTerms(0.2, "time"),
    )  # fmt: skip
    frame = read_table(world.house.artifacts.get(done.sealed.digest), "c.parquet")
    assert frame["day"].min() == 800


def test_a_use_case_that_has_data_is_not_split_any_more(world: World) -> None:
    split(world)
    with pytest.raises(ConflictError, match="has 2 data sets already"):
        split(world, seed=99)
    assert len(world.all(Dataset)) == 2


def test_the_whole_file_is_not_handed_in_again_after_its_split_in_any_role(world: World) -> None:
    split(world)
    for role in DatasetRole:
        with pytest.raises(ConflictError, match="it holds the sealed rows"):
            register_dataset(world.house, world.who("dan"), CASE, role, FILE, "all.parquet")
        assert world.changes()[-1].action == "sealed-look-refused"


@pytest.mark.parametrize("who", ["dan", "admin"])
def test_the_sealed_rows_are_handed_out_to_nobody_and_who_asked_is_recorded(world: World, who: str) -> None:
    done = split(world)
    with pytest.raises(RefusedError, match="handed out to nobody"):
        dataset_bytes(world.house, world.who(who), done.sealed.id)
    last = world.changes()[-1]
    assert (last.actor, last.action, last.why) == (who, "sealed-look-refused", f"download {done.sealed.id}")


def test_the_rows_to_train_on_are_handed_to_who_may_hand_in_data(world: World) -> None:
    done = split(world)
    assert hashlib.sha256(dataset_bytes(world.house, world.who("dora"), done.train.id)[1]).hexdigest() == (
        done.train.digest
    )
    with pytest.raises(NotAllowedError):
        dataset_bytes(world.house, world.who("ada"), done.train.id)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "an unknown rule": ({"by": "dan", "share": 0.3, "rule": "alphabet"}, SettingError, "no rule 'alphabet'"),
    "by time without a time": ({"by": "dan", "share": 0.3, "rule": "time"}, SettingError, "no time column"),
    "nothing to seal": ({"by": "dan", "share": 0.0}, SettingError, "share to seal is 0"),
    "all sealed": ({"by": "dan", "share": 1.0}, SettingError, "share to seal is 1"),
    "too little to judge on": ({"by": "dan", "share": 0.01}, DataError, "sealed part"),
    "somebody who hands in no data": ({"by": "vera", "share": 0.3}, NotAllowedError, "vera"),
}


@pytest.mark.parametrize(("given", "error", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_split_leaves_nothing_behind(
    world: World, given: dict[str, Any], error: type[Exception], says: str
) -> None:
    before = world.changes()
    terms = SplitTerms(given["share"], given.get("rule", "random"))
    with pytest.raises(error, match=says):
        split_at_creation(world.house, world.who(given["by"]), CASE, FILE, "customers.parquet", terms)
    assert (world.all(Dataset), world.changes()) == ([], before)
