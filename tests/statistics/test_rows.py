"""Rows recognised by their values: whatever wrote the file, and never by chance alone."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq
import pytest
from scipy.stats import binomtest

from roadworthy.services.catalog.tables import read_table
from roadworthy.statistics.frame import Frame
from roadworthy.statistics.rows import ALPHA, matches, row_keys


def people(rows: int, seed: int) -> Frame:
    """Rows that hardly ever coincide."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(8, 1, rows)
    income[::7] = np.nan
    return Frame(
        {
            "age": rng.integers(18, 90, rows),
            "income": income,
            "region": rng.choice(np.array(["north", "south", None], dtype=object), rows),
            "since": np.datetime64("2020-01-01", "us") + rng.integers(0, 10**9, rows).astype("timedelta64[s]"),
            "left": rng.choice(np.array(["yes", "no"], dtype=object), rows),
        }
    )


def few(rows: int, seed: int) -> Frame:
    """Rows of two columns with few values, which coincide all the time."""
    rng = np.random.default_rng(seed)
    return Frame({"age": rng.integers(18, 40, rows), "left": rng.integers(0, 2, rows)})


def as_csv(frame: Frame, **options: object) -> Frame:
    stored = io.BytesIO()
    pacsv.write_csv(frame.to_arrow(), stored, pacsv.WriteOptions(**options))
    return read_table(stored.getvalue(), "again.csv")


def as_parquet(frame: Frame) -> Frame:
    table, stored = frame.to_arrow(), io.BytesIO()
    narrow = [
        pa.float32() if t == pa.float64() else pa.int16() if t == pa.int64() else t for t in table.schema.types
    ]
    papq.write_table(table.cast(pa.schema(list(zip(table.column_names, narrow, strict=True)))), stored)
    return read_table(stored.getvalue(), "again.parquet")


KNOWN = people(800, 1)
ORDER = np.random.default_rng(2).permutation(800)
WRITTEN = {
    "as CSV": as_csv(KNOWN),
    "as CSV with other quotes and separator": as_csv(KNOWN, delimiter=";", quoting_style="all_valid"),
    "as Parquet in narrower types": as_parquet(KNOWN),
    "in another order of rows": KNOWN.take(ORDER),
    "in another order of columns": KNOWN.select(KNOWN.names[::-1]),
    "with a column more": KNOWN.with_column("id", np.arange(800)),
    "without a column": KNOWN.drop(["since"]),
    "whole numbers as floats": KNOWN.with_column("age", KNOWN["age"].astype(np.float64)),
}


@pytest.mark.parametrize("given", WRITTEN.values(), ids=WRITTEN)
def test_the_same_rows_are_recognised(given: Frame) -> None:
    found = matches(KNOWN, given)
    assert found.rows == 800
    assert found.found > 0.98 * 800
    assert found.beyond_chance


def test_some_of_them_among_many_others_are_recognised_and_counted() -> None:
    mixed = {n: np.concatenate([people(1000, 3)[n], KNOWN[n][:30]]) for n in KNOWN.names}
    found = matches(KNOWN, Frame(mixed))
    assert (found.found, found.rows, found.beyond_chance) == (30, 1030, True)


def test_other_rows_are_not() -> None:
    found = matches(KNOWN, people(800, 4))
    assert (found.found, found.beyond_chance) == (0, False)


def test_tables_without_a_column_in_common_have_no_row_in_common() -> None:
    assert matches(KNOWN, Frame({"other": np.arange(3)})).found == 0


def test_the_share_by_chance_is_one_less_the_singletons_at_the_upper_end_of_its_interval() -> None:
    known = Frame({"a": np.array([1, 1, 2, 3, 4, 5, 5, 5])})
    assert matches(known, known).by_chance == pytest.approx(
        binomtest(5, 8).proportion_ci(0.95, "wilson").high  # five of eight rows are there more than once
    )


def test_new_rows_of_few_columns_that_look_like_known_ones_are_no_false_alarm() -> None:
    alarms = 0
    for seed in range(40):
        found = matches(few(400, seed), few(300, 1000 + seed))
        assert found.found > 250
        alarms += found.beyond_chance
    assert alarms == 0  # expected at most 40 times ALPHA
    assert ALPHA < 1 / 40


@pytest.mark.parametrize("distinct", [50, 400, 5000])
def test_the_false_alarm_rate_stays_small_however_often_rows_coincide(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    weights = rng.dirichlet(np.full(distinct, 0.3))
    draw = lambda rows: Frame({"kind": rng.choice(distinct, rows, p=weights)})  # noqa: E731
    alarms = sum(matches(draw(300), draw(500)).beyond_chance for _ in range(100))
    assert alarms <= 5


def test_keys_tell_missing_from_zero_and_one_from_two_and_not_one_from_true() -> None:
    keys = row_keys(Frame({"a": np.array([np.nan, 0.0, 1.0, 2.0])}))
    assert len(set(keys)) == 4
    assert row_keys(Frame({"a": np.array([True])})) == row_keys(Frame({"a": np.array([1])}))
    assert row_keys(Frame({"a": np.array([10_000_001.0])}), 4) != row_keys(
        Frame({"a": np.array([10_000_002.0])}), 4
    )
