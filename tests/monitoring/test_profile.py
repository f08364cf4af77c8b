"""Reference bins and exact, mergeable profiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import DataError
from roadworthy.monitoring.profile import Profile, empty, merge, profile
from roadworthy.monitoring.reference import BinKind, Reference, build_reference, numeric_bins, text_bins
from roadworthy.statistics.frame import Frame, concat


def text(values: list[str | None]) -> np.ndarray:  # type: ignore[type-arg]
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def some_reference(seed: int = 0, n: int = 500) -> Reference:
    rng = np.random.default_rng(seed)
    frame = Frame(
        {
            "x": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)),
            "k": rng.integers(0, 5, n),
            "c": np.full(n, 7.0),
            "flag": rng.random(n) < 0.5,
            "t": text([f"cat{i}" if i < 25 else None for i in rng.integers(0, 27, n)]),
            "at": np.arange(n).astype("datetime64[us]"),
        }
    )
    return build_reference(frame, rng.random(n))


REFERENCE = some_reference()
FLOATS = st.one_of(st.just(float("nan")), st.floats(-5, 5), st.floats(allow_nan=False, width=32))
ROW = st.tuples(FLOATS, st.integers(-2, 8), FLOATS, st.booleans(), st.sampled_from(["cat1", "cat24", "new", None]))


def window(rows: list[tuple[float, int, float, bool, str | None]]) -> Frame:
    x, k, c, flag, t = ([r[i] for r in rows] for i in range(5))
    return Frame(
        {
            "x": np.array(x, dtype=np.float64),
            "k": np.array(k, dtype=np.int64),
            "c": np.array(c, dtype=np.float64),
            "flag": np.array(flag, dtype=np.bool_),
            "t": text(t),
        }
    )


@settings(derandomize=True, database=None, max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=30), st.lists(ROW, max_size=30), st.lists(ROW, max_size=30))
def test_merging_profiles_is_profiling_all_rows_together(a, b, c) -> None:  # type: ignore[no-untyped-def]
    frames = [window(rows) for rows in (a, b, c)]
    scores = [np.linspace(0, 1, f.n_rows) for f in frames]
    pa, pb, pc = (profile(REFERENCE, f, s) for f, s in zip(frames, scores, strict=True))
    together = profile(REFERENCE, concat(frames), np.concatenate(scores))
    assert merge(merge(pa, pb), pc) == together
    assert merge(pa, merge(pb, pc)) == merge(merge(pc, pa), pb) == together
    assert merge(pa, empty(REFERENCE)) == pa


@settings(derandomize=True, database=None, max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=40))
def test_every_row_is_in_exactly_one_bin(rows) -> None:  # type: ignore[no-untyped-def]
    found = profile(REFERENCE, window(rows))
    assert all(sum(column.counts) == len(rows) for column in found.columns)


def test_the_profile_of_the_reference_is_the_references_own_counts() -> None:
    rng = np.random.default_rng(1)
    frame = Frame({"x": rng.gamma(2, 2, 999), "t": text(list("abc" * 333))})
    bins = build_reference(frame)
    assert [c.counts for c in profile(bins, frame).columns] == [b.counts for b in bins.columns]


def test_both_survive_json() -> None:
    found = profile(REFERENCE, window([(0.5, 1, 7.0, True, "new")]), np.array([0.4]))
    assert Reference.from_json(REFERENCE.to_json()) == REFERENCE
    assert Profile.from_json(found.to_json()) == found
    assert Reference.from_json(REFERENCE.to_json()).digest == REFERENCE.digest == found.reference


@pytest.mark.parametrize("read", [Reference.from_json, Profile.from_json])
@pytest.mark.parametrize("data", [b"", b"[]", b'{"rows": 1}'], ids=["nothing", "a list", "half"])
def test_broken_json_is_refused(read, data) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError):
        read(data)


def test_quantile_bins_are_equally_full() -> None:
    bins = numeric_bins("x", np.random.default_rng(2).normal(0, 1, 10_000))
    assert bins.counts[:-1] == (1000,) * 10


def test_a_value_that_dominates_gets_a_bin_of_its_own() -> None:
    days = np.concatenate([np.full(960, 999.0), np.arange(40.0)])
    bins = numeric_bins("pdays", days)
    never = bins.labels().index(next(x for x in bins.labels() if x.startswith("999")))
    assert bins.counts[never] == 960
    assert sum(bins.counts[:never]) == 40


def test_few_distinct_values_get_a_bin_each() -> None:
    assert numeric_bins("k", np.array([0.0, 1, 1, 2, 2, 2])).counts == (1, 2, 3, 0)


def test_a_constant_column_is_its_own_kind_and_notices_any_other_value() -> None:
    frame = Frame({"vicprice": np.full(300, 0.003467)})
    bins = build_reference(frame)
    moved = profile(bins, Frame({"vicprice": np.array([0.003467, 0.0034, np.nan])}))
    assert bins.columns[0].kind is BinKind.CONSTANT
    assert moved.columns[0].counts == (1, 1, 1)


def test_rare_categories_share_a_bin_and_new_ones_are_counted_apart() -> None:
    bins = text_bins("t", [f"c{i}" for i in range(30) for _ in range(31 - i)])
    assert len(bins.categories) == 20
    reference = Reference(len(bins.counts), (bins,))
    found = profile(reference, Frame({"t": text(["c29", "new", None, "c0"])})).columns[0]
    assert (found.counts[-2:], found.unseen) == ((2, 1), 1)


def test_a_column_that_never_arrives_is_missing_in_every_row() -> None:
    found = profile(REFERENCE, Frame({"x": np.zeros(5)}))
    assert [c.counts[-1] for c in found.columns] == [0, 5, 5, 5, 5]


def test_text_where_numbers_were_is_missing_and_mistyped() -> None:
    found = profile(REFERENCE, Frame({"x": text(["1,5", None, "n/a"])})).columns[0]
    assert (found.counts[-1], found.mistyped) == (3, 2)


def test_times_are_skipped_by_name() -> None:
    assert REFERENCE.skipped == ("at",)


def test_profiles_over_other_bins_are_not_merged() -> None:
    with pytest.raises(DataError, match="cannot be merged"):
        merge(empty(REFERENCE), empty(some_reference(seed=1)))


def test_an_empty_reference_or_the_wrong_number_of_scores_is_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        build_reference(Frame({"x": np.empty(0)}))
    with pytest.raises(DataError, match="3 scores"):
        profile(REFERENCE, Frame({"x": np.zeros(5)}), np.zeros(3))


def test_a_column_missing_throughout_the_reference_notices_values() -> None:
    bins = build_reference(Frame({"x": np.full(300, np.nan)}))
    assert bins.columns[0].counts == (0, 300)
    assert profile(bins, Frame({"x": np.array([1.0, np.nan])})).columns[0].counts == (1, 1)
