"""MLflow's scoring bodies: each of its four tables gets the answer of the same rows in the Open Inference Protocol."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

PATH = "/v2/models/offers/invocations"
COLUMNS: dict[str, list[Any]] = {
    "age": [40, 20],
    "balance": [None, 2.5],
    "job": ["clerk", "nurse"],
    "married": [True, False],
}
ROWS = pd.DataFrame(COLUMNS)
UNITS = {"params": {"unit_ids": ["u-1", "u-2"]}}
TABLES: dict[str, Any] = {
    "dataframe_split": json.loads(ROWS.to_json(orient="split")),
    "dataframe_records": json.loads(ROWS.to_json(orient="records")),
    "instances": json.loads(ROWS.to_json(orient="records")),
    "inputs": COLUMNS,
}


def asked(world: Any, body: Any) -> Any:
    return world.request("POST", PATH, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("form", TABLES)
def test_every_table_gets_the_answer_of_the_same_rows(served_world: Any, form: str) -> None:
    said = asked(served_world, {form: TABLES[form], **UNITS}).json()
    inputs = [
        {"name": name, "datatype": kind, "shape": [2], "data": COLUMNS[name]}
        for name, kind in {"age": "INT64", "balance": "FP64", "job": "BYTES", "married": "BOOL"}.items()
    ]
    plain = {"inputs": inputs, "parameters": UNITS["params"]}
    outputs = {o["name"]: o["data"] for o in served_world.infer(json.dumps(plain).encode()).json()["outputs"]}
    assert [p["score"] for p in said["predictions"]] == outputs["score"]
    assert [p["acted"] for p in said["predictions"]] == outputs["acted"]
    assert len(said["request_ids"]) == 2


RECORD = {"age": 40, "balance": 1.0, "job": "clerk", "married": True}
BAD: dict[str, tuple[Any, str]] = {
    "no table": ({**UNITS}, "body"),
    "two tables": ({"instances": [RECORD], "dataframe_records": [RECORD]}, "body"),
    "no rows": ({"instances": []}, "inputs"),
    "a row too short": ({"dataframe_split": {"columns": ["age", "job"], "data": [[1]]}}, "dataframe_split.data[0]"),
    "a column twice": (
        {"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}},
        "dataframe_split.columns",
    ),
    "rows that differ": ({"instances": [RECORD, {"age": 1}]}, "instances[1]"),
    "an unknown column": ({"instances": [{**RECORD, "income": 1}]}, "inputs"),
    "a column missing": ({"instances": [{"age": 40}]}, "inputs"),
    "text for a number": ({"instances": [{**RECORD, "age": "forty"}], "params": {"unit_id": "u"}}, "instances"),
    "columns of two lengths": ({"inputs": {**{k: [v] for k, v in RECORD.items()}, "age": [1, 2]}}, "inputs"),
    "nobody it is about": ({"instances": [RECORD]}, "parameters.unit_id"),
    "no JSON": (b"{", "body"),
    "a list": (b"[]", "body"),
    "an unknown key": ({"instances": [RECORD], "signature_name": "x"}, "body"),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD)
def test_a_malformed_scoring_body_is_a_422_that_names_the_field(served_world: Any, body: Any, field: str) -> None:
    reply = asked(served_world, body)
    assert (reply.status_code, reply.json()["fields"]["field"]) == (422, field)
