"""Sealed rows in another file are the same rows: refused in any other role, and no new ones to be looked at."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.csv as pacsv
import pytest
from simulated_offers import parquet, table
from small_world import CASE, World, at

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.services.catalog.datasets import register_dataset
from roadworthy.services.catalog.splits import SplitTerms, split_at_creation
from roadworthy.services.catalog.tables import read_table
from roadworthy.statistics.frame import Frame


def csv(frame: Frame) -> bytes:
    stored = io.BytesIO()
    pacsv.write_csv(frame.to_arrow(), stored, pacsv.WriteOptions(delimiter=";"))
    return stored.getvalue()


def hand_in(world: World, frame: Frame, role: DatasetRole, name: str = "again.parquet") -> Dataset:
    data = csv(frame) if name.endswith(".csv") else parquet(frame)
    return register_dataset(world.house, world.who("dan"), CASE, role, data, name)


def rows_of(world: World, role: str) -> Frame:
    dataset = world.dataset(role)
    return read_table(world.house.artifacts.get(dataset.digest), dataset.source)


def joined(*frames: Frame) -> Frame:
    return Frame({n: np.concatenate([f[n] for f in frames]) for n in frames[0].names})


DISGUISES: dict[str, Any] = {
    "as CSV": (lambda f: f, "innocent.csv"),
    "in another order": (lambda f: f.take(np.arange(f.n_rows)[::-1]), "innocent.parquet"),
    "with the columns in another order": (lambda f: f.select(f.names[::-1]), "innocent.parquet"),
    "a tenth of them among new rows": (lambda f: joined(table(900, 77), f.take(np.arange(70))), "innocent.parquet"),
}


@pytest.mark.parametrize("role", [DatasetRole.TRAIN, DatasetRole.VALIDATION, DatasetRole.PRODUCTION])
@pytest.mark.parametrize(("disguise", "name"), DISGUISES.values(), ids=DISGUISES)
def test_sealed_rows_in_another_file_are_refused_in_every_other_role_with_the_count_and_recorded(
    disguise: Any, name: str, role: DatasetRole
) -> None:
    world = at("prepared")
    before = world.all(Dataset)
    with pytest.raises(ConflictError, match=rf"^\d+ of the \d+ rows of '{name}' are those of 'offers-sealed"):
        hand_in(world, disguise(rows_of(world, "sealed")), role, name)
    last = world.changes()[-1]
    assert (last.action, last.actor, last.why) == (
        "sealed-look-refused",
        "dan",
        f"register '{name}' as {role.value}",
    )
    assert world.all(Dataset) == before


def test_rows_that_were_trained_on_cannot_be_sealed_afterwards() -> None:
    world = at("prepared")
    shown = rows_of(world, "train").take(np.arange(100))
    with pytest.raises(ConflictError, match=r"100 of the 800 rows .* are those of 'offers-train"):
        hand_in(world, joined(table(700, 78), shown), DatasetRole.SEALED)


def test_sealed_rows_written_again_are_no_new_sealed_rows_that_would_begin_a_new_count() -> None:
    world = at("prepared")
    with pytest.raises(ConflictError, match="twice on rows called new"):
        hand_in(world, rows_of(world, "sealed"), DatasetRole.SEALED, "fresh.csv")


def test_the_file_a_use_case_was_split_from_is_known_when_it_is_written_again() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    split_at_creation(world.house, world.who("dan"), CASE, csv(table(900, 5)), "all.csv", SplitTerms(0.3))
    with pytest.raises(ConflictError, match="of the 900 rows"):
        hand_in(world, table(900, 5), DatasetRole.TRAIN, "all.parquet")


def test_rows_of_few_columns_that_look_alike_are_taken_and_the_number_is_recorded() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    few = [table(900, seed).select(["channel", "gender", "accepts"]) for seed in (5, 6)]
    sealed = hand_in(world, few[0], DatasetRole.SEALED)
    hand_in(world, few[1], DatasetRole.TRAIN, "other.csv")
    facts = world.changes()[-1].facts
    assert (facts["role"], facts["rows_alike"]) == ("train", {sealed.id: 900})


def test_both_parts_of_a_split_hold_rows_that_look_alike_without_an_alarm() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    few = csv(table(900, 5).select(["channel", "gender", "accepts"]))
    split_at_creation(world.house, world.who("dan"), CASE, few, "all.csv", SplitTerms(0.3))
    assert {d.role for d in world.all(Dataset)} == {DatasetRole.TRAIN, DatasetRole.SEALED}
