"""Clients that others wrote, over real HTTP: what they send is taken, what they get they can read."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as over_grpc
import tritonclient.http as triton

sys.path.insert(0, str(Path(__file__).parent))

from test_server import by_granian

from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.serving import ArmRole
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.protocol.grpc.service import GrpcFace

COLUMNS = {
    "age": ("INT64", np.array([40, 20, 66])),
    "balance": ("FP64", np.array([1.5, np.nan, 3.0])),
    "job": ("BYTES", np.array(["clerk", "nürse", ""], dtype=object)),
    "married": ("BOOL", np.array([True, False, True])),
}
UNITS = {"unit_ids": ["u-1", "u-2", "u-3"]}


def inputs(*, binary: bool) -> list[triton.InferInput]:
    """The rows as the client sends them."""
    made = []
    for name, (kind, values) in COLUMNS.items():
        one = triton.InferInput(name, list(values.shape), kind)
        one.set_data_from_numpy(values, binary_data=binary)
        made.append(one)
    return made


def with_client(world: Any, talk: Any) -> Any:
    """What `talk` gets from a gateway behind a real server."""

    async def run() -> Any:
        async with by_granian(GatewayApp(world.gateway)) as address:
            return await asyncio.to_thread(talk_in_thread, address.removeprefix("http://"))

    def talk_in_thread(address: str) -> Any:
        client = triton.InferenceServerClient(address)
        try:
            return talk(client)
        finally:
            client.close()

    return asyncio.run(run())


def test_triton_s_client_reads_health_and_metadata(served_world: Any) -> None:
    def talk(client: triton.InferenceServerClient) -> tuple[Any, ...]:
        return (
            client.is_server_live(),
            client.is_server_ready(),
            client.is_model_ready("offers"),
            client.get_server_metadata()["extensions"],
            [c["name"] for c in client.get_model_metadata("offers")["inputs"]],
        )

    assert with_client(served_world, talk) == (True, True, True, ["binary_tensor_data"], list(COLUMNS))


@pytest.mark.parametrize("outputs", [None, ["score", "arm"]], ids=["all outputs", "some outputs"])
def test_triton_s_client_gets_the_same_scores_in_bytes_and_in_json(served_world: Any, outputs: Any) -> None:
    wanted = outputs and [triton.InferRequestedOutput(name, binary_data=True) for name in outputs]

    def talk(client: triton.InferenceServerClient) -> tuple[Any, Any]:
        in_bytes = client.infer("offers", inputs(binary=True), outputs=wanted, parameters=UNITS, request_id="r")
        plain = [triton.InferRequestedOutput(name, binary_data=False) for name in ("score", "acted", "arm")]
        in_json = client.infer("offers", inputs(binary=True), outputs=plain, parameters=UNITS, request_id="r")
        return in_bytes, in_json

    in_bytes, in_json = with_client(served_world, talk)
    np.testing.assert_array_equal(in_bytes.as_numpy("score"), in_json.as_numpy("score"))
    assert [a.decode() for a in in_bytes.as_numpy("arm")] == list(in_json.as_numpy("arm"))
    assert (in_bytes.as_numpy("acted") is None) == (outputs is not None)
    assert in_bytes.get_response()["id"] == "r"
    assert len(served_world.decisions()) == 3


def test_triton_s_client_is_told_what_is_wrong(served_world: Any) -> None:
    def talk(client: triton.InferenceServerClient) -> str:
        with pytest.raises(triton.InferenceServerException) as caught:
            client.infer("offers", inputs(binary=True)[:2], parameters=UNITS)
        return str(caught.value)

    assert "missing column 'job', 'married'" in with_client(served_world, talk)


NUMBERS = Signature((ColumnSpec("age", DType.FP64), ColumnSpec("balance", DType.FP64, missing_allowed=True)))
ROWS = np.array([[40.0, 1.5], [20.0, np.nan], [66.0, 3.0]])


@pytest.fixture
def numeric_world(world: Any) -> Any:
    """A world whose endpoint takes two columns, both numbers."""
    arm = replace(world.arm("v1", ArmRole.CHAMPION, 1.0), signature=NUMBERS)
    world.publish(world.deployment(arm))
    return world


def matrix(module: Any, rows: Any, **about: Any) -> list[Any]:
    """All columns as one tensor, under a name of the client's own."""
    one = module.InferInput("input-0", list(rows.shape), "FP64")
    one.set_data_from_numpy(rows, **about)
    return [one]


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "json"])
def test_triton_s_client_may_send_all_columns_as_one_tensor(numeric_world: Any, binary: bool) -> None:
    rows = ROWS if binary else ROWS[[0, 2]]

    def talk(client: triton.InferenceServerClient) -> Any:
        units = {"unit_ids": UNITS["unit_ids"][: len(rows)]}
        return client.infer("offers", matrix(triton, rows, binary_data=binary), parameters=units, request_id="r")

    said = with_client(numeric_world, talk)
    recorded = numeric_world.decisions()
    assert said.as_numpy("score").tolist() == [d.score for d in recorded]
    assert [(d.inputs["age"], d.inputs["balance"]) for d in recorded] == [
        (age, None if balance != balance else balance)  # noqa: PLR0124 - NaN is what differs from itself
        for age, balance in rows.tolist()
    ]


def test_triton_s_client_may_do_so_over_grpc(numeric_world: Any) -> None:
    async def run() -> Any:
        face = GrpcFace("127.0.0.1", 0)
        app = GatewayApp(numeric_world.gateway, [face])
        await app.open()
        try:
            return await asyncio.to_thread(talk, f"127.0.0.1:{face.port}")
        finally:
            await app.drain()

    def talk(address: str) -> Any:
        with over_grpc.InferenceServerClient(address) as client:
            return client.infer("offers", matrix(over_grpc, ROWS), request_id="r", parameters={"unit_id": "u"})

    said = asyncio.run(run())
    assert said.as_numpy("score").tolist() == [d.score for d in numeric_world.decisions()]


def test_a_tensor_of_too_many_columns_is_refused_by_its_shape(numeric_world: Any) -> None:
    def talk(client: triton.InferenceServerClient) -> str:
        with pytest.raises(triton.InferenceServerException) as caught:
            client.infer("offers", matrix(triton, np.zeros((3, 5)), binary_data=True), parameters=UNITS)
        return str(caught.value)

    assert "as a tensor of all columns it has 5 of 2" in with_client(numeric_world, talk)
