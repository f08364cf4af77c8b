"""Data sets: immutable, named by their bytes, each in one role."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulated_offers import arrivals, parquet, table
from small_playbooks import CHEAP
from small_world import CASE, World, at

from roadworthy.domain.errors import ConflictError, DataError, NotAllowedError, NotFoundError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.services.catalog.datasets import load_dataset, register_dataset
from roadworthy.statistics.frame import Frame


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    made.use_case()
    return made


def objects(*values: Any) -> Any:
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


def test_a_data_set_is_named_by_its_bytes_and_can_be_read_back(world: World) -> None:
    rows = table(200, 5)
    made = world.data("train", rows)
    frame, y = load_dataset(world.house, made, world.use_case_now())
    assert (made.rows, made.columns) == (200, rows.names)
    assert frame.names == rows.names[:-1]
    assert y.tolist() == [float(v == "yes") for v in rows["accepts"]]
    assert world.changes()[-1].facts == {"digest": made.digest, "role": "train", "rows": 200}


def test_the_same_bytes_in_the_same_role_are_one_data_set(world: World) -> None:
    first = world.data("train", table(200, 5))
    before = world.changes()
    assert world.data("train", table(200, 5)) == first
    assert (len(world.all(Dataset)), world.changes()) == (1, before)


@pytest.mark.parametrize(("first", "second"), [("train", "sealed"), ("sealed", "train")])
def test_the_same_bytes_are_never_both_training_and_sealed_data(world: World, first: str, second: str) -> None:
    world.data(first, table(200, 5))
    with pytest.raises(ConflictError, match="may not be judged on what it was trained on"):
        world.data(second, table(200, 5))
    assert [d.role.name for d in world.all(Dataset)] == [first.upper()]


def test_the_same_bytes_may_be_a_validation_set_too(world: World) -> None:
    world.data("train", table(200, 5))
    assert world.data("validation", table(200, 5)).role is DatasetRole.VALIDATION


def test_a_production_sample_may_hold_one_class_and_more_columns(world: World) -> None:
    world.data("train", table(200, 5))
    rows = table(60, 6)
    rows = rows.take(rows["accepts"] == "no").with_column(
        "arrived_at", arrivals(int((rows["accepts"] == "no").sum()))
    )
    assert world.data("production", rows).columns[-1] == "arrived_at"


def test_synthetic_rows_are_marked(world: World) -> None:
    assert world.data("train", table(200, 5), synthetic=True).synthetic


HISTORY = table(200, 5)
SHAPES: dict[str, tuple[Frame, str]] = {
    "a column is missing": (HISTORY.drop(["age"]), "lacks the column age"),
    "numbers became text": (
        HISTORY.with_column("age", objects(*[str(a) for a in HISTORY["age"]])),
        "'age' holds text, in the training data it holds numbers",
    ),
    "text became numbers": (
        HISTORY.with_column("channel", np.arange(200.0)),
        "'channel' holds numbers, in the training data it holds text",
    ),
    "no target": (HISTORY.drop(["accepts"]), "lacks the column accepts"),
    "a missing target": (
        HISTORY.with_column("accepts", objects(None, *HISTORY["accepts"][1:])),
        "1 of 200 rows have no value in the target 'accepts'",
    ),
    "one class": (
        HISTORY.with_column("accepts", objects(*["no"] * 200)),
        "one class only in 'accepts': it holds no, and 'yes' is the positive label",
    ),
    "ten rows": (HISTORY.take(np.arange(10)), "has 10 rows"),
    "49 rows": (HISTORY.take(np.arange(49)), "At least 50"),
}


@pytest.mark.parametrize(("rows", "says"), SHAPES.values(), ids=SHAPES)
def test_data_of_another_shape_than_the_training_data_is_refused(world: World, rows: Frame, says: str) -> None:
    world.data("train", HISTORY)
    before = world.changes()
    with pytest.raises(DataError, match=says):
        world.data("sealed", rows)
    assert (len(world.all(Dataset)), world.changes()) == (1, before)


LABELS: dict[str, tuple[Any, str]] = {
    "text": (objects("1", "0"), "1"),
    "integers": (np.array([1, 0]), "1"),
    "floats": (np.array([1.0, 0.0]), "1"),
    "booleans": (np.array([True, False]), "true"),
}


@pytest.mark.parametrize(("pair", "positive"), LABELS.values(), ids=LABELS)
def test_the_positive_label_is_found_however_the_column_spells_it(pair: Any, positive: str) -> None:
    world = World.in_memory()
    world.cast()
    case = world.use_case(positive_label=positive)
    rows = HISTORY.drop(["accepts"]).with_column("accepts", np.resize(pair, 200))
    _, y = load_dataset(world.house, world.data("train", rows), case)
    assert y.tolist() == [1.0, 0.0] * 100


FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "x.csv", "'x.csv' is empty"),
    "header only": (b"age,accepts\n", "x.csv", "has a header and no rows"),
    "text named parquet": (b"age,accepts\n1,yes\n", "x.parquet", "is not a Parquet file, whatever its name says"),
    "damaged parquet": (parquet(HISTORY)[:-40], "x.parquet", "damaged Parquet"),
    "another ending": (b"age,accepts\n1,yes\n", "x.xlsx", "neither .csv nor .parquet"),
    "a column twice": (b"age,age,accepts\n1,2,yes\n", "x.csv", "has the column age twice"),
    "ragged": (b"age,accepts\n1,yes\n1,2,3\n", "x.csv", "cannot be read as CSV"),
    "not text": (b"age,accepts\n\xff\xfe\x00,\x00\n", "x.csv", "."),
}


@pytest.mark.parametrize(("data", "name", "says"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(
    world: World, data: bytes, name: str, says: str
) -> None:
    before = world.changes()
    with pytest.raises(DataError, match=says) as refused:
        register_dataset(world.house, world.who("dan"), CASE, DatasetRole.TRAIN, data, name)
    assert "\n" not in str(refused.value)
    assert (world.all(Dataset), world.changes()) == ([], before)


def test_a_csv_with_semicolons_is_read(world: World) -> None:
    lines = ["age;accepts", *(f"{20 + i % 50};{'yes' if i % 3 else 'no'}" for i in range(60))]
    made = register_dataset(
        world.house, world.who("dan"), CASE, DatasetRole.TRAIN, "\n".join(lines).encode(), "rows.CSV"
    )
    assert made.columns == ("age", "accepts")


def test_data_of_an_unknown_use_case_is_refused(world: World) -> None:
    with pytest.raises(NotFoundError, match="no use case 'nothing'"):
        world.data("train", HISTORY, case="nothing")


@pytest.mark.parametrize("who", ["olga", "vera", "rita", "omar", "ada"])
def test_only_data_scientists_register_data(world: World, who: str) -> None:
    with pytest.raises(NotAllowedError, match="may not register-dataset"):
        world.data("train", HISTORY, by=who)


def test_every_read_of_sealed_data_by_a_validation_is_counted_and_recorded() -> None:
    world = at("registered")
    world.validate("offers:1", CHEAP)
    world.validate("offers:1", CHEAP)
    assert world.dataset("sealed").reads == 2
    facts = {"lineage": "offers:1", "version": "offers:1"}
    assert [c.facts for c in world.changes() if c.action == "sealed-data-read"] == [
        {"reads": n, "number": n, **facts} for n in (1, 2)
    ]
