"""Declared limits: enforced over every transport alike, and what was not declared is admitted as before."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.domain.errors import InputError
from roadworthy.domain.model import ColumnLimit, ColumnSpec, DType, Signature
from roadworthy.domain.serving import ArmRole
from roadworthy.gateway.plane import InProcessEndpoint
from roadworthy.gateway.protocol.bounds import Bounds
from roadworthy.statistics.frame import Frame

COLUMNS = (
    ColumnSpec("age", DType.INT64, low=18, high=90),
    ColumnSpec("balance", DType.FP64, missing_allowed=True),
    ColumnSpec("job", DType.BYTES, categories=("clerk", "nurse")),
    ColumnSpec("married", DType.BOOL),
)
LIMITS = (
    ColumnLimit("age", 18, 99),
    ColumnLimit("balance", high=1e6, optional=True),
    ColumnLimit("job", categories=("clerk", "nurse")),
)
SIGNATURE = Signature(COLUMNS, limits=LIMITS)


def serve(world: Any, signature: Signature = SIGNATURE, challenger: Signature | None = None) -> Any:
    arms = [replace(world.arm("v1", ArmRole.CHAMPION, 0.5 if challenger else 1.0), signature=signature)]
    if challenger:
        arms.append(replace(world.arm("v2", ArmRole.CHALLENGER, 0.5), signature=challenger))
    world.publish(world.deployment(*arms))
    return world


def body(**changes: Any) -> bytes:
    """Three rows; a column given as None is left out."""
    values: dict[str, Any] = {
        "age": [18, 40, 99],
        "balance": [None, -5.0, 1e6],
        "job": ["clerk", "nurse", "nurse"],
        "married": [True, True, False],
        **changes,
    }
    kinds = {"age": "INT64", "balance": "FP64", "job": "BYTES", "married": "BOOL", "hobby": "BYTES"}
    inputs = [
        {"name": n, "shape": [len(v)], "datatype": kinds[n], "data": v} for n, v in values.items() if v is not None
    ]
    return json.dumps({"id": "r", "inputs": inputs, "parameters": {"unit_ids": ["a", "b", "c"]}}).encode()


def test_values_on_the_bounds_are_admitted(world: Any) -> None:
    assert serve(world).infer(body()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": [18, 17, 99]}, "column 'age', row 1: 17 is outside what this model was declared for"),
        ({"age": [18, 17, 100]}, "column 'age', row 1: 17"),
        ({"balance": [None, 1e6 + 1, None]}, "column 'balance', row 1: 1000001"),
        ({"job": ["clerk", "nurse", "pilot"]}, "column 'job', row 2: 'pilot'"),
    ],
    ids=["below", "the first of two", "above", "a category"],
)
def test_a_value_outside_is_refused_naming_column_row_value_and_what_is_allowed(
    world: Any, changes: dict[str, Any], said: str
) -> None:
    reply = serve(world).infer(body(**changes))
    assert reply.status_code == 422
    assert said in reply.text
    assert "Allowed: " in reply.text
    assert world.decisions() == []


def test_a_column_that_may_be_left_out_counts_as_missing(world: Any) -> None:
    assert serve(world).infer(body(balance=None)).status_code == 200
    assert [d.inputs["balance"] for d in world.decisions()] == [None] * 3


def test_without_a_declaration_a_value_nobody_saw_is_admitted_and_no_column_may_be_left_out(world: Any) -> None:
    serve(world, Signature(COLUMNS))
    assert world.infer(body(age=[1, 2, 3], job=["pilot"] * 3)).status_code == 200
    assert "missing column 'balance'" in world.infer(body(balance=None)).text


def test_unknown_columns_are_refused_or_left_aside_as_declared(make_world: Any) -> None:
    hobby = {"hobby": ["chess"] * 3}
    assert "unknown column 'hobby'" in serve(make_world()).infer(body(**hobby)).text
    world = serve(make_world(), replace(SIGNATURE, ignore_unknown=True))
    assert world.infer(body(**hobby)).status_code == 200
    assert set(world.decisions()[0].inputs) == {"age", "balance", "job", "married"}


def test_mlflow_bodies_and_calls_in_code_keep_to_the_same_limits(world: Any) -> None:
    serve(world, replace(SIGNATURE, ignore_unknown=True))
    record = {"age": 17, "balance": 1.0, "job": "clerk", "married": True, "hobby": "chess"}
    sent = json.dumps({"instances": [record], "params": {"unit_id": "u"}}).encode()
    assert "column 'age', row 0: 17" in world.request("POST", "/v2/models/offers/invocations", sent).text
    job = np.array(["clerk", "pilot"], dtype=object)
    frame = Frame({"age": np.array([20, 30]), "job": job, "married": np.array([True, False])})
    with pytest.raises(InputError, match="column 'job', row 1: 'pilot'"):
        InProcessEndpoint(world.gateway, "offers").predict(frame, ["u", "v"])


def test_every_arms_limits_hold(world: Any) -> None:
    serve(
        world,
        SIGNATURE,
        replace(SIGNATURE, limits=(ColumnLimit("age", 30), ColumnLimit("job", categories=("nurse",)))),
    )
    assert "Allowed: 30 to 99" in world.infer(body()).text
    assert "Allowed: nurse." in world.infer(body(age=[30, 40, 99])).text
    assert world.infer(body(age=[30, 40, 99], job=["nurse"] * 3)).status_code == 200


@pytest.mark.parametrize("n_rows", [1, 2, 50])
def test_one_row_is_judged_as_it_is_among_many(n_rows: int) -> None:
    bounds, draw = Bounds.of([SIGNATURE], SIGNATURE), np.random.default_rng(n_rows)
    for _ in range(200):
        age, balance = draw.integers(15, 103, n_rows), draw.choice([np.nan, 0.0, 1e6, 1e6 + 1], n_rows)
        job = np.array(draw.choice(["clerk", "nurse", "pilot"], n_rows, p=[0.49, 0.49, 0.02]), dtype=object)
        columns = {"age": age, "balance": balance, "job": job, "married": np.ones(n_rows, dtype=bool)}
        good = (age >= 18) & (age <= 99) & ~(balance > 1e6) & (job != "pilot")
        if good.all():
            assert bounds.kept(columns, n_rows) == columns
            continue
        with pytest.raises(InputError):
            bounds.kept(columns, n_rows)
