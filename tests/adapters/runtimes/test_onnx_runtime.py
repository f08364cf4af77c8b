"""ONNX models: inputs by column or as a matrix, the outputs that count, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from roadworthy.adapters.runtimes.onnx_runtime import OnnxRuntime
from roadworthy.domain.errors import ArtifactError, BadOutputError, DataError, ModelRaisedError
from roadworthy.domain.model import ColumnSpec, DType, Signature

RUNTIME = OnnxRuntime()
X, Y = make_classification(100, 3, n_informative=2, n_redundant=0, random_state=2)
X = X.astype(np.float32)
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in ("a", "b", "c")))
COLUMNS = {n: X[:, i].astype(np.float64) for i, n in enumerate(("a", "b", "c"))}
MIXED = Signature((ColumnSpec("job", DType.BYTES), ColumnSpec("age", DType.FP64)))


def graph(output: tuple[str, int, list[Any]], *nodes: Any, inputs: list[Any] | None = None) -> bytes:
    """A small model of `nodes` over one float matrix `x` (n, 3)."""
    name, kind, shape = output
    made = helper.make_graph(
        list(nodes),
        "g",
        inputs or [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info(name, kind, shape)],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "model", [RandomForestClassifier(5, random_state=0), GradientBoostingClassifier()], ids=repr
)
@pytest.mark.parametrize("zipmap", [False, True], ids=["tensor", "list of maps"])
def test_probabilities_are_found_as_a_tensor_or_as_maps(model: Any, zipmap: bool) -> None:
    model.fit(X, Y)
    data = to_onnx(model, X[:1], options={id(model): {"zipmap": zipmap}}).SerializeToString()
    scores = RUNTIME.load(data, SIGNATURE).predict(COLUMNS)
    np.testing.assert_allclose(scores, model.predict_proba(X)[:, 1], atol=1e-5)


def mixed() -> tuple[Any, bytes, Any]:
    table = pd.DataFrame({"job": ["clerk", "nurse"] * 30, "age": np.arange(60, dtype=np.float32)})
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression(max_iter=500)).fit(table, np.arange(60) % 2)
    types = [("job", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
    return model, to_onnx(model, initial_types=types, options={"zipmap": False}).SerializeToString(), table


def test_text_and_numbers_go_in_by_column_name() -> None:
    model, data, table = mixed()
    job = table["job"].to_numpy(dtype=object)
    scores = RUNTIME.load(data, MIXED).predict({"age": table["age"].to_numpy(np.float64), "job": job})
    np.testing.assert_allclose(scores, model.predict_proba(table)[:, 1], atol=1e-5)


def test_missing_text_is_refused_by_column() -> None:
    predictor = RUNTIME.load(mixed()[1], MIXED)
    with pytest.raises(DataError, match="'job' has missing text"):
        predictor.predict({"job": np.array(["clerk", None], dtype=object), "age": np.array([1.0, 2.0])})


def test_text_in_a_numeric_column_is_refused_by_column() -> None:
    predictor = RUNTIME.load(mixed()[1], MIXED)
    with pytest.raises(DataError, match="'age' is text"):
        predictor.predict({"job": np.array(["a"], dtype=object), "age": np.array(["b"], dtype=object)})


def test_text_columns_for_a_matrix_of_numbers_are_refused_at_load() -> None:
    data = to_onnx(LogisticRegression().fit(X[:, :2], Y), X[:1, :2]).SerializeToString()
    with pytest.raises(ArtifactError, match="job are text"):
        RUNTIME.load(data, MIXED)


def test_a_single_column_of_scores_counts_as_it_is() -> None:
    mean = helper.make_node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=1)
    data = graph(("score", TensorProto.FLOAT, [None, 1]), mean, helper.make_node("Sigmoid", ["m"], ["score"]))
    expected = 1 / (1 + np.exp(-X.astype(np.float64).mean(axis=1)))
    np.testing.assert_allclose(RUNTIME.load(data, SIGNATURE).predict(COLUMNS), expected, atol=1e-6)


def test_scores_outside_their_range_are_refused() -> None:
    data = graph(
        ("score", TensorProto.FLOAT, [None]),
        helper.make_node("Constant", [], ["axis"], value_ints=[1]),
        helper.make_node("ReduceSum", ["x", "axis"], ["score"], keepdims=0),
    )
    with pytest.raises(BadOutputError, match=r"outside 0\.\.1"):
        RUNTIME.load(data, SIGNATURE).predict(COLUMNS)


def test_three_classes_are_refused_when_they_answer() -> None:
    data = graph(("prob", TensorProto.FLOAT, [None, 3]), helper.make_node("Softmax", ["x"], ["prob"], axis=1))
    with pytest.raises(BadOutputError):
        RUNTIME.load(data, SIGNATURE).predict(COLUMNS)


def test_a_model_without_an_output_of_numbers_is_refused_at_load() -> None:
    data = graph(
        ("label", TensorProto.INT64, [None]), helper.make_node("ArgMax", ["x"], ["label"], keepdims=0, axis=1)
    )
    with pytest.raises(ArtifactError, match="none of which can be a probability"):
        RUNTIME.load(data, SIGNATURE)


def test_a_model_that_fails_while_running_is_told_in_its_own_words() -> None:
    reshape = helper.make_node("Reshape", ["x", "shape"], ["score"])
    data = graph(
        ("score", TensorProto.FLOAT, [7]), helper.make_node("Constant", [], ["shape"], value_ints=[7]), reshape
    )
    with pytest.raises(ModelRaisedError, match="the model raised"):
        RUNTIME.load(data, SIGNATURE).predict(COLUMNS)


def test_weights_in_another_file_are_refused() -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3], np.ones(3, np.float32).tobytes(), raw=True)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../etc/passwd"), ("offset", "0"), ("length", "12")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    made = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["score"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 3])],
        initializer=[weights],
    )
    data = onnx.helper.make_model(made).SerializeToString()
    with pytest.raises(ArtifactError, match="weights in another file"):
        RUNTIME.load(data, SIGNATURE)


def test_missing_numbers_reach_a_model_that_takes_floats() -> None:
    nan_is_half = [
        helper.make_node("Constant", [], ["first"], value_ints=[0]),
        helper.make_node("Gather", ["x", "first"], ["column"], axis=1),
        helper.make_node("IsNaN", ["column"], ["missing"]),
        helper.make_node("Cast", ["missing"], ["score"], to=TensorProto.FLOAT),
    ]
    data = graph(("score", TensorProto.FLOAT, [None, 1]), *nan_is_half)
    one = {"a": np.array([np.nan, 1.0]), "b": np.zeros(2), "c": np.zeros(2)}
    assert RUNTIME.load(data, SIGNATURE).predict(one).tolist() == [1.0, 0.0]


def test_one_array_of_all_columns_scores_as_the_columns_do() -> None:
    model = LogisticRegression().fit(X, Y)
    raw = to_onnx(model, X[:1], options={id(model): {"zipmap": False}}).SerializeToString()
    predictor = RUNTIME.load(raw, SIGNATURE)
    whole = np.column_stack(list(COLUMNS.values()))
    assert predictor.predict_matrix(whole).tolist() == predictor.predict(COLUMNS).tolist()
    assert predictor.predict_matrix(whole[:1]).tolist() == predictor.predict(COLUMNS).tolist()[:1]


def test_a_model_of_named_columns_takes_no_array() -> None:
    _, raw, _ = mixed()
    assert RUNTIME.load(raw, MIXED).predict_matrix is None
