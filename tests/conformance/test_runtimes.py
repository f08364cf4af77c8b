"""What every `Runtime` does, run against each one that ships."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import torch
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from roadworthy.adapters.runtimes import RUNTIMES, SINGLE
from roadworthy.adapters.runtimes.exported.torch_runtime import save_torch
from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import ArtifactError, DataError
from roadworthy.domain.gate import Limits
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, Signature
from roadworthy.domain.ports import Runtime

X, Y = make_classification(300, 4, random_state=0)
MODEL = LogisticRegression().fit(X, Y)
NAMES = ("a", "b", "c", "d")
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
COLUMNS = {n: X[:, i] for i, n in enumerate(NAMES)}


Oracle = Callable[[Any], Any]
"""A matrix (n_rows, 4) to what the library that trained the model answers, (n_rows,)."""


def second_class(model: Any) -> Oracle:
    return lambda rows: model.predict_proba(rows)[:, 1]


def as_onnx() -> tuple[bytes, Oracle]:
    options = {id(MODEL): {"zipmap": False}}
    made = to_onnx(MODEL, X[:1].astype(np.float32), options=options)
    return bytes(made.SerializeToString()), second_class(MODEL)


def as_xgboost() -> tuple[bytes, Oracle]:
    model = XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1).fit(X, Y)
    return bytes(model.get_booster().save_raw("ubj")), second_class(model)


def as_lightgbm() -> tuple[bytes, Oracle]:
    model = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=7, n_jobs=1, verbose=-1).fit(X, Y)
    return model.booster_.model_to_string().encode(), model.booster_.predict


def as_torch() -> tuple[bytes, Oracle]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2), torch.nn.Softmax(1))
    exported = torch.export.export(
        model.eval(), (torch.zeros(3, 4),), dynamic_shapes=({0: torch.export.Dim("rows")},)
    )

    def oracle(rows: Any) -> Any:
        with torch.inference_mode():
            return model(torch.tensor(np.asarray(rows, dtype=np.float32)))[:, 1].numpy()

    return save_torch(exported), oracle


def as_rules() -> tuple[bytes, Oracle]:
    """As JSON: a YAML document whose last line is cut may still be whole."""
    rules = {
        "roadworthy": "rules/1",
        "let": {"both": "a + b"},
        "rules": [
            {"name": "high", "when": "both > 1.0 && c < 0.5", "score": 0.9},
            {"name": "low", "when": "d < -0.5", "score": "both > 0.0 ? 0.25 : 0.125"},
        ],
        "otherwise": 0.5,
    }

    def oracle(rows: Any) -> Any:
        a, b, c, d = np.asarray(rows, dtype=np.float64).T
        low = np.where(d < -0.5, np.where(a + b > 0, 0.25, 0.125), 0.5)
        return np.where((a + b > 1) & (c < 0.5), 0.9, low)

    return json.dumps(rules).encode(), oracle


MAKE: dict[ArtifactFormat, Callable[[], tuple[bytes, Oracle]]] = {
    ArtifactFormat.SKOPS: lambda: (save_skops(MODEL), second_class(MODEL)),
    ArtifactFormat.ONNX: as_onnx,
    ArtifactFormat.XGBOOST: as_xgboost,
    ArtifactFormat.LIGHTGBM: as_lightgbm,
    ArtifactFormat.RULES: as_rules,
    ArtifactFormat.TORCH: as_torch,
}
MADE = {form: make() for form, make in MAKE.items()}


@pytest.fixture(params=SINGLE, ids=lambda r: r.format.value)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    found: Runtime = request.param
    return found


def artifact(runtime: Runtime) -> bytes:
    return MADE[runtime.format][0]


def oracle(runtime: Runtime, rows: Any) -> Any:
    return MADE[runtime.format][1](rows)


def test_every_format_is_loaded_by_one_runtime_and_pickles_by_none() -> None:
    assert sorted(r.format.value for r in RUNTIMES) == sorted({f.value for f in ArtifactFormat} - {"pickle"})
    assert [r.format for r in RUNTIMES if r not in SINGLE] == [ArtifactFormat.COMPOSITION]


def test_scores_are_the_probabilities_of_the_second_class(runtime: Runtime) -> None:
    scores = runtime.load(artifact(runtime), SIGNATURE).predict(COLUMNS)
    assert (scores.dtype, scores.shape) == (np.float64, (300,))
    np.testing.assert_allclose(scores, oracle(runtime, X), atol=1e-6)


def test_the_order_of_the_columns_given_does_not_matter(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    turned = dict(reversed(COLUMNS.items()))
    np.testing.assert_array_equal(predictor.predict(turned), predictor.predict(COLUMNS))


def test_integer_columns_are_numbers_too(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    whole = {n: np.round(c).astype(np.int64) for n, c in COLUMNS.items()}
    expected = oracle(runtime, np.round(X))
    np.testing.assert_allclose(predictor.predict(whole), expected, atol=1e-6)


def test_no_rows_give_no_scores(runtime: Runtime) -> None:
    empty = {n: np.empty(0) for n in NAMES}
    assert runtime.load(artifact(runtime), SIGNATURE).predict(empty).shape == (0,)


def test_one_row_scores_as_it_does_among_many(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    alone = predictor.predict({n: c[7:8] for n, c in COLUMNS.items()})
    np.testing.assert_allclose(alone, predictor.predict(COLUMNS)[7:8], atol=1e-7)


def test_a_missing_column_is_named(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    with pytest.raises(DataError, match="needs the column c"):
        predictor.predict({n: c for n, c in COLUMNS.items() if n != "c"})


def test_columns_of_different_lengths_are_refused(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    with pytest.raises(DataError, match="different lengths"):
        predictor.predict({**COLUMNS, "a": X[:5, 0]})


def test_a_signature_of_another_width_is_refused_at_load(runtime: Runtime) -> None:
    with pytest.raises(ArtifactError):
        runtime.load(artifact(runtime), Signature(SIGNATURE.inputs[:3]))


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x00" * 100, b"PK\x03\x04rubbish", b"\x08\x07rubbish", b"\x80\x04N."],
    ids=["empty", "text", "zeros", "half a zip", "half an onnx", "a pickle"],
)
def test_bytes_of_another_kind_are_refused(runtime: Runtime, data: bytes) -> None:
    with pytest.raises(ArtifactError):
        runtime.load(data, SIGNATURE)


def test_an_artifact_of_which_only_a_part_arrived_is_refused(runtime: Runtime) -> None:
    whole = artifact(runtime)
    for length in range(0, len(whole) * 9 // 10, max(1, len(whole) // 40)):
        with pytest.raises(ArtifactError):
            runtime.load(whole[:length], SIGNATURE)


def test_a_stranger_is_tried_in_a_process_of_its_own(runtime: Runtime) -> None:
    workshop = LocalWorkshop(Limits(time_s=120.0, memory_mib=8192))
    sample = {n: c[:20] for n, c in COLUMNS.items()}
    assert workshop.admit(artifact(runtime), SIGNATURE, sample) == (artifact(runtime), runtime.format)
    workshop.try_out(artifact(runtime), runtime.format, SIGNATURE, sample)
    with pytest.raises(DataError, match="needs the column d"):
        workshop.try_out(artifact(runtime), runtime.format, SIGNATURE, {n: sample[n] for n in "abc"})


def test_threads_may_share_a_predictor(runtime: Runtime) -> None:
    predictor = runtime.load(artifact(runtime), SIGNATURE)
    expected, wrong = predictor.predict(COLUMNS), []

    def score(start: int) -> None:
        for stop in range(start + 1, 300, 37):
            part = predictor.predict({n: c[start:stop] for n, c in COLUMNS.items()})
            if not np.allclose(part, expected[start:stop], atol=1e-7):
                wrong.append((start, stop))

    threads = [threading.Thread(target=score, args=(k * 11,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
