"""Every kind of malformed body there is a name for, each a 4xx that names the field, over HTTP and gRPC alike."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from roadworthy.domain.errors import InputError
from roadworthy.gateway.protocol.http.inflate import inflated
from roadworthy.gateway.request import Limits

INFER, INVOCATIONS = "/v2/models/offers/infer", "/v2/models/offers/invocations"
COLUMNS = {"age": [40], "balance": [1.5], "job": ["clerk"], "married": [True]}
KINDS = {"age": "INT64", "balance": "FP64", "job": "BYTES", "married": "BOOL"}


def tensors(**values: list[Any]) -> bytes:
    """An inference request with some columns' values replaced."""
    inputs = [
        {"name": name, "shape": [1], "datatype": KINDS[name], "data": values.get(name, data)}
        for name, data in COLUMNS.items()
    ]
    return json.dumps({"inputs": inputs, "parameters": {"unit_id": "u"}}).encode()


def table(**values: list[Any]) -> bytes:
    """The same as MLflow has it."""
    return json.dumps({"inputs": {**COLUMNS, **values}, "params": {"unit_id": "u"}}).encode()


def swapped(body: bytes, old: bytes, new: bytes) -> bytes:
    assert body.count(old) == 1
    return body.replace(old, new)


DEEP = b"[" * 100_000 + b"]" * 100_000

BODIES: dict[str, tuple[str, bytes, str]] = {
    "nothing": (INFER, b"", "body"),
    "truncated JSON": (INFER, tensors()[:-9], "body"),
    "truncated JSON for MLflow": (INVOCATIONS, table()[:-9], "body"),
    "another value than an object": (INFER, b"[]", "body"),
    "text after the end": (INFER, tensors() + b"{}", "body"),
    "a shape of more rows": (
        INFER,
        swapped(tensors(), b'"age", "shape": [1]', b'"age", "shape": [2]'),
        "inputs[1].shape",
    ),
    "more values than the shape says": (INFER, tensors(age=[40, 41]), "inputs[0].data"),
    "a shape whose product overflows": (
        INFER,
        swapped(tensors(), b'"age", "shape": [1]', b'"age", "shape": [4294967296, 4294967296]'),
        "inputs[0].shape",
    ),
    "a shape below zero": (
        INFER,
        swapped(tensors(), b'"age", "shape": [1]', b'"age", "shape": [-1]'),
        "inputs[0].shape",
    ),
    "NaN": (INFER, swapped(tensors(), b"1.5", b"NaN"), "body"),
    "Infinity": (INFER, swapped(tensors(), b"1.5", b"-Infinity"), "body"),
    "NaN for MLflow": (INVOCATIONS, swapped(table(), b"1.5", b"NaN"), "body"),
    "a string for a float": (INFER, tensors(balance=["1.5"]), "inputs[1].data"),
    "a string for a float for MLflow": (INVOCATIONS, table(balance=["1.5"]), "inputs"),
    "a fraction for a whole number": (INFER, tensors(age=[40.5]), "inputs[0].data"),
    "a number for text": (INFER, tensors(job=[1]), "inputs[2].data"),
    "1e308": (INFER, tensors(balance=[1e308]), "inputs[1].data"),
    "1e308 for MLflow": (INVOCATIONS, table(balance=[1e308]), "inputs"),
    "1e999": (INFER, swapped(tensors(), b"1.5", b"1e999"), "inputs[1].data[0]"),
    "a whole number of 300 digits": (INFER, swapped(tensors(), b"40", b"9" * 300), "inputs[0].data"),
    "a huge batch": (
        INFER,
        swapped(tensors(), b'"age", "shape": [1]', b'"age", "shape": [10001]'),
        "inputs[0].shape",
    ),
    "a huge batch for MLflow": (INVOCATIONS, table(**{n: v * 10_001 for n, v in COLUMNS.items()}), "inputs"),
    "deep nesting": (INFER, DEEP, "body"),
    "deep nesting in the data": (INFER, swapped(tensors(), b"[1.5]", DEEP), "inputs[1].data[0][0]"),
    "deep nesting for MLflow": (INVOCATIONS, swapped(table(), b"1.5", DEEP), "body"),
    "deep nesting of objects": (INFER, b'{"inputs":' * 50_000 + b"1" + b"}" * 50_000, "inputs"),
    "a key twice": (
        INFER,
        swapped(tensors(), b'"parameters"', b'"parameters": {"unit_id": "x"}, "parameters"'),
        "parameters",
    ),
    "a key twice in a tensor": (INFER, swapped(tensors(), b'"data": [40]', b'"data": [39], "data": [40]'), "data"),
    "a key twice, once escaped": (
        INFER,
        swapped(tensors(), b'"data": [40]', b'"data": [39], "d\\u0061ta": [40]'),
        "data",
    ),
    "a key twice for MLflow": (INVOCATIONS, swapped(table(), b'"age": [40]', b'"age": [39], "age": [40]'), "age"),
    "a column twice": (INFER, swapped(tensors(), b'"balance"', b'"age"'), "inputs[1].name"),
    "an unknown key": (INFER, swapped(tensors(), b'"inputs"', b'"input": 1, "inputs"'), "body"),
    "invalid UTF-8": (INFER, swapped(tensors(), b"clerk", b"cl\xffrk"), "body"),
    "invalid UTF-8 for MLflow": (INVOCATIONS, swapped(table(), b"clerk", b"cl\xffrk"), "body"),
    "half a surrogate pair": (INFER, swapped(tensors(), b"clerk", b"cl\\ud800rk"), "body"),
    "UTF-16": (INFER, tensors().decode().encode("utf-16"), "body"),
    "a byte order mark": (INFER, b"\xef\xbb\xbf" + tensors(), "body"),
}


