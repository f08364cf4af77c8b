"""LightGBM files: scores are LightGBM's own, whatever was trained, and a file with a foreign index is refused."""

from __future__ import annotations

import random
import re
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification

from roadworthy.adapters.runtimes.boosted.lightgbm_runtime import LightgbmRuntime, save_lightgbm, scan_lightgbm
from roadworthy.adapters.runtimes.handed_in import saved
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.domain.errors import ArtifactError, RoadworthyError
from roadworthy.domain.model import ColumnSpec, DType, Signature

X, Y = make_classification(400, 4, random_state=1)
NAMES = ("a", "b", "c", "d")
TABLE = pd.DataFrame(X, columns=NAMES)
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
COLUMNS = {n: X[:, i] for i, n in enumerate(NAMES)}


def fitted(y: Any = Y, **settings: Any) -> lightgbm.LGBMClassifier:
    given = {"n_estimators": 30, "num_leaves": 9, "n_jobs": 1, "verbose": -1, **settings}
    return lightgbm.LGBMClassifier(**given).fit(TABLE, y)


MODEL = fitted()
TEXT = save_lightgbm(MODEL).decode()


def score(data: bytes, columns: Any = COLUMNS, signature: Signature = SIGNATURE) -> Any:
    return LightgbmRuntime().load(data, signature).predict(columns)


SETTINGS: dict[str, dict[str, Any]] = {
    "trees": {},
    "dart": {"boosting_type": "dart", "drop_rate": 0.5},
    "forest": {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1},
    "one-leaf trees": {"min_child_samples": 300},
    "another slope": {"sigmoid": 1.7},
    "cross entropy": {"objective": "cross_entropy"},
    "zero is missing": {"zero_as_missing": True},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_scores_are_those_of_the_library_to_the_last_bit(settings: dict[str, Any]) -> None:
    model = fitted(**settings)
    data = saved(model)
    assert (detect(data), scan(data).admitted) == ("lightgbm", True)
    np.testing.assert_array_equal(score(data), model.booster_.predict(TABLE))
    holes = TABLE.where(np.random.default_rng(1).random(TABLE.shape) > 0.2)
    np.testing.assert_array_equal(
        score(data, {n: holes[n].to_numpy() for n in NAMES}), model.booster_.predict(holes)
    )


def test_categories_are_text_in_requests_and_an_unseen_one_counts_as_missing() -> None:
    draw = np.random.default_rng(2)
    colour, size = draw.choice(["red", "grün", "blue", "black"], 400), draw.choice(["s", "m", "l"], 400)
    table = pd.DataFrame({"size": pd.Categorical(size), "a": X[:, 0], "colour": pd.Categorical(colour)})
    y = (np.isin(colour, ["red", "blue"]) ^ (size == "m")).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=9, max_cat_to_onehot=1, min_data_per_group=1, verbose=-1, n_jobs=1)
    model.fit(table, y)
    kinds = {"colour": DType.BYTES, "a": DType.FP64, "size": DType.BYTES}
    signature = Signature(tuple(ColumnSpec(n, kind) for n, kind in kinds.items()))
    columns = {n: table[n].to_numpy(dtype=object if n != "a" else None) for n in kinds}
    np.testing.assert_array_equal(score(saved(model), columns, signature), model.predict_proba(table)[:, 1])
    columns["colour"] = np.where(np.arange(400) % 2 == 0, columns["colour"], "pink")
    unseen = table.assign(colour=pd.Categorical(columns["colour"]))
    np.testing.assert_array_equal(score(saved(model), columns, signature), model.predict_proba(unseen)[:, 1])


def test_columns_without_names_are_taken_in_the_order_of_the_signature() -> None:
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X, Y)
    np.testing.assert_array_equal(score(saved(model)), model.booster_.predict(X))


REFUSED: dict[str, tuple[Any, str]] = {
    "a regression": (lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(X, Y), "objective 'regression'"),
    "three classes": (fitted(np.arange(400) % 3, n_estimators=2), "objective 'multiclass num_class:3'"),
    "linear leaves": (fitted(n_estimators=2, linear_tree=True), "linear leaves"),
}


@pytest.mark.parametrize(("model", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_answer_with_one_probability_is_refused(model: Any, why: str) -> None:
    found = scan_lightgbm(save_lightgbm(model))
    assert not found.admitted
    assert why in found.reason


def first(name: str, value: str) -> str:
    """The text with another first number in the first line of this name."""
    return re.sub(rf"^{name}=\S+", f"{name}={value}", TEXT, count=1, flags=re.M)


CRAFTED = {
    "a child beyond the tree": first("left_child", "4000"),
    "a leaf beyond the tree": first("left_child", "-4000"),
    "a walk in a circle": first("left_child", "0"),
    "a column beyond the data": first("split_feature", "4"),
    "a negative column": first("split_feature", "-1"),
    "an unknown kind of split": first("decision_type", "64"),
    "a category set that does not exist": first("decision_type", "1"),
    "more leaves than values": first("num_leaves", "1000000"),
    "no leaves": first("num_leaves", "0"),
    "a negative number of sets": first("num_cat", "-1"),
    "more category sets than there are": first("num_cat", "2"),
    "a threshold that is no number": first("threshold", "nan"),
    "more columns than names": first("max_feature_idx", "4000000000"),
    "a line twice": TEXT.replace("num_leaves=9", "num_leaves=9\nnum_leaves=9", 1),
    "a tree that is not the next": TEXT.replace("Tree=1\n", "Tree=7\n", 1),
    "no end": TEXT.partition("end of trees")[0],
}


@pytest.mark.parametrize("text", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_file_with_an_index_outside_its_array_is_refused(text: str) -> None:
    assert text != TEXT
    found = scan(text.encode())
    assert (found.format, found.admitted) == ("lightgbm", False)
    with pytest.raises(ArtifactError):
        LightgbmRuntime().load(text.encode(), SIGNATURE)


def test_lengths_that_the_file_claims_for_its_trees_are_not_believed() -> None:
    lying = first("tree_sizes", "999999999")
    np.testing.assert_array_equal(score(lying.encode()), MODEL.booster_.predict(TABLE))


def test_a_flipped_bit_gives_a_refusal_or_a_model_and_never_ends_the_process() -> None:
    draw = random.Random(4)  # noqa: S311 - the same damage in every run
    refused = 0
    end = TEXT.index("end of trees")
    for _ in range(300):
        data = bytearray(TEXT.encode())
        data[draw.randrange(end)] ^= 1 << draw.randrange(8)
        try:
            score(bytes(data))
        except RoadworthyError:
            refused += 1
    assert refused > 50
