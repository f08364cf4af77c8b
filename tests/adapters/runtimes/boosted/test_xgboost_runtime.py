"""XGBoost files: scores are XGBoost's own, whatever was trained, and a file with a foreign index is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from xgboost import XGBClassifier, XGBRegressor

from roadworthy.adapters.runtimes.boosted.xgboost_runtime import XgboostRuntime, save_xgboost, scan_xgboost
from roadworthy.adapters.runtimes.handed_in import saved
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.domain.errors import ArtifactError, DataError, RoadworthyError
from roadworthy.domain.model import ColumnSpec, DType, Signature

X, Y = make_classification(400, 4, random_state=1)
NAMES = ("a", "b", "c", "d")
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
COLUMNS = {n: X[:, i] for i, n in enumerate(NAMES)}
HOLES = {**COLUMNS, "b": np.where(np.arange(400) % 3 == 0, np.nan, X[:, 1])}


def fitted(**settings: Any) -> XGBClassifier:
    return XGBClassifier(**{"n_estimators": 30, "max_depth": 4, "n_jobs": 1, **settings}).fit(X, Y)


MODEL = fitted()


def score(data: bytes, columns: Any = COLUMNS, signature: Signature = SIGNATURE) -> Any:
    return XgboostRuntime().load(data, signature).predict(columns)


@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"booster": "dart", "rate_drop": 0.2},
        {"num_parallel_tree": 3, "subsample": 0.5},
        {"max_depth": 0, "max_leaves": 9},
    ],
    ids=["trees", "dart", "forest", "leaf-wise"],
)
def test_scores_are_those_of_the_library_to_the_last_bit(form: str, settings: dict[str, Any]) -> None:
    model = fitted(**settings)
    data = bytes(model.get_booster().save_raw(form))
    assert (detect(data), scan(data).admitted) == ("xgboost", True)
    np.testing.assert_array_equal(score(data).astype(np.float32), model.predict_proba(X)[:, 1])
    rows = np.column_stack([HOLES[n] for n in NAMES])
    np.testing.assert_array_equal(score(data, HOLES).astype(np.float32), model.predict_proba(rows)[:, 1])


def test_a_model_that_stopped_early_answers_with_its_best_round() -> None:
    noise = np.random.default_rng(0).random(400) < 0.3
    y = np.where(noise, 1 - Y, Y)
    model = XGBClassifier(n_estimators=200, early_stopping_rounds=5, n_jobs=1)
    model.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    np.testing.assert_array_equal(score(saved(model)).astype(np.float32), model.predict_proba(X)[:, 1])


def with_categories(green: str = "green") -> tuple[XGBClassifier, pd.DataFrame, Signature]:
    colour = np.random.default_rng(2).choice(["red", green, "blue", "black"], 400)
    table = pd.DataFrame({"a": X[:, 0], "colour": pd.Categorical(colour)})
    y = (np.isin(colour, ["red", "blue"]) ^ (X[:, 0] > 1)).astype(int)
    model = XGBClassifier(n_estimators=15, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1).fit(table, y)
    return model, table, Signature((ColumnSpec("colour", DType.BYTES), ColumnSpec("a", DType.FP64)))


def test_categories_are_text_in_requests() -> None:
    model, table, signature = with_categories()
    columns = {"a": X[:, 0], "colour": table["colour"].to_numpy(dtype=object)}
    found = score(saved(model), columns, signature)
    np.testing.assert_array_equal(found.astype(np.float32), model.predict_proba(table)[:, 1])
    gone = table.assign(colour=table["colour"].where(table.index % 2 == 0))
    missing = {"a": X[:, 0], "colour": np.where(np.arange(400) % 2 == 0, columns["colour"], None)}
    found = score(saved(model), missing, signature)
    np.testing.assert_array_equal(found.astype(np.float32), model.predict_proba(gone)[:, 1])


def test_categories_that_xgboost_cuts_in_its_files_are_refused() -> None:
    found = scan(saved(with_categories("grün")[0]))
    assert not found.admitted
    assert "column 1" in found.reason
    assert "outside ASCII" in found.reason


def test_a_category_that_was_never_seen_is_refused_by_name() -> None:
    model, _, signature = with_categories()
    columns = {"a": X[:2, 0], "colour": np.array(["red", "pink"], dtype=object)}
    with pytest.raises(DataError, match="column 'colour' has the value 'pink' in row 1"):
        score(saved(model), columns, signature)


def test_named_columns_are_found_in_any_order() -> None:
    model = XGBClassifier(n_estimators=5, n_jobs=1).fit(pd.DataFrame(X, columns=NAMES), Y)
    turned = Signature(tuple(reversed(SIGNATURE.inputs)))
    np.testing.assert_array_equal(score(saved(model), COLUMNS, turned), score(saved(model)))
    other = Signature(tuple(ColumnSpec(n, DType.FP64) for n in "abce"))
    with pytest.raises(ArtifactError, match="takes the columns a, b, c, d and the signature names a, b, c, e"):
        XgboostRuntime().load(saved(model), other)


REFUSED: dict[str, tuple[Any, str]] = {
    "a regression": (XGBRegressor(n_estimators=2).fit(X, Y), "objective 'reg:squarederror'"),
    "three classes": (XGBClassifier(n_estimators=2).fit(X, np.arange(400) % 3), "3 classes"),
    "a linear booster": (XGBClassifier(n_estimators=2, booster="gblinear").fit(X, Y), "is a gblinear"),
    "several targets": (XGBClassifier(n_estimators=2).fit(X, np.stack([Y, 1 - Y], axis=1)), "2 targets"),
}


@pytest.mark.parametrize(("model", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_answer_with_one_probability_is_refused(model: Any, why: str) -> None:
    found = scan_xgboost(save_xgboost(model))
    assert not found.admitted
    assert why in found.reason


def test_text_for_a_model_of_numbers_is_refused_when_it_is_loaded() -> None:
    text = Signature((ColumnSpec("a", DType.BYTES), *SIGNATURE.inputs[1:]))
    with pytest.raises(ArtifactError, match="takes numbers and the columns a are text"):
        XgboostRuntime().load(save_xgboost(MODEL), text)


def changed(change: Callable[[Any, Any], object]) -> bytes:
    """The model's JSON after a change of its trees or of the learner."""
    document = json.loads(bytes(MODEL.get_booster().save_raw("json")))
    model = document["learner"]["gradient_booster"]["model"]
    change(document["learner"], model)
    return json.dumps(document).encode()