@pytest.mark.parametrize(("path", "body", "field"), BODIES.values(), ids=BODIES)
def test_a_malformed_body_is_a_422_that_names_the_field(
    served_world: Any, path: str, body: bytes, field: str
) -> None:
    reply = served_world.request("POST", path, body)
    said = reply.json()
    assert (reply.status_code, said["code"], said["fields"]["field"]) == (422, "input", field), said["error"]
    assert len(said["error"]) < 1000
    assert served_world.decisions() == []


@pytest.mark.parametrize("path", [INFER, INVOCATIONS])
def test_the_bodies_these_are_made_of_are_answered(served_world: Any, path: str) -> None:
    body = tensors() if path == INFER else table()
    assert served_world.request("POST", path, body).status_code == 200


PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(("coding", "pack"), PACKED.items(), ids=PACKED)
def test_a_compressed_body_is_answered(served_world: Any, coding: str, pack: Callable[[bytes], bytes]) -> None:
    reply = served_world.infer(pack(tensors()), content_encoding=coding)
    assert reply.status_code == 200
    assert served_world.decisions()[0].inputs["age"] == 40


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", tensors()),
        ("gzip", gzip.compress(tensors())[:-9]),
        ("gzip", gzip.compress(tensors()) + b"more"),
        ("gzip", gzip.compress(tensors()) * 2),
        ("gzip", zlib.compress(tensors())),
        ("deflate", gzip.compress(tensors())),
        ("deflate", b""),
    ],
    ids=["plain", "broken off", "more after it", "two in a row", "the other coding", "and back", "empty"],
)
def test_a_body_not_packed_as_its_header_says_is_a_422(served_world: Any, coding: str, body: bytes) -> None:
    reply = served_world.infer(body, content_encoding=coding)
    assert (reply.status_code, reply.json()["fields"]["field"]) == (422, "body")


def test_another_coding_is_refused_naming_those_taken(served_world: Any) -> None:
    reply = served_world.infer(tensors(), content_encoding="br")
    assert (reply.status_code, reply.json()["fields"]["allowed"]) == (415, ["identity", "gzip", "deflate"])
    assert reply.headers["accept-encoding"] == "identity, gzip, deflate"


def test_a_bomb_is_a_413_and_is_never_unpacked_beyond_the_limit(make_world: Callable[..., Any]) -> None:
    limit = 100_000
    world = make_world(Limits(body_bytes=limit))
    world.publish()
    bomb = gzip.compress(b" " * 2**26)
    assert len(bomb) < limit
    reply = world.infer(bomb, content_encoding="gzip")
    assert (reply.status_code, reply.json()["fields"]["allowed"]) == (413, limit)
    tracemalloc.start()
    try:
        assert inflated(bomb, "gzip", limit) is None
        assert tracemalloc.get_traced_memory()[1] < 4 * limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("room", "fits"), [(0, True), (-1, False)], ids=["just fits", "just does not"])
def test_the_limit_counts_unpacked_bytes_exactly(room: int, fits: bool) -> None:
    packed = gzip.compress(b"x" * 5000)
    assert (inflated(packed, "gzip", 5000 + room) is not None) is fits


def test_a_bomb_within_a_bomb_is_refused_as_what_it_is() -> None:
    with pytest.raises(InputError):
        inflated(gzip.compress(b"") + gzip.compress(b" " * 10**7), "gzip", 100)
