"""gRPC: the protocol's own messages, another vendor's client answered as over HTTP, errors with their status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2

from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.batching import BatchedGateway
from roadworthy.gateway.protocol.grpc.messages import FIELDS, MESSAGES, SERVICE
from roadworthy.gateway.protocol.grpc.service import GrpcFace
from roadworthy.gateway.request import Limits

COLUMNS = {
    "age": ("INT64", np.array([40, 20, 66])),
    "balance": ("FP64", np.array([1.5, np.nan, 3.0])),
    "job": ("BYTES", np.array(["clerk", "nürse", ""], dtype=object)),
    "married": ("BOOL", np.array([True, False, True])),
}
UNITS = ["u-1", "u-2", "u-3"]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def field_of(descriptor: Any) -> dict[str, tuple[int, int, int]]:
    return {f.name: (f.number, f.type, f.label) for f in descriptor.fields}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_the_name_number_and_type_another_vendor_generated(name: str) -> None:
    theirs, ours = service_pb2.DESCRIPTOR.message_types_by_name, MESSAGES
    outer, _, inner = name.partition(".")
    mine, other = ours[outer].DESCRIPTOR, theirs[outer]
    if inner:
        mine, other = mine.nested_types_by_name[inner], other.nested_types_by_name[inner]
    assert field_of(mine) == field_of(other)


def inputs() -> list[triton.InferInput]:
    made = []
    for name, (kind, values) in COLUMNS.items():
        one = triton.InferInput(name, list(values.shape), kind)
        one.set_data_from_numpy(values)
        made.append(one)
    return made


def with_client(
    world: Any, talk: Callable[[triton.InferenceServerClient], Any], watches: Sequence[Any] = ()
) -> Any:
    """What `talk` gets from the gateway's gRPC port."""

    async def run() -> Any:
        face = GrpcFace("127.0.0.1", 0, watches)
        plane = BatchedGateway(world.gateway)
        await face.start(plane)
        try:
            return await asyncio.to_thread(in_thread, f"127.0.0.1:{face.port}")
        finally:
            await face.stop()
            await plane.drain()

    def in_thread(address: str) -> Any:
        with triton.InferenceServerClient(address) as client:
            return talk(client)

    return asyncio.run(run())


def test_triton_s_client_reads_health_and_metadata(served_world: Any) -> None:
    def talk(client: triton.InferenceServerClient) -> tuple[Any, ...]:
        return (
            client.is_server_live(),
            client.is_server_ready(),
            client.is_model_ready("offers"),
            list(client.get_server_metadata().extensions),
            [(c.name, c.datatype) for c in client.get_model_metadata("offers").inputs],
        )

    columns = [(name, kind) for name, (kind, _) in COLUMNS.items()]
    assert with_client(served_world, talk) == (True, True, True, ["binary_tensor_data"], columns)


def test_triton_s_client_gets_over_grpc_what_it_gets_over_http(served_world: Any) -> None:
    units = {"unit_ids": json.dumps(UNITS)}

    def talk(client: triton.InferenceServerClient) -> Any:
        return client.infer("offers", inputs(), request_id="order", parameters=units)

    said = with_client(served_world, talk)
    # Drained by now: the same rows in the same process, over HTTP.
    columns = [
        {"name": n, "datatype": k, "shape": [3], "data": [None if v != v else v for v in values.tolist()]}  # noqa: PLR0124
        for n, (k, values) in COLUMNS.items()
    ]
    body = json.dumps({"inputs": columns, "parameters": {"unit_ids": UNITS}, "id": "order"}).encode()
    answer = served_world.gateway.infer("offers", body)
    assert said.as_numpy("score").tolist() == list(answer.scores)
    assert [a.decode() for a in said.as_numpy("arm")] == list(answer.arms)
    assert said.get_response().parameters["request_ids"].string_param == json.dumps(
        answer.request_ids, separators=(",", ":")
    )
    assert len(served_world.decisions()) == 3


def plain(**top: Any) -> Any:
    """A request with `contents`, as clients write it that send no bytes."""
    message = MESSAGES["ModelInferRequest"](model_name="offers", **top)
    message.parameters["unit_id"].string_param = "u-1"
    for name, kind, place, value in (
        ("age", "INT64", "int64_contents", 40),
        ("balance", "FP64", "fp64_contents", float("nan")),
        ("job", "BYTES", "bytes_contents", b"clerk"),
        ("married", "BOOL", "bool_contents", True),
    ):
        one = message.inputs.add(name=name, datatype=kind, shape=[1])
        getattr(one.contents, place).append(value)
    return message


def called(world: Any, message: Any, method: str = "ModelInfer") -> Any:
    """The reply to a message sent as it is, or the RpcError."""
    raw = message if isinstance(message, bytes) else message.SerializeToString()

    async def run() -> Any:
        face = GrpcFace("127.0.0.1", 0)
        plane = BatchedGateway(world.gateway)
        await face.start(plane)
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{face.port}") as channel:
                return await channel.unary_unary(f"/{SERVICE}/{method}")(raw)
        except grpc.aio.AioRpcError as error:
            return error
        finally:
            await face.stop()
            await plane.drain()

    return asyncio.run(run())


def test_contents_are_answered_with_contents(served_world: Any) -> None:
    reply = MESSAGES["ModelInferResponse"].FromString(called(served_world, plain(id="r")))
    (decision,) = served_world.decisions()
    assert (reply.id, [o.name for o in reply.outputs]) == ("r", ["score", "acted", "arm"])
    assert list(reply.outputs[0].contents.fp64_contents) == [decision.score]
    assert not reply.raw_output_contents


