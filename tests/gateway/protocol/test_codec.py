"""Request bodies: what is accepted, and that every malformed one is refused naming its field."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from roadworthy.domain.errors import InputError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.serving import Arm, ArmRole
from roadworthy.gateway.protocol.codec import decode, encode
from roadworthy.gateway.protocol.columns import Contract
from roadworthy.gateway.request import Answer, Asked, Limits, Rows

SIGNATURE = Signature(
    (
        ColumnSpec("x", DType.FP64, missing_allowed=True, low=0, high=1),
        ColumnSpec("n", DType.INT64),
        ColumnSpec("t", DType.BYTES, categories=("a",)),
        ColumnSpec("b", DType.BOOL),
    )
)
CONTRACT = Contract.of([Arm("champion", ArmRole.CHAMPION, 1.0, "v1", "0", 0.5, SIGNATURE)])
LIMITS = Limits(rows_per_request=100)


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def body(**changes: Any) -> dict[str, Any]:
    inputs = {
        "x": tensor("x", "FP64", [0.5]),
        "n": tensor("n", "INT64", [3]),
        "t": tensor("t", "BYTES", ["a"]),
        "b": tensor("b", "BOOL", [True]),
    }
    inputs |= changes.pop("inputs", {})
    return {"id": "r-1", "inputs": [t for t in inputs.values() if t], "parameters": {"unit_id": "u"}, **changes}


def decoded(value: dict[str, Any] | bytes) -> Rows:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return decode(Asked(data), CONTRACT, LIMITS, arrived=0.0)


def with_values(x: list[Any], **shape: Any) -> dict[str, Any]:
    return body(inputs={"x": tensor("x", "FP64", x, **shape)})


def test_columns_arrive_typed_and_in_the_models_order() -> None:
    value = body()
    value["inputs"].reverse()
    columns = decoded(value).columns
    assert list(columns) == ["x", "n", "t", "b"]
    assert [a.dtype.kind for a in columns.values()] == ["f", "i", "O", "b"]


@pytest.mark.parametrize(
    ("data", "shape"),
    [([0.5], [1]), ([0.5], [1, 1]), ([[0.5]], [1, 1])],
    ids=["flat", "flat column", "nested column"],
)
def test_flat_and_nested_data_mean_the_same(data: list[Any], shape: list[int]) -> None:
    assert decoded(with_values(data, shape=shape)).columns["x"].tolist() == [0.5]


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64", "INT8", "UINT32"])
def test_a_whole_number_may_be_sent_as_any_numeric_type_for_a_float_column(datatype: str) -> None:
    assert decoded(body(inputs={"x": tensor("x", datatype, [7])})).columns["x"].tolist() == [7.0]


def test_null_is_missing_where_the_signature_allows_it() -> None:
    assert np.isnan(decoded(with_values([None])).columns["x"][0])


def test_values_beyond_the_training_range_and_new_categories_are_admitted() -> None:
    value = body(inputs={"x": tensor("x", "FP64", [1e6]), "t": tensor("t", "BYTES", ["never seen"])})
    assert decoded(value).columns["t"].tolist() == ["never seen"]


def test_the_callers_ids_are_kept() -> None:
    rows = decoded(body(parameters={"unit_ids": [7], "request_ids": ["order-1"]}))
    assert (rows.id, rows.unit_ids, rows.request_ids) == ("r-1", ("7",), ("order-1",))


def test_several_rows_without_own_ids_are_numbered_under_the_requests_id() -> None:
    columns = {"x": [1.0, 2.0], "n": [1, 2], "t": ["a", "a"], "b": [True, False]}
    types = {"x": "FP64", "n": "INT64", "t": "BYTES", "b": "BOOL"}
    rows = decoded(body(inputs={k: tensor(k, types[k], v) for k, v in columns.items()}))
    assert rows.request_ids == ("r-1/0", "r-1/1")
    assert rows.unit_ids == ("u", "u")


MALFORMED: dict[str, tuple[Any, str]] = {
    "truncated": (json.dumps(body()).encode()[:-9], "body"),
    "empty": (b"", "body"),
    "not an object": (b"[]", "body"),
    "not utf-8": (json.dumps(body()).encode().replace(b'"u"', b'"\xff"'), "body"),
    "NaN literal": (json.dumps(with_values([float("nan")])).encode(), "body"),
    "Infinity literal": (json.dumps(with_values([float("inf")])).encode(), "body"),
    "lone surrogate": (json.dumps(with_values(["\ud800"])).encode(), "body"),
    "overflow of float64": (json.dumps(body()).encode().replace(b"0.5", b"1e999"), "inputs[0].data[0]"),
    "overflow of float32": (with_values([1e308]), "inputs[0].data"),
    "text for a number": (with_values(["0.5"]), "inputs[0].data"),
    "boolean for a number": (with_values([True]), "inputs[0].data"),
    "fraction for an integer": (body(inputs={"n": tensor("n", "INT64", [1.5])}), "inputs[1].data"),
    "fraction declared integer": (body(inputs={"x": tensor("x", "INT64", [1.5])}), "inputs[0].data"),
    "integer beyond 64 bits": (body(inputs={"n": tensor("n", "INT64", [2**70])}), "inputs[1].data"),
    "number for text": (body(inputs={"t": tensor("t", "BYTES", [5])}), "inputs[2].data"),
    "number for a boolean": (body(inputs={"b": tensor("b", "BOOL", [1])}), "inputs[3].data"),
    "null where none is allowed": (body(inputs={"n": tensor("n", "INT64", [None])}), "inputs[1].data"),
    "wrong datatype": (body(inputs={"n": tensor("n", "FP64", [1.0])}), "inputs[1].datatype"),
    "unknown datatype": (body(inputs={"n": tensor("n", "COMPLEX", [1])}), "inputs[1].datatype"),
    "shape and values disagree": (with_values([0.5], shape=[1, 1, 1]), "inputs[0].shape"),
    "too few values": (with_values([], shape=[1]), "inputs[0].data"),
    "too many values": (with_values([0.5, 0.6], shape=[1]), "inputs[0].data"),
    "negative shape": (with_values([0.5], shape=[-1]), "inputs[0].shape"),
    "no rows": (with_values([], shape=[0]), "inputs[0].shape"),
    "columns of different length": (body(inputs={"n": tensor("n", "INT64", [1, 2])}), "inputs[1].shape"),
    "nested too deep": (with_values([[[0.5]]], shape=[1, 1]), "inputs[0].data[0][0]"),
    "nested unlike its shape": (with_values([[0.5]], shape=[1]), "inputs[0].data"),
    "wide rows": (with_values([[0.5, 0.5]], shape=[1, 1]), "inputs[0].data"),
    "bottomless": (b'{"inputs":' + b"[" * 100_000, "inputs[0]"),
    "bottomless parameters": (b'{"inputs":[],"parameters":{"unit_id":' + b"[" * 100_000, "parameters.unit_id"),
    "too many rows": (with_values([0.5] * 101), "inputs[0].shape"),
    "no inputs": (body() | {"inputs": []}, "inputs"),
    "missing column": (body(inputs={"n": None}), "inputs"),
    "unknown column": (body(inputs={"z": tensor("z", "FP64", [1.0])}), "inputs"),
    "column twice": (body(inputs={"x2": tensor("x", "FP64", [1.0])}), "inputs[4].name"),
    "unknown key": (body(extra=1), "body"),
    "unknown parameter": (body(parameters={"unit": "u"}), "parameters"),
    "key twice": (json.dumps(body()).encode()[:-1] + b', "id": "r-2"}', "id"),
    "escaped key twice": (json.dumps(body()).encode()[:-1] + rb', "\u0069d": "r-2"}', "id"),
    "tensor key twice": (json.dumps(body()).encode().replace(b'"shape"', b'"data": [9], "shape"', 1), "data"),
    "empty unit": (body(parameters={"unit_id": ""}), "parameters.unit_id"),
    "long unit": (body(parameters={"unit_id": "u" * 257}), "parameters.unit_id"),
    "long id": (body(id="i" * 257), "id"),
    "endless id": (body(id=10**400), "id"),
    "both unit parameters": (body(parameters={"unit_id": "u", "unit_ids": ["u"]}), "parameters.unit_ids"),
    "units and rows disagree": (body(parameters={"unit_ids": ["u", "w"]}), "parameters.unit_ids"),
    "nobody": (body(id="", parameters={}), "parameters.unit_id"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "field"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_refused_naming_the_field(value: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        decoded(value)
    assert caught.value.fields["field"] == field
    assert caught.value.remedy
    assert len(str(caught.value)) < 800


def test_an_unknown_column_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InputError, match=r"unknown column 'z'.*Send only: x, n, t, b"):
        decoded(body(inputs={"z": tensor("z", "FP64", [1.0])}))


def test_a_value_that_looks_like_a_key_is_not_taken_for_a_repeated_key() -> None:
    assert decoded(body(inputs={"t": tensor("t", "BYTES", ["shape"])})).columns["t"].tolist() == ["shape"]


def test_a_held_out_row_is_answered_with_a_null_score() -> None:
    answer = Answer("r", "offers", "d", 2, ("r/0", "r/1"), (0.25, None), (False, True), ("champion", "hold-out"),
                    ("v1", ""), (False, False))  # fmt: skip
    said = json.loads(encode(answer)[0])
    assert said["outputs"][0] == {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.25, None]}
    assert said["parameters"] == {
        "deployment": "d",
        "revision": 2,
        "fallback": False,
        "request_ids": ["r/0", "r/1"],
    }
