"""One tensor for all columns."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from roadworthy.domain.errors import InputError
from roadworthy.domain.model import ColumnSpec, DType
from roadworthy.gateway.protocol.bounds import Bounds
from roadworthy.gateway.protocol.codec import decode
from roadworthy.gateway.protocol.columns import Contract
from roadworthy.gateway.request import Asked, Limits

FREE = Bounds((), (), ())
SPECS = (
    ColumnSpec("a", DType.FP64),
    ColumnSpec("b", DType.INT64),
    ColumnSpec("c", DType.FP64, missing_allowed=True),
)
CONTRACT = Contract({s.name: s for s in SPECS}, frozenset("abc"), FREE)


def read(contract: Contract = CONTRACT, *, raw: bytes = b"", **tensor: Any) -> Any:
    sent = {"name": "x", "shape": [2, 3], "datatype": "FP64", **tensor}
    text = json.dumps({"id": "r", "inputs": [sent]}).encode()
    return decode(
        Asked(text + raw, declared=str(len(text)).encode()) if raw else Asked(text), contract, Limits(), arrived=0
    )


@pytest.mark.parametrize(
    "data", [[1.5, 2, None, 4.5, 5, 6.5], [[1.5, 2, None], [4.5, 5, 6.5]]], ids=["flat", "nested"]
)
def test_its_columns_come_in_the_order_of_the_metadata(data: Any) -> None:
    rows = read(_floats(), data=data)
    assert {n: c.tolist()[1] for n, c in rows.columns.items()} == {"a": 4.5, "b": 5.0, "c": 6.5}
    assert np.isnan(rows.columns["c"][0])


def test_whole_numbers_may_be_sent_for_floats_and_only_as_such() -> None:
    rows = read(_whole(), datatype="INT32", shape=[1, 3], data=[1, 2, 3])
    assert [c.tolist() for c in rows.columns.values()] == [[1], [2], [3]]
    with pytest.raises(InputError, match="is not a whole number"):
        read(_floats(), datatype="INT32", shape=[1, 3], data=[1, 2.5, 3])


def test_bytes_mean_what_json_means() -> None:
    raw = struct.pack("<6d", 1.5, 2, float("nan"), 4.5, 5, 6.5)
    by_bytes = read(_floats(), raw=raw, parameters={"binary_data_size": len(raw)})
    by_json = read(_floats(), data=[1.5, 2, None, 4.5, 5, 6.5])
    assert {n: repr(c.tolist()) for n, c in by_bytes.columns.items()} == {
        n: repr(c.tolist()) for n, c in by_json.columns.items()
    }


@pytest.mark.parametrize(
    ("tensor", "field"),
    [
        ({"shape": [2, 4], "data": [0] * 8}, "inputs[0].shape"),
        ({"shape": [0, 3], "data": []}, "inputs[0].shape"),
        ({"shape": [20_000, 3], "data": []}, "inputs[0].shape"),
        ({"data": [1, 2, 3]}, "inputs[0].data"),
        ({"data": [[1, 2, 3], [4, 5]]}, "inputs[0].data"),
        ({"data": [[1, 2, 3], 4, 5, 6]}, "inputs[0].data"),
        ({}, "inputs[0].data"),
        ({"data": [1, 2, "x", 4, 5, 6]}, "inputs[0].data"),
        ({"data": [None, 2, 3, 4, 5, 6]}, "inputs[0].data"),
        ({"data": [1e39, 2, 3, 4, 5, 6]}, "inputs[0].data"),
        ({"datatype": "BYTES", "data": [1] * 6}, "inputs[0].datatype"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(tensor: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        read(_floats(), **tensor)
    assert refused.value.fields["field"] == field


def test_an_endpoint_with_text_does_not_take_one() -> None:
    text = Contract({"a": SPECS[0], "t": ColumnSpec("t", DType.BYTES)}, frozenset("at"), FREE)
    with pytest.raises(InputError, match="a tensor of all columns holds numbers"):
        read(text, shape=[1, 2], data=[1, 2])


def test_a_fraction_for_a_whole_numbers_column_names_it() -> None:
    with pytest.raises(InputError, match="column 'b', row 0"):
        read(CONTRACT, datatype="INT64", shape=[1, 3], data=[1, 2.5, 3])


def _floats() -> Contract:
    specs = (ColumnSpec("a", DType.FP64), ColumnSpec("b", DType.FP64), SPECS[2])
    return Contract({s.name: s for s in specs}, frozenset("abc"), FREE)


def _whole() -> Contract:
    return Contract({n: ColumnSpec(n, DType.INT64) for n in "abc"}, frozenset("abc"), FREE)