@pytest.mark.parametrize(
    ("sent", "kept"), [(TRACE, "4bf92f3577b34da6a3ce929d0e0e4736"), ("nonsense", "")], ids=["valid", "invalid"]
)
def test_a_valid_trace_context_is_kept_with_the_decision_and_passed_back(
    served_world: Any, sent: str, kept: str
) -> None:
    def talk(client: triton.InferenceServerClient) -> None:
        client.infer("offers", inputs(), parameters={"unit_id": "u"}, headers={"traceparent": sent})

    with_client(served_world, talk)
    assert {d.trace for d in served_world.decisions()} == {kept}


def test_who_looks_on_sees_calls_with_their_status_endpoint_and_stages(served_world: Any) -> None:
    seen: list[Any] = []

    class Looking:
        def answered(self, one: Any) -> str:
            seen.append(one)
            return ""

        def close(self) -> None:
            """Nothing is kept."""

    def talk(client: triton.InferenceServerClient) -> None:
        client.infer(
            "offers", inputs(), request_id="r", parameters={"unit_id": "u"}, headers={"traceparent": TRACE}
        )
        with pytest.raises(triton.InferenceServerException):
            client.infer("offers", inputs()[:1], parameters={"unit_id": "u"})
        with pytest.raises(triton.InferenceServerException):
            client.infer("nobody", inputs())
        client.is_server_live()

    with_client(served_world, talk, [Looking()])
    assert [(s.path.rpartition("/")[2], s.endpoint, s.status, s.request_id) for s in seen] == [
        ("ModelInfer", "offers", 200, "r"),
        ("ModelInfer", "offers", 422, ""),
        ("ModelInfer", "", 404, ""),
        ("ServerLive", "", 200, ""),
    ]
    assert [s.traceparent for s in seen] == [TRACE, "", "", ""]
    first = seen[0].marks
    times = [first.arrived, first.resolved, first.admitted, first.predicting, first.predicted, first.recorded]
    assert times[0] > 0
    assert [*times, seen[0].ended] == sorted([*times, seen[0].ended])


def spoiled(change: Callable[[Any], object]) -> Any:
    message = plain()
    change(message)
    return message


BAD: dict[str, tuple[Any, str, str]] = {
    "no message": (b"\xff\xff", "INVALID_ARGUMENT", "message"),
    "no inputs": (spoiled(lambda m: m.ClearField("inputs")), "INVALID_ARGUMENT", "inputs"),
    "nobody": (spoiled(lambda m: m.parameters.clear()), "INVALID_ARGUMENT", "parameters.unit_id"),
    "an unknown parameter": (
        spoiled(lambda m: m.parameters["x"].MergeFrom(m.parameters["unit_id"])),
        "INVALID_ARGUMENT",
        "parameters",
    ),
    "a list that is none": (
        spoiled(lambda m: setattr(m.parameters["unit_ids"], "string_param", "u-1")),
        "INVALID_ARGUMENT",
        "parameters.unit_ids",
    ),
    "values in another place": (
        spoiled(lambda m: m.inputs[0].contents.fp32_contents.append(1)),
        "INVALID_ARGUMENT",
        "inputs[0].contents",
    ),
    "a shape that does not fit": (
        spoiled(lambda m: m.inputs[0].shape.append(2)),
        "INVALID_ARGUMENT",
        "inputs[0].shape",
    ),
    "text that is no UTF-8": (
        spoiled(lambda m: m.inputs[2].contents.bytes_contents.__setitem__(0, b"\xff")),
        "INVALID_ARGUMENT",
        "inputs[2].contents",
    ),
    "too few raw contents": (
        spoiled(lambda m: m.raw_input_contents.append(b"1")),
        "INVALID_ARGUMENT",
        "raw_input_contents",
    ),
    "an unknown output": (spoiled(lambda m: m.outputs.add(name="logit")), "INVALID_ARGUMENT", "outputs[0].name"),
    "an unknown endpoint": (spoiled(lambda m: setattr(m, "model_name", "nobody")), "NOT_FOUND", ""),
    "an unknown version": (spoiled(lambda m: setattr(m, "model_version", "v9")), "NOT_FOUND", ""),
}


@pytest.mark.parametrize(("message", "status", "field"), BAD.values(), ids=BAD)
def test_what_cannot_be_answered_has_its_status_and_names_the_field(
    served_world: Any, message: Any, status: str, field: str
) -> None:
    error = called(served_world, message)
    assert error.code().name == status, error
    assert dict(error.trailing_metadata()).get("field", "") == field
    assert served_world.decisions() == []


def test_a_message_beyond_the_limit_is_refused(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(body_bytes=100))
    world.publish()
    assert called(world, plain()).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_the_port_is_open_as_long_as_the_application(served_world: Any) -> None:
    face = GrpcFace("127.0.0.1", 0)

    async def live() -> bool:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{face.port}") as channel:
            return bool(await channel.unary_unary(f"/{SERVICE}/ServerLive")(b""))

    async def run() -> list[Any]:
        events = iter(["lifespan.startup", "lifespan.shutdown"])
        seen: list[Any] = []

        async def receive() -> dict[str, str]:
            kind = next(events)
            if kind == "lifespan.shutdown":
                seen.append(await live())
            return {"type": kind}

        async def send(message: Any) -> None:
            seen.append(message["type"])

        await GatewayApp(served_world.gateway, [face])({"type": "lifespan"}, receive, send)
        with pytest.raises(grpc.aio.AioRpcError):
            await live()
        return seen

    assert asyncio.run(run()) == ["lifespan.startup.complete", True, "lifespan.shutdown.complete"]
