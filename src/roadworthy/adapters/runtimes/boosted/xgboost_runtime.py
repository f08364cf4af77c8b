"""XGBoost models in XGBoost's own formats, JSON and UBJSON: tree boosters that answer with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.boosted.encoding import Encoder, order_of
from roadworthy.adapters.runtimes.boosted.xgboost_file import read_xgboost
from roadworthy.adapters.runtimes.optional import library
from roadworthy.adapters.runtimes.scores import answer_of, checked, scanned, stands_alone
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import ArtifactFormat, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Scan
from roadworthy.statistics.frame import Floats


class XgboostRuntime:
    """Loads XGBoost's JSON and UBJSON files."""

    format = ArtifactFormat.XGBOOST

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor; such a file refers to nothing beside it.

        Raises:
            ArtifactError: files beside it, what `read_xgboost` refuses, or other columns than the signature's.
            MissingExtraError: xgboost is not installed.
        """
        stands_alone("an XGBoost model", beside)
        file = read_xgboost(artifact)
        names = order_of(file.names, file.width, signature)
        encoder = Encoder(names, file.categories, signature, unknown_is_missing=False)
        xgboost = library("xgboost", "xgboost", "an XGBoost model")
        try:
            booster = xgboost.Booster({"nthread": 1, "verbosity": 0}, model_file=bytearray(file.rewritten))
        except xgboost.core.XGBoostError as error:
            text = " ".join(str(error).split())[:300]
            raise ArtifactError(f"xgboost does not load the model: {text}", remedy="Save it again.") from error
        return XgboostPredictor(booster, encoder, file.iterations)


def scan_xgboost(data: bytes) -> Scan:
    """Whether the file is an XGBoost model whose every index is inside its array; xgboost itself is not asked."""
    return scanned("xgboost", read_xgboost, data, "plain numbers; every tree's indices are checked")


def save_xgboost(model: Any) -> bytes:
    """A fitted `XGBClassifier` or `Booster` as UBJSON."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    return bytes(booster.save_raw("ubj"))


class XgboostPredictor:
    """Scores rows with one booster on one thread; any number of threads may call `predict`, none holds the GIL."""

    def __init__(self, booster: Any, encoder: Encoder, iterations: int) -> None:
        self._booster = booster
        self._encoder = encoder
        self._range = (0, iterations)

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing or of another kind, or has a category that the model has not seen.
            ModelRaisedError, BadOutputError: the model misbehaved.
        """
        n_rows = self._encoder.rows(columns)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        rows = self._encoder.matrix(columns)
        return checked(answer_of(lambda: self._booster.inplace_predict(rows, iteration_range=self._range)), n_rows)
