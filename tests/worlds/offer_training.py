"""A data scientist's own training code, as handed in with a version: each function takes (columns, y, seed)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def matrix(columns: dict[str, Any]) -> Any:
    """The columns side by side, (n_rows, n_columns), object."""
    out = np.empty((len(next(iter(columns.values()))), len(columns)), dtype=object)
    for position, column in enumerate(columns.values()):
        out[:, position] = np.asarray(column)
    return out


def encoder(columns: dict[str, Any]) -> ColumnTransformer:
    """Text as one-hot, numbers filled and scaled."""
    text = [i for i, c in enumerate(columns.values()) if np.asarray(c).dtype.kind == "O"]
    numbers = [i for i in range(len(columns)) if i not in text]
    scale = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), text), ("numbers", scale, numbers)])


def logistic(columns: dict[str, Any], y: Any, seed: int) -> Any:
    """A logistic regression: what the simulated world deserves."""
    return make_pipeline(encoder(columns), LogisticRegression(random_state=seed)).fit(matrix(columns), y)


def upside_down(columns: dict[str, Any], y: Any, seed: int) -> Any:
    """The same, taught the opposite of what happened."""
    return logistic(columns, 1.0 - np.asarray(y), seed)


def overgrown(columns: dict[str, Any], y: Any, seed: int) -> Any:
    """A forest that learns its rows by heart."""
    forest = RandomForestClassifier(n_estimators=30, min_samples_leaf=1, random_state=seed)
    return make_pipeline(encoder(columns), forest).fit(matrix(columns), y)


def strict(columns: dict[str, Any], y: Any, seed: int) -> Any:
    """A regression that raises on an age it has never seen."""
    ages = sorted({int(a) for a in columns["age"]})
    at = list(columns).index("age")
    known = ColumnTransformer([("age", OneHotEncoder(categories=[ages], handle_unknown="error"), [at])])
    return make_pipeline(known, LogisticRegression(random_state=seed)).fit(matrix(columns), y)
