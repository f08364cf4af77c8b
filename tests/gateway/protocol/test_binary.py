"""Tensors as bytes: NumPy's own bytes are read back, and every body that does not add up is refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import InputError
from roadworthy.gateway.protocol.binary import NUMBERS, cut, packed, split, unpacked

HEADER = "inference-header-content-length"
TEXTS = ["", "clerk", "nürse", "a" * 300]


def raw_of(texts: list[str]) -> bytes:
    """Texts as the protocol has them, by an independent encoder."""
    return b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts)


@pytest.mark.parametrize("datatype", NUMBERS)
def test_numbers_are_read_as_numpy_wrote_them(datatype: str) -> None:
    values = np.array([0, 1, 100, 127], dtype=NUMBERS[datatype])
    assert unpacked(datatype, memoryview(values.tobytes()), 4, "x", "f") == values.tolist()
    assert np.frombuffer(packed(datatype, values.tolist()), NUMBERS[datatype]).tolist() == values.tolist()


def test_a_missing_number_is_nan_both_ways() -> None:
    assert unpacked("FP64", memoryview(np.array([np.nan, 2.0]).tobytes()), 2, "x", "f") == [None, 2.0]
    assert np.isnan(np.frombuffer(packed("FP64", [None, 2.0]))[0])


def test_texts_and_flags_are_read_and_written() -> None:
    assert unpacked("BYTES", memoryview(raw_of(TEXTS)), 4, "x", "f") == TEXTS
    assert packed("BYTES", TEXTS) == raw_of(TEXTS)
    assert unpacked("BOOL", memoryview(b"\1\0"), 2, "x", "f") == [True, False]
    assert packed("BOOL", [True, False]) == b"\1\0"


BAD = {
    "too few numbers": ("INT64", bytes(8), 2),
    "too many numbers": ("FP32", bytes(12), 2),
    "half a number": ("FP64", bytes(7), 1),
    "a flag that is neither": ("BOOL", b"\2", 1),
    "a text cut short": ("BYTES", raw_of(["clerk"])[:-1], 1),
    "a length cut short": ("BYTES", raw_of(["clerk"])[:3], 1),
    "a length beyond all": ("BYTES", b"\xff\xff\xff\xff", 1),
    "too many texts": ("BYTES", raw_of(["a", "b"]), 1),
    "too few texts": ("BYTES", raw_of(["a"]), 2),
    "no text": ("BYTES", struct.pack("<I", 1) + b"\xff", 1),
}


@pytest.mark.parametrize(("datatype", "raw", "rows"), BAD.values(), ids=BAD)
def test_bytes_that_are_not_what_the_shape_says_are_refused_by_column(datatype: str, raw: bytes, rows: int) -> None:
    with pytest.raises(InputError, match="column x") as caught:
        unpacked(datatype, memoryview(raw), rows, "x", "inputs[0].data")
    assert caught.value.fields["field"] == "inputs[0].data"


@pytest.mark.parametrize("declared", [b"0", b"-1", b"x", b"", b"11", b"9" * 40, "é".encode()])
def test_a_header_that_is_no_length_of_this_body_is_refused(declared: bytes) -> None:
    with pytest.raises(InputError) as caught:
        split(b"0123456789", declared)
    assert caught.value.fields["field"] == HEADER


@pytest.mark.parametrize("sizes", [[4, None], [12], [-2, 12], [None]])
def test_sizes_that_do_not_add_up_to_the_bytes_are_refused(sizes: list[int | None]) -> None:
    with pytest.raises(InputError, match="binary_data_size"):
        cut(memoryview(bytes(10)), sizes)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_any_texts_come_back(texts: list[str]) -> None:
    assert unpacked("BYTES", memoryview(packed("BYTES", texts)), len(texts), "x", "f") == texts


def binary_body(ages: list[int], **top: Any) -> tuple[bytes, str]:
    """A whole request for the small model, every column as bytes; and the length of its JSON part."""
    n = len(ages)
    columns = {
        "age": ("INT64", np.array(ages, dtype="<i8").tobytes()),
        "balance": ("FP64", np.full(n, np.nan).tobytes()),
        "job": ("BYTES", raw_of(["clerk"] * n)),
        "married": ("BOOL", b"\1" * n),
    }
    inputs = [
        {"name": name, "datatype": kind, "shape": [n], "parameters": {"binary_data_size": len(raw)}}
        for name, (kind, raw) in columns.items()
    ]
    text = json.dumps({"inputs": inputs, "parameters": {"unit_ids": [f"u-{i}" for i in range(n)]}, **top}).encode()
    return text + b"".join(raw for _, raw in columns.values()), str(len(text))


def asked(world: Any, body: bytes, length: str) -> Any:
    return world.infer(body, content_type="application/octet-stream", inference_header_content_length=length)


def test_a_request_in_bytes_gets_the_answer_of_the_same_request_in_json(served_world: Any) -> None:
    units = ["u-0", "u-1", "u-2"]
    in_json = served_world.infer(served_world.body([40, 20, 66], units)).json()
    in_bytes = asked(served_world, *binary_body([40, 20, 66])).json()
    assert in_bytes["outputs"] == in_json["outputs"]


def test_outputs_come_as_bytes_when_they_are_asked_for_so(served_world: Any) -> None:
    body, length = binary_body([40, 20], outputs=[{"name": "score", "parameters": {"binary_data": True}}])
    reply = asked(served_world, body, length)
    cut_at = int(reply.headers[HEADER])
    (score,) = json.loads(reply.content[:cut_at])["outputs"]
    plain = asked(served_world, *binary_body([40, 20], outputs=[{"name": "score"}])).json()["outputs"][0]
    assert score["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(reply.content[cut_at:]).tolist() == plain["data"]
    assert reply.headers["content-type"] == "application/octet-stream"


def test_an_output_that_does_not_exist_is_refused_by_name(served_world: Any) -> None:
    reply = served_world.infer(served_world.body(outputs=[{"name": "logit"}]))
    assert (reply.status_code, reply.json()["fields"]["field"]) == (422, "outputs[0].name")


def test_a_column_with_both_data_and_bytes_or_neither_is_refused(served_world: Any) -> None:
    body, length = binary_body([40])
    start = int(length)
    said = json.loads(body[:start])
    said["inputs"][0]["data"] = [40]
    both = json.dumps(said).encode()
    reply = asked(served_world, both + body[start:], str(len(both)))
    assert (reply.status_code, reply.json()["fields"]["field"]) == (422, "inputs[0].data")
    neither = json.loads(served_world.body())
    del neither["inputs"][1]["data"]
    reply = served_world.infer(json.dumps(neither).encode())
    assert (reply.status_code, reply.json()["fields"]["field"]) == (422, "inputs[1].data")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_binary_body_is_answered_or_refused_never_a_defect(
    served_world: Any, data: st.DataObject
) -> None:
    body, length = binary_body([40, 20])
    at = data.draw(st.integers(0, len(body) - 1))
    damaged = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 4)) :]
    said = data.draw(st.sampled_from([length, str(int(length) - 1), "5", str(len(damaged))]))
    assert asked(served_world, damaged, said).status_code in (200, 422)
