"""A workspace on disk whose endpoints serve real models, every gate passed and every document signed.

The models are those of the serving benchmark everybody is measured with: breast cancer (scikit-learn's own data, 30
numbers per row), a logistic regression on scaled columns and boosted trees, both as ONNX. One further model takes
numbers and texts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "worlds"))

from simulated_offers import arrivals
from small_world import World

from roadworthy.services.serve.deploy import deploy
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.statistics.frame import Floats, Frame

MODELS = ("lr", "hgb")
CASE = "offers"


def rows() -> tuple[Floats, Floats]:
    """The data, (569, 30), and its labels."""
    x, y = load_breast_cancer(return_X_y=True)
    return np.ascontiguousarray(x, dtype=np.float64), y.astype(np.float64)


def columns() -> tuple[str, ...]:
    """The names of the 30 columns."""
    return tuple(f"x{i:02}" for i in range(30))


def onnx(model: str) -> bytes:
    """One of `MODELS`, trained on all rows, as ONNX with probabilities."""
    x, y = rows()
    made = {
        "lr": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "hgb": HistGradientBoostingClassifier(max_iter=100, random_state=0),
    }[model].fit(x, y)
    graph = to_onnx(made, x[:1].astype(np.float32), options={id(made): {"zipmap": False}})
    return bytes(graph.SerializeToString())


def mixed(columns: int, n_rows: int = 600) -> tuple[bytes, Frame]:
    """A logistic regression on half numbers, half texts, as ONNX with one input per column, and its data."""
    rng = np.random.default_rng(columns)
    texts = np.array(["north", "south", "east", "west"], dtype=object)
    data: dict[str, Any] = {}
    for i in range(columns):
        data[f"x{i:02}"] = rng.normal(size=n_rows) if i % 2 else texts[rng.integers(0, 4, n_rows)]
    numbers, words = [n for i, n in enumerate(data) if i % 2], [n for i, n in enumerate(data) if not i % 2]
    y = (data[numbers[0]] + rng.normal(size=n_rows) > 0).astype(np.float64)
    table = pd.DataFrame(data)
    made = make_pipeline(
        make_column_transformer((OneHotEncoder(), words), (StandardScaler(), numbers)),
        LogisticRegression(max_iter=1000),
    ).fit(table, y)
    types = [(n, StringTensorType([None, 1]) if n in words else FloatTensorType([None, 1])) for n in data]
    graph = to_onnx(made, initial_types=types, options={id(made): {"zipmap": False}})
    target = np.where(y == 1.0, "yes", "no").astype(object)
    return bytes(graph.SerializeToString()), Frame({**data, "accepts": target})


def build(root: Path, model: str, endpoints: int = 1) -> None:
    """Take one of `MODELS` down the whole road in a new workspace and put it in force at `model-0`, `model-1`, ..."""
    names = columns()
    x, y = rows()
    target = np.where(y == 1.0, "yes", "no").astype(object)
    build_with(root, onnx(model), Frame({n: x[:, i] for i, n in enumerate(names)} | {"accepts": target}), endpoints)


def build_with(root: Path, artifact: bytes, frame: Frame, endpoints: int = 1) -> None:
    """The same for any artifact, over a frame of its columns and `accepts` (yes / no)."""
    with World.on_disk(root) as world:
        world.cast()
        world.use_case(sensitive=(), segments=())
        n = frame.n_rows
        parts = {"train": (0, n // 2), "sealed": (n // 2, n * 3 // 4), "production": (n * 3 // 4, n)}
        for role, (start, end) in parts.items():
            part = frame.take(np.arange(start, end))
            dated = part.with_column("arrived_at", arrivals(part.n_rows)) if role == "production" else part
            world.data(role, dated)
        world.agree(holdout_share=0.0)
        in_use = [f"model-{n}" for n in range(endpoints)]
        for name in ("mailing", *in_use):
            register_endpoint(world.house, world.who("omar"), name, CASE, "letter")
        version = world.register(artifact, inputs=frame.drop(["accepts"]).names, threshold=0.5)
        world.activate_fully(version.id)
        for name in in_use:
            deploy(world.house, world.who("omar"), version.id, name)
