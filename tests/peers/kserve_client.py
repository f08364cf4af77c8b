"""KServe's own clients against a gateway; run by `test_kserve.py` with the Python of a venv that has kserve.

python kserve_client.py HTTP_ADDRESS GRPC_ADDRESS      writes one JSON object
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

COLUMNS: dict[str, tuple[str, Any]] = {
    "age": ("INT64", np.array([40, 20], dtype=np.int64)),
    "balance": ("FP64", np.array([1.5, 3.0])),
    "job": ("BYTES", np.array(["clerk", "nürse"], dtype=object)),
    "married": ("BOOL", np.array([True, False])),
}


def request(name: str, *, binary: bool, units: Any) -> InferRequest:
    """Two rows as the client makes them."""
    inputs = []
    for column, (kind, values) in COLUMNS.items():
        one = InferInput(column, list(values.shape), kind)
        one.set_data_from_numpy(values, binary_data=binary)
        inputs.append(one)
    return InferRequest("offers", inputs, request_id=name, parameters={"unit_ids": units})


def told(response: Any) -> dict[str, list[Any]]:
    """The outputs as the client reads them."""
    found = {}
    for output in response.outputs:
        values = output.as_numpy().tolist()
        found[output.name] = [v.decode() if isinstance(v, bytes) else v for v in values]
    return found


async def main(http: str, grpc: str) -> dict[str, Any]:
    """Everything the clients do with a server of this protocol."""
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    over_grpc = InferenceGRPCClient(url=grpc)
    units = ["u-1", "u-2"]
    found = {
        "rest health": [
            await rest.is_server_live(http),
            await rest.is_server_ready(http),
            await rest.is_model_ready(http, "offers"),
        ],
        "rest json": told(await rest.infer(http, request("j", binary=False, units=units), model_name="offers")),
        "rest bytes": told(await rest.infer(http, request("b", binary=True, units=units), model_name="offers")),
        "grpc health": [
            await over_grpc.is_server_live(),
            await over_grpc.is_server_ready(),
            await over_grpc.is_model_ready("offers"),
        ],
        "grpc": told(await over_grpc.infer(request("g", binary=True, units=json.dumps(units)))),
    }
    await rest.close()
    await over_grpc.close()
    return found


sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))) + "\n")
