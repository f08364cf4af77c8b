"""skops files: which are admitted, what crafted ones meet, and how columns reach the estimator."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from roadworthy.adapters.runtimes import optional as optional_module
from roadworthy.adapters.runtimes.skops_runtime import SkopsRuntime, save_skops
from roadworthy.adapters.runtimes.trust import refusal
from roadworthy.domain.errors import ArtifactError, BadOutputError, MissingExtraError, ModelRaisedError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.statistics.frame import Frame

X, Y = make_classification(200, 4, random_state=1)
NAMES = ("a", "b", "c", "d")
COLUMNS = {n: X[:, i] for i, n in enumerate(NAMES)}
RUNTIME = SkopsRuntime()


def signature(*names: str, text: tuple[str, ...] = ()) -> Signature:
    return Signature(tuple(ColumnSpec(n, DType.BYTES if n in text else DType.FP64) for n in names))


CLASSIFIERS = [
    LogisticRegression(),
    DecisionTreeClassifier(max_leaf_nodes=9),
    RandomForestClassifier(5, random_state=0),
    ExtraTreesClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=5),
    HistGradientBoostingClassifier(max_iter=5),
    AdaBoostClassifier(n_estimators=3),
    BaggingClassifier(
        make_pipeline(PolynomialFeatures(2), DecisionTreeClassifier()), n_estimators=3, max_features=3
    ),
    VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
    StackingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]),
    CalibratedClassifierCV(RandomForestClassifier(3, random_state=0)),
    MLPClassifier((4,), max_iter=2000, random_state=0),
    KNeighborsClassifier(algorithm="brute"),
    make_pipeline(StandardScaler(), FunctionTransformer(np.tanh), LogisticRegression()),
]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_classifiers_of_scikit_learn_go_through_unchanged(model: Any) -> None:
    model.fit(X, Y)
    predictor = RUNTIME.load(save_skops(model), signature(*NAMES))
    np.testing.assert_array_equal(predictor.predict(COLUMNS), np.clip(model.predict_proba(X)[:, 1], 0, 1))


def test_a_model_fitted_on_named_columns_of_text_and_numbers_gets_a_data_frame() -> None:
    table = pd.DataFrame({"job": ["clerk", "nurse", None, "clerk"] * 20, "age": [20.0, np.nan, 40.0, 50.0] * 20})
    y = [0, 1, 1, 0] * 20
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        (SimpleImputer(), ["age"]),
        verbose_feature_names_out=False,
    )
    model = make_pipeline(encode, LogisticRegression()).fit(table, y)
    predictor = RUNTIME.load(save_skops(model), signature("job", "age", text=("job",)))
    job = np.empty(3, dtype=object)
    job[:] = ["clerk", None, "never seen"]
    given = {"age": np.array([20.0, np.nan, 40.0]), "job": job}
    expected = model.predict_proba(pd.DataFrame({"job": job, "age": given["age"]}))[:, 1]
    np.testing.assert_array_equal(predictor.predict(given), expected)


def test_histogram_boosting_with_categories_goes_through() -> None:
    table = pd.DataFrame({"k": pd.Series(["x", "y", "z", "x"] * 50, dtype="str"), "v": np.arange(200.0)})
    y = (table["k"] == "x").to_numpy().astype(int)
    model = HistGradientBoostingClassifier(categorical_features=["k"], max_iter=5, min_samples_leaf=2).fit(table, y)
    predictor = RUNTIME.load(save_skops(model), signature("k", "v", text=("k",)))
    columns = {"k": table["k"].to_numpy(dtype=object), "v": table["v"].to_numpy()}
    np.testing.assert_array_equal(predictor.predict(columns), model.predict_proba(table)[:, 1])


def test_a_real_model_on_real_data_repeats_its_scores(data_dir: Path) -> None:
    frame = Frame.from_arrow(pq.read_table(data_dir / "bank_additional.parquet").slice(0, 3000))
    names = ("job", "marital", "age", "euribor3m")
    table = pd.DataFrame({n: frame[n] for n in names})
    y = (np.arange(3000) % 7 == 0).astype(int)
    encode = make_column_transformer((OneHotEncoder(), ["job", "marital"]), remainder="passthrough")
    model = make_pipeline(encode, RandomForestClassifier(10, random_state=0)).fit(table, y)
    predictor = RUNTIME.load(save_skops(model), signature(*names, text=("job", "marital")))
    scores = predictor.predict({n: frame[n] for n in names})
    np.testing.assert_allclose(scores, model.predict_proba(table)[:, 1], atol=1e-12)


def test_an_unnamed_model_of_text_gets_an_object_matrix_in_signature_order() -> None:
    rows = np.array([["x", 1.0], ["y", 2.0], ["x", 3.0], [None, 4.0]] * 10, dtype=object)
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(rows, [0, 1, 0, 1] * 10)
    predictor = RUNTIME.load(save_skops(model), signature("k", "v", text=("k",)))
    scores = predictor.predict({"v": rows[:, 1].astype(float), "k": rows[:, 0]})
    np.testing.assert_array_equal(scores, model.predict_proba(rows)[:, 1])


def test_without_pandas_a_model_of_named_columns_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = save_skops(LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), Y))

    real = optional_module.importlib.import_module

    def absent(name: str, package: str | None = None) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(optional_module.importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r'pip install "roadworthy\[pandas\]"'):
        RUNTIME.load(data, signature(*NAMES))


def evil_function(values: Any) -> Any:
    return values


REFUSED = {
    "a function of another module": FunctionTransformer(evil_function),
    "numpy's file reader": FunctionTransformer(np.load),
    "a scikit-learn function": FunctionTransformer(
        __import__("sklearn.datasets", fromlist=["x"]).load_svmlight_file
    ),
}


@pytest.mark.parametrize("transformer", REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_names_a_function_is_refused_by_name(transformer: Any) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    model.steps.insert(0, ("own", transformer))
    with pytest.raises(ArtifactError, match="not admitted") as caught:
        RUNTIME.load(skops.io.dumps(model), signature(*NAMES))
    assert transformer.func.__name__ in str(caught.value)


def test_a_nearest_neighbour_tree_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(ArtifactError, match="algorithm='brute'"):
        save_skops(KNeighborsClassifier(algorithm="kd_tree").fit(X, Y))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("builtins.eval", "not part"),
        ("sklearnx.Tree", "not part"),
        ("sklearn.utils._testing.os", "no model needs"),
        ("sklearn.externals.joblib.load", "no model needs"),
        ("sklearn.datasets._base.load_files", "no model needs"),
        ("sklearn.utils.estimator_checks.warnings", "not a class"),
        ("sklearn.base.clone", "not a class"),
        ("sklearn.pipeline.Bunch", "not a class that scikit-learn defines there"),
        ("sklearn.linear_model.NoSuch", "unknown"),
        ("sklearn.no_such_module.X", "unknown"),
        ("sklearn.neighbors._ball_tree.BallTree", "compiled"),
    ],
)
def test_a_name_outside_the_allow_list_has_a_reason(name: str, why: str) -> None:
    assert why in refusal(name)


def rewritten(data: bytes, change: Any) -> bytes:
    """The same skops file with its arrays passed through `change`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith(".npy"):
                buffer = io.BytesIO()
                np.save(buffer, change(np.load(io.BytesIO(content))))
                content = buffer.getvalue()
            new.writestr(entry, content)
    return out.getvalue()


