"""MLflow's own scoring client, given another address, is answered as by MLflow's own server."""

from __future__ import annotations

import asyncio
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from test_server import by_granian

from roadworthy.gateway.app import GatewayApp

with warnings.catch_warnings():
    # It warns about its own type hints while it is imported.
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

TABLE = pd.DataFrame({"age": [40, 20], "balance": [1.5, 3.0], "job": ["clerk", "nürse"], "married": [True, False]})
NAMES = {"unit_ids": ["u-1", "u-2"], "request_ids": ["r-1", "r-2"]}


def test_mlflow_s_client_sends_what_is_taken_and_reads_what_is_answered(served_world: Any) -> None:
    def talk(address: str) -> Any:
        client = ScoringServerClient("unused", 0)
        client.url_prefix = f"{address}/v2/models/offers"
        return client.invoke(TABLE, params=NAMES).get_predictions()

    async def run() -> Any:
        async with by_granian(GatewayApp(served_world.gateway)) as address:
            return await asyncio.to_thread(talk, address)

    found = asyncio.run(run())
    recorded = served_world.decisions()
    assert [(d.request_id, d.unit_id, d.inputs["job"]) for d in recorded] == [
        ("r-1", "u-1", "clerk"),
        ("r-2", "u-2", "nürse"),
    ]
    assert found["score"].tolist() == [d.score for d in recorded]
