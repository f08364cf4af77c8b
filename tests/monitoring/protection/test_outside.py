"""The input range guard: bounds are allowed, beyond them is not, and missing is for others to judge."""

from __future__ import annotations

import numpy as np

from roadworthy.domain.model import ColumnSpec, DType
from roadworthy.monitoring.protection.outside import Outside, count_outside, outside

INPUTS = (
    ColumnSpec("age", DType.INT64, low=18.0, high=95.0),
    ColumnSpec("balance", DType.FP64, missing_allowed=True, high=1e6),
    ColumnSpec("channel", DType.BYTES, categories=("web", "phone")),
    ColumnSpec("note", DType.BYTES),
)


def columns(**changed: object) -> dict[str, np.ndarray]:
    plain = {
        "age": np.array([18, 95]),
        "balance": np.array([np.nan, 1e6]),
        "channel": np.array(["web", None], dtype=object),
        "note": np.array(["anything", "else"], dtype=object),
    }
    return {**plain, **changed}


def test_the_bounds_themselves_missing_values_and_free_text_are_inside() -> None:
    assert outside(columns(), INPUTS) is None
    assert count_outside(columns(), INPUTS) == {}


def test_the_first_value_outside_is_named_with_what_is_allowed() -> None:
    found = outside(columns(age=np.array([40, 96])), INPUTS)
    assert found == Outside(1, "age", 96, "from 18 to 95")
    text = outside(columns(channel=np.array(["web", "letter"], dtype=object)), INPUTS)
    assert text == Outside(1, "channel", "letter", "web, phone")


def test_rows_outside_are_counted_by_column() -> None:
    given = columns(age=np.array([17, 96]), balance=np.array([2e6, -1e9]))
    assert count_outside(given, INPUTS) == {"age": 2, "balance": 1}


def test_a_column_that_was_not_sent_is_not_outside() -> None:
    assert outside({}, INPUTS) is None
