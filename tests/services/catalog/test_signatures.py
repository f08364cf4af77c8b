"""Signatures inferred from a training table."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.domain.errors import DataError
from roadworthy.domain.model import ColumnSpec, DType
from roadworthy.services.catalog.signatures import infer
from roadworthy.statistics.frame import Frame

FRAME = Frame.from_rows(
    [
        {"age": 30, "rate": 1.5, "job": "nurse", "own": True, "gap": None, "none": None},
        {"age": 20, "rate": None, "job": "clerk", "own": False, "gap": "x", "none": None},
    ]
)

EXPECTED = {
    "age": ColumnSpec("age", DType.INT64, low=20.0, high=30.0),
    "rate": ColumnSpec("rate", DType.FP64, missing_allowed=True, low=1.5, high=1.5),
    "job": ColumnSpec("job", DType.BYTES, categories=("clerk", "nurse")),
    "own": ColumnSpec("own", DType.BOOL),
    "gap": ColumnSpec("gap", DType.BYTES, missing_allowed=True, categories=("x",)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_column_is_described_by_what_training_saw(name: str) -> None:
    assert infer(FRAME, [name]).inputs == (EXPECTED[name],)


def test_the_order_asked_for_is_the_order_of_the_signature() -> None:
    assert infer(FRAME, ["job", "age"]).names == ("job", "age")


@pytest.mark.parametrize(("distinct", "listed"), [(50, 50), (51, 0)])
def test_more_than_fifty_categories_mean_any_text(distinct: int, listed: int) -> None:
    column = np.array([f"v{k}" for k in range(distinct)], dtype=object)
    assert len(infer(Frame({"k": column}), ["k"]).inputs[0].categories) == listed


def test_infinite_values_do_not_become_limits() -> None:
    spec = infer(Frame({"v": np.array([1.0, np.inf, np.nan, -2.0])}), ["v"]).inputs[0]
    assert (spec.low, spec.high, spec.missing_allowed) == (-2.0, 1.0, True)


def test_a_column_that_was_never_there_is_refused() -> None:
    with pytest.raises(DataError, match="'v' has no value in any row"):
        infer(Frame({"v": np.array([np.nan, np.nan])}), ["v"])


def test_times_and_unknown_columns_are_refused_by_name() -> None:
    times = Frame({"when": np.array(["2026-01-01"], dtype="datetime64[us]")})
    with pytest.raises(DataError, match="'when' holds times"):
        infer(times, ["when"])
    with pytest.raises(DataError, match="lacks the column other"):
        infer(times, ["other"])
