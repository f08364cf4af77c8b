"""The same malformed requests as messages, and whatever else arrives: a status that blames the caller and a field."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from test_grpc import called, plain, spoiled

from roadworthy.gateway.batching import BatchedGateway
from roadworthy.gateway.protocol.grpc.messages import MESSAGES, SERVICE
from roadworthy.gateway.protocol.grpc.service import GrpcFace

BLAMES_CALLER = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}


def put(place: str, column: int, value: Any) -> Any:
    """The good message with one value replaced."""
    return spoiled(lambda m: getattr(m.inputs[column].contents, place).__setitem__(0, value))


def repeated(times: int) -> Any:
    """The good message with every column so many times as long."""

    def change(message: Any) -> None:
        for one in message.inputs:
            one.shape[0] = times
            for field, values in one.contents.ListFields():
                getattr(one.contents, field.name).extend(list(values) * (times - 1))

    return spoiled(change)


def in_bytes(*raw: bytes) -> Any:
    """The good message with its values as bytes."""

    def change(message: Any) -> None:
        for one in message.inputs:
            one.ClearField("contents")
        message.raw_input_contents.extend(raw)

    return spoiled(change)


AGE, BALANCE, JOB, MARRIED = b"\x28" + b"\0" * 7, b"\0" * 8, b"\x05\0\0\0clerk", b"\x01"

MESSAGES_SENT: dict[str, tuple[Any, str]] = {
    "a truncated message": (plain().SerializeToString()[:-3], "message"),
    "a name that is no UTF-8": (plain().SerializeToString().replace(b"offers", b"off\xffrs"), "message"),
    "a shape of more rows": (spoiled(lambda m: m.inputs[0].shape.__setitem__(0, 2)), "inputs[1].shape"),
    "more values than the shape says": (
        spoiled(lambda m: m.inputs[0].contents.int64_contents.append(1)),
        "inputs[0].data",
    ),
    "a shape whose product overflows": (
        spoiled(lambda m: m.inputs[0].shape.__setitem__(slice(None), [2**62, 2**62])),
        "inputs[0].shape",
    ),
    "a shape below zero": (spoiled(lambda m: m.inputs[0].shape.__setitem__(0, -1)), "inputs[0].shape"),
    "infinity": (put("fp64_contents", 1, float("inf")), "inputs[1].data"),
    "1e308": (put("fp64_contents", 1, 1e308), "inputs[1].data"),
    "a huge batch": (repeated(10_001), "inputs[0].shape"),
    "a column twice": (spoiled(lambda m: setattr(m.inputs[1], "name", "age")), "inputs[1].name"),
    "a string for a float": (
        spoiled(lambda m: (m.inputs[1].CopyFrom(m.inputs[2]), setattr(m.inputs[1], "name", "balance"))),
        "inputs[1].datatype",
    ),
    "an unknown datatype": (spoiled(lambda m: setattr(m.inputs[0], "datatype", "INT65")), "inputs[0].contents"),
    "an id far too long": (spoiled(lambda m: setattr(m, "id", "x" * 300)), "id"),
    "too few bytes": (in_bytes(AGE[:-1], BALANCE, JOB, MARRIED), "inputs[0].data"),
    "too many bytes": (in_bytes(AGE, BALANCE * 2, JOB, MARRIED), "inputs[1].data"),
    "a text longer than its bytes": (in_bytes(AGE, BALANCE, b"\xff\xff\xff\xffclerk", MARRIED), "inputs[2].data"),
    "bytes that are no UTF-8": (in_bytes(AGE, BALANCE, b"\x01\0\0\0\xff", MARRIED), "inputs[2].data"),
    "a flag that is none": (in_bytes(AGE, BALANCE, JOB, b"\x02"), "inputs[3].data"),
    "infinity in bytes": (in_bytes(AGE, b"\0\0\0\0\0\0\xf0\x7f", JOB, MARRIED), "inputs[1].data"),
}


@pytest.mark.parametrize(("message", "field"), MESSAGES_SENT.values(), ids=MESSAGES_SENT)
def test_a_malformed_message_is_an_invalid_argument_that_names_the_field(
    served_world: Any, message: Any, field: str
) -> None:
    error = called(served_world, message)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
    assert dict(error.trailing_metadata())["field"] == field, error.details()
    assert served_world.decisions() == []


def test_the_message_in_bytes_these_are_made_of_is_answered(served_world: Any) -> None:
    called(served_world, in_bytes(AGE, BALANCE, JOB, MARRIED))
    assert [d.inputs["age"] for d in served_world.decisions()] == [40]


texts = st.sampled_from(["age", "balance", "job", "married", "INT64", "FP64", "BYTES", "BOOL", "FP16", ""])
contents = st.fixed_dictionaries(
    {},
    optional={
        "bool_contents": st.lists(st.booleans(), max_size=2),
        "int64_contents": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2),
        "uint64_contents": st.lists(st.integers(0, 2**64 - 1), max_size=2),
        "fp32_contents": st.lists(st.floats(width=32), max_size=2),
        "fp64_contents": st.lists(st.floats(), max_size=2),
        "bytes_contents": st.lists(st.binary(max_size=4), max_size=2),
    },
)
tensors = st.fixed_dictionaries(
    {"name": texts, "datatype": texts, "shape": st.lists(st.integers(-1, 3) | st.just(2**62), max_size=3)},
    optional={"contents": contents, "parameters": st.dictionaries(st.text(max_size=3), st.just({}), max_size=1)},
)
values = st.fixed_dictionaries({}, optional={"int64_param": st.integers(0, 9), "string_param": st.text(max_size=5)})
messages = st.fixed_dictionaries(
    {"model_name": st.sampled_from(["offers", "offers", "nobody", ""])},
    optional={
        "id": st.text(max_size=3),
        "model_version": st.sampled_from(["v1", "v9"]),
        "inputs": st.lists(tensors, max_size=4),
        "parameters": st.dictionaries(st.sampled_from(["unit_id", "unit_ids", "request_ids", "x"]), values),
        "raw_input_contents": st.lists(st.binary(max_size=9), max_size=4),
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["score", "x"])}), max_size=2),
    },
)


def mutated(data: st.DataObject) -> bytes:
    """The good message with bytes changed, or a message made up by the grammar, or any bytes at all."""
    kind = data.draw(st.sampled_from(["changed", "made up", "any"]))
    if kind == "any":
        return data.draw(st.binary(max_size=60))
    if kind == "made up":
        return bytes(MESSAGES["ModelInferRequest"](**data.draw(messages)).SerializeToString())
    body = bytearray(plain(id="r").SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    return bytes(body)


def on_one_port(world: Any, talk: Callable[[Callable[[bytes], Any]], None]) -> None:
    """Run `talk` in a thread with a function that sends one message and gives its reply or error."""

    async def run() -> None:
        face, plane = GrpcFace("127.0.0.1", 0), BatchedGateway(world.gateway)
        await face.start(plane)
        try:
            await asyncio.to_thread(in_thread, face.port)
        finally:
            await face.stop()
            await plane.drain()

    def in_thread(port: int) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_unary(f"/{SERVICE}/ModelInfer")

            def send(raw: bytes) -> Any:
                try:
                    return method(raw)
                except grpc.RpcError as error:
                    return error

            talk(send)

    asyncio.run(run())


def test_whatever_arrives_over_grpc_is_answered_or_refused_naming_a_field(served_world: Any) -> None:
    seen: set[str] = set()

    def talk(send: Callable[[bytes], Any]) -> None:
        @settings(
            max_examples=400,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(data=st.data())
        def try_it(data: st.DataObject) -> None:
            said = send(mutated(data))
            status = "OK" if isinstance(said, bytes) else said.code().name
            seen.add(status)
            assert status in BLAMES_CALLER, said
            if status == "INVALID_ARGUMENT":
                assert dict(said.trailing_metadata())["field"], said.details()

        try_it()

    on_one_port(served_world, talk)
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND"} <= seen
