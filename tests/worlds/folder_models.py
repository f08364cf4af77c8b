"""A small real model as a folder: MLflow's layout around an ONNX model that keeps its weights in a file beside it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from simulated_offers import simulate
from sklearn.linear_model import LogisticRegression

from roadworthy.domain.storing.folder import Folder

FOLDER_INPUTS = ("age", "visits")
WEIGHTS = "model.onnx.data"
MLMODEL = b"""artifact_path: model
flavors:
  onnx:
    data: model.onnx
    onnx_version: 1.17.0
  python_function:
    loader_module: mlflow.onnx
model_uuid: 00000000000000000000000000000000
"""


@lru_cache(maxsize=1)
def fitted() -> LogisticRegression:
    """A logistic regression on two inputs of the simulated offers."""
    frame, y = simulate(900, 1)
    return LogisticRegression().fit(np.column_stack([frame[n] for n in FOLDER_INPUTS]).astype(float), y)


def onnx_with_weights_beside(location: str = WEIGHTS) -> tuple[bytes, bytes]:
    """The same model as ONNX, and its weights in a file of their own."""
    model = fitted()
    weights = numpy_helper.from_array(model.coef_.T.astype(np.float32), "W")
    offset = numpy_helper.from_array(model.intercept_.astype(np.float32), "b")
    inputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, len(FOLDER_INPUTS)])]
    outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])]
    nodes = [
        helper.make_node("MatMul", ["rows", "W"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["s"]),
        helper.make_node("Sigmoid", ["s"], ["probability"]),
    ]
    graph = helper.make_graph(nodes, "offers", inputs, outputs, [weights, offset])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 10
    with TemporaryDirectory() as place:
        onnx.save_model(
            proto, f"{place}/model.onnx", save_as_external_data=True, location=location, size_threshold=0
        )
        return Path(place, "model.onnx").read_bytes(), Path(place, location).read_bytes()


@lru_cache(maxsize=1)
def mlflow_folder() -> Folder:
    """What MLflow saves for such a model."""
    model, weights = onnx_with_weights_beside()
    notes = {"requirements.txt": b"onnxruntime\n", "conda.yaml": b"channels: []\n", "MLmodel": MLMODEL}
    return Folder({"model.onnx": model, WEIGHTS: weights, **notes})


def write_folder(folder: Folder, place: Path) -> Path:
    """The folder's files on disk."""
    for name, data in folder.files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place