def setting(field: str, value: int) -> Any:
    def change(array: Any) -> Any:
        if array.dtype.names and field in array.dtype.names:
            array = array.copy()
            array[field][0] = value
        return array

    return change


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**6), ("right_child", 10**6), ("left_child", 0), ("feature", 4), ("feature", -7)],
)
@pytest.mark.parametrize("model", CLASSIFIERS[1:5], ids=lambda m: type(m).__name__)
def test_a_tree_with_an_index_outside_its_arrays_is_refused(model: Any, field: str, value: int) -> None:
    data = rewritten(save_skops(model.fit(X, Y)), setting(field, value))
    with pytest.raises(ArtifactError, match="a decision tree in the model names"):
        RUNTIME.load(data, signature(*NAMES))


@pytest.mark.parametrize(("field", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 4)])
def test_a_histogram_tree_with_an_index_outside_its_arrays_is_refused(field: str, value: int) -> None:
    data = rewritten(save_skops(HistGradientBoostingClassifier(max_iter=3).fit(X, Y)), setting(field, value))
    with pytest.raises(ArtifactError, match="a decision tree in the model names"):
        RUNTIME.load(data, signature(*NAMES))


def test_a_forest_whose_trees_ask_for_more_columns_than_it_checks_is_refused() -> None:
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    data = save_skops(model)
    model.n_features_in_ = 2
    with pytest.raises(ArtifactError, match="a feature that does not exist"):
        RUNTIME.load(skops.io.dumps(model), signature("a", "b"))
    RUNTIME.load(data, signature(*NAMES))


def test_a_zip_that_would_unpack_to_terabytes_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps({}))
        archive.writestr("big", b"\x00" * 1000)
    data = out.getvalue().replace((1000).to_bytes(4, "little"), (0xFFFFFFF0).to_bytes(4, "little"))
    with pytest.raises(ArtifactError, match=r"unpacks to|cannot be read|can be read"):
        RUNTIME.load(data, signature(*NAMES))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        pytest.param(RidgeClassifier().fit(X, Y), "no predict_proba", id="without probabilities"),
        pytest.param(LogisticRegression(), "not fitted", id="not fitted"),
        pytest.param(GaussianNB().fit(X, np.arange(200) % 3), "knows 3 classes", id="three classes"),
        pytest.param(object(), "no predict_proba", id="no estimator"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_is_needed(model: Any, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        save_skops(model)


def test_a_model_that_raises_is_told_in_its_own_words_bounded() -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="error"), LogisticRegression())
    model.fit(np.array([["x"], ["y"]] * 5, dtype=object), [0, 1] * 5)
    column = np.empty(200, dtype=object)
    column[:] = [f"unknown {k}" for k in range(200)]
    with pytest.raises(ModelRaisedError, match="ValueError: Found unknown categories") as caught:
        RUNTIME.load(save_skops(model), signature("k", text=("k",))).predict({"k": column})
    assert len(caught.value.what) < 350


def test_a_model_whose_weights_give_no_probability_is_refused() -> None:
    model = LogisticRegression().fit(X, Y)
    model.coef_ = np.full_like(model.coef_, np.nan)
    with pytest.raises(BadOutputError, match="200 of 200 scores are NaN"):
        RUNTIME.load(save_skops(model), signature(*NAMES)).predict(COLUMNS)