def put(tree: dict[str, Any], name: str, at: int, value: Any) -> None:
    tree[name][at] = value


CRAFTED: dict[str, Callable[[Any, Any], object]] = {
    "a child beyond the tree": lambda _, m: put(m["trees"][3], "left_children", 0, 10_000),
    "a child before it": lambda _, m: put(m["trees"][3], "left_children", 0, -7),
    "a walk in a circle": lambda _, m: put(m["trees"][3], "left_children", 1, 0),
    "a node with two parents": lambda _, m: put(m["trees"][3], "left_children", 0, 2),
    "half a node": lambda _, m: put(m["trees"][3], "right_children", 0, -1),
    "a column beyond the data": lambda _, m: put(m["trees"][0], "split_indices", 0, 4),
    "a negative column": lambda _, m: put(m["trees"][0], "split_indices", 0, -1),
    "a fraction of a child": lambda _, m: put(m["trees"][0], "left_children", 0, 1.5),
    "text for a number": lambda _, m: put(m["trees"][0], "split_conditions", 0, "0"),
    "fewer values than nodes": lambda _, m: m["trees"][0]["split_conditions"].pop(),
    "more nodes than values": lambda _, m: m["trees"][0]["tree_param"].update(num_nodes="1000000"),
    "a group that does not exist": lambda _, m: put(m, "tree_info", 0, 5),
    "a round that does not exist": lambda _, m: put(m, "iteration_indptr", 5, 99),
    "more trees than there are": lambda _, m: m["gbtree_model_param"].update(num_trees="31"),
    "a category for a split by number": lambda _, m: put(m["trees"][0], "split_type", 0, 1),
    "categories of a node that does not exist": lambda _, m: m["trees"][0].update(
        categories_nodes=[9999], categories_segments=[0], categories_sizes=[1], categories=[0]
    ),
    "fewer columns than the trees": lambda learner, _: learner["learner_model_param"].update(num_feature="3"),
    "no trees": lambda _, m: m.pop("trees"),
    "trees that are no list": lambda _, m: m.update(trees={"0": 1}),
    "categories beyond their letters": lambda learner, m: (
        learner.update(feature_names=list("abcd")),
        m.update(cats={"enc": [{"offsets": [0, 99], "values": [97]}], "feature_segments": [], "sorted_idx": []}),
    ),
}


@pytest.mark.parametrize("change", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_file_with_an_index_outside_its_array_is_refused(change: Callable[[Any, Any], object]) -> None:
    assert scan(changed(lambda *_: None)).admitted
    found = scan(changed(change))
    assert (found.format, found.admitted) == ("xgboost", False)
    with pytest.raises(ArtifactError):
        XgboostRuntime().load(changed(change), SIGNATURE)


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_a_flipped_bit_gives_a_refusal_or_a_model_and_never_ends_the_process(form: str) -> None:
    whole, draw = bytes(MODEL.get_booster().save_raw(form)), random.Random(4)  # noqa: S311 - the same damage in every run
    refused = 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 1, 3))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        try:
            score(bytes(data))
        except RoadworthyError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    "data",
    [
        b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner[$T#L\x00\x00\x00\x00\x00\x00\x00\x01}",
        b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner" + b"[" * 100_000,
        b'{"learner":' + b"[" * 100_000,
        b'{"learner":{},"learner":{}}',
        b"{L\x00\x00\x00\x00\x00\x00\x00\x07learnerL\x00\x00\x00\x00\x00\x00\x00\x07}",
    ],
    ids=["a length of 2^63", "an array without bytes", "deep binary", "deep text", "a field twice", "no object"],
)
def test_a_file_that_claims_more_than_it_holds_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        XgboostRuntime().load(data, SIGNATURE)
