"""Whatever arrives, the answer is a 200 or a refusal that names a field: never a defect, never silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RELAXED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
shapes = st.lists(st.integers(-1, 4) | st.just(2**80), max_size=3)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["age", "balance", "job", "married", "other"]) | st.text(max_size=3),
        "shape": shapes | json_values,
        "datatype": st.sampled_from(["INT64", "FP64", "BYTES", "BOOL", "FP32"]) | st.text(max_size=3),
        "data": st.lists(scalars | st.lists(scalars, max_size=2), max_size=3) | json_values,
    }
)
bodies = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=5)},
    optional={"id": json_values, "parameters": json_values, "outputs": json_values},
)


def checked(world: Any, body: bytes, path: str = "infer") -> int:
    reply = world.request("POST", f"/v2/models/offers/{path}", body)
    assert reply.status_code in (200, 409, 413, 422), reply.text
    if reply.status_code != 200:
        said = reply.json()
        assert said["fields"]["field"]
        assert said["error"]
    return int(reply.status_code)


@RELAXED
@given(body=st.binary(max_size=60))
def test_any_bytes_are_refused_naming_a_field(served_world: Any, body: bytes) -> None:
    assert checked(served_world, body) == 422


@RELAXED
@given(value=bodies)
def test_any_tensors_are_answered_or_refused(served_world: Any, value: dict[str, Any]) -> None:
    checked(served_world, json.dumps(value).encode())


@RELAXED
@given(column=st.integers(0, 3), key=st.sampled_from(["name", "shape", "datatype", "data"]), value=json_values)
def test_a_good_request_with_one_part_replaced_is_answered_or_refused(
    served_world: Any, column: int, key: str, value: Any
) -> None:
    said = json.loads(served_world.body())
    said["inputs"][column][key] = value
    checked(served_world, json.dumps(said).encode())


@RELAXED
@given(data=st.data())
def test_a_good_request_with_bytes_changed_is_answered_or_refused(served_world: Any, data: st.DataObject) -> None:
    body = bytearray(served_world.body(id="r"))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    checked(served_world, bytes(body))


@RELAXED
@given(
    age=st.integers(-(2**63) + 1, 2**63 - 1),
    balance=st.none() | st.floats(-3e38, 3e38),
    job=st.text(),
    unit=st.text(min_size=1),
)
def test_any_values_of_the_right_type_are_answered_and_recorded(
    served_world: Any, age: int, balance: float | None, job: str, unit: str
) -> None:
    said = json.loads(served_world.body([age], [unit]))
    said["inputs"][1]["data"], said["inputs"][2]["data"] = [balance], [job]
    before = len(served_world.decisions())
    assert checked(served_world, json.dumps(said).encode()) == 200
    assert len(served_world.decisions()) == before + 1


@pytest.mark.parametrize("tensors_sent", [20_000])
def test_very_many_tensors_are_refused_quickly(served_world: Any, tensors_sent: int) -> None:
    one = {"name": "age", "shape": [1], "datatype": "INT64", "data": [1]}
    assert checked(served_world, json.dumps({"inputs": [one] * tensors_sent, "id": "r"}).encode()) == 422


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(1e308)
records = st.dictionaries(st.sampled_from(["age", "balance", "job", "married", "x"]), cells, max_size=5)
invocations = st.fixed_dictionaries(
    {},
    optional={
        "dataframe_split": st.fixed_dictionaries(
            {
                "columns": st.lists(st.text(max_size=3), max_size=4),
                "data": st.lists(st.lists(cells, max_size=4), max_size=3),
            }
        )
        | json_values,
        "dataframe_records": st.lists(records, max_size=3) | json_values,
        "instances": st.lists(records, max_size=3) | json_values,
        "inputs": st.dictionaries(st.text(max_size=3), st.lists(cells, max_size=3), max_size=4) | json_values,
        "params": json_values,
        "id": json_values,
    },
)


@RELAXED
@given(value=invocations)
def test_any_table_of_mlflow_s_is_answered_or_refused(served_world: Any, value: dict[str, Any]) -> None:
    checked(served_world, json.dumps(value).encode(), "invocations")


@RELAXED
@given(data=st.data())
def test_a_good_request_in_bytes_with_bytes_changed_is_answered_or_refused(
    served_world: Any, data: st.DataObject
) -> None:
    inputs = [
        {"name": n, "shape": [1], "datatype": t, "parameters": {"binary_data_size": len(raw)}}
        for n, t, raw in PACKED
    ]
    text = json.dumps({"inputs": inputs, "id": "r"}).encode()
    body = bytearray(text + b"".join(raw for _, _, raw in PACKED))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    declared = data.draw(st.just(len(text)) | st.integers(-1, len(body) + 2) | st.text("0123456789x-", max_size=25))
    reply = served_world.infer(bytes(body), inference_header_content_length=str(declared))
    assert reply.status_code in (200, 409, 422), reply.text
    if reply.status_code == 422:
        assert reply.json()["fields"]["field"]


PACKED = (
    ("age", "INT64", b"\x28" + b"\0" * 7),
    ("balance", "FP64", b"\0" * 8),
    ("job", "BYTES", b"\x05\0\0\0clerk"),
    ("married", "BOOL", b"\x01"),
)
