"""Clients that others wrote, over real HTTP: what they send is taken, what they get they can read."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton

sys.path.insert(0, str(Path(__file__).parent))

from test_server import by_granian

from roadworthy.gateway.app import GatewayApp

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
