"""`python train.py TRAIN.csv` writes model.joblib; validation calls `fit` again, with other seeds."""

from __future__ import annotations

import sys
from typing import Any

import joblib
import numpy as np
import pyarrow.csv as pacsv
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def fit(columns: dict[str, Any], y: Any, seed: int) -> Pipeline:
    """A fitted classifier, from columns by name, the outcome as 1.0 / 0.0, and a seed."""
    rows = np.column_stack([np.asarray(column, dtype=object) for column in columns.values()])
    text = [i for i, column in enumerate(columns.values()) if np.asarray(column).dtype.kind in "OU"]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = HistGradientBoostingClassifier(max_iter=40, max_depth=3, min_samples_leaf=50, random_state=seed)
    return make_pipeline(ColumnTransformer([("text", codes, text)], remainder="passthrough"), trees).fit(rows, y)


if __name__ == "__main__":
    table = pacsv.read_csv(sys.argv[1])
    left = np.array([1.0 if label == "yes" else 0.0 for label in table["left"].to_pylist()])
    inputs = {name: table[name].to_numpy() for name in table.column_names if name != "left"}
    joblib.dump(fit(inputs, left, seed=0), "model.joblib")
