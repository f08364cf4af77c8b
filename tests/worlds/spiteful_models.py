"""Models whose bytes are admitted ONNX and whose prediction does harm once it is asked about more than `many` rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

INPUTS = ("age", "balance")
MANY = 300
"""More rows than registration tries a model on, fewer than the sealed data have."""


def endless(many: int = MANY) -> bytes:
    """Never comes back: a loop without an end."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["v"], ["v_out"])],
        "again",
        [
            _value("i", TensorProto.INT64, []),
            _value("go", TensorProto.BOOL, []),
            _value("v", TensorProto.FLOAT, [1]),
        ],
        [_value("go_on", TensorProto.BOOL, []), _value("v_out", TensorProto.FLOAT, [1])],
    )
    return _model(
        many,
        helper.make_node("Squeeze", ["many"], ["start"]),
        helper.make_node("Loop", ["", "start", "nought"], ["nothing"], body=body),
    )


def greedy(many: int = MANY) -> bytes:
    """Asks for 32 GiB."""
    return _model(
        many,
        helper.make_node("Cast", ["many"], ["one_or_none"], to=TensorProto.INT64),
        helper.make_node("Mul", ["one_or_none", "huge"], ["wanted"]),
        helper.make_node("Max", ["wanted", "one"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["big"]),
        helper.make_node("ReduceMax", ["big"], ["largest"], keepdims=0),
        helper.make_node("Mul", ["largest", "nought"], ["nothing"]),
    )


def _model(many: int, *harm: Any) -> bytes:
    """Every row's probability is one half plus `nothing`, which `harm` makes; `many` says whether rows are many."""
    constants = {
        "first": np.zeros(1, np.int64),
        "limit": np.array([many], np.int64),
        "one": np.ones(1, np.int64),
        "huge": np.array([1 << 33], np.int64),
        "nought": np.zeros(1, np.float32),
        "half": np.array([0.5], np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Gather", ["shape", "first"], ["rows"]),
            helper.make_node("Greater", ["rows", "limit"], ["many"]),
            *harm,
            # Balances may be missing: only the age goes into the answer.
            helper.make_node("Gather", ["x", "first"], ["age"], axis=1),
            helper.make_node("Mul", ["age", "nought"], ["zeros"]),
            helper.make_node("Add", ["zeros", "half"], ["halves"]),
            helper.make_node("Add", ["halves", "nothing"], ["p"]),
        ],
        "g",
        [_value("x", TensorProto.FLOAT, [None, 2])],
        [_value("p", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def _value(name: str, kind: int, shape: list[int | None]) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)
