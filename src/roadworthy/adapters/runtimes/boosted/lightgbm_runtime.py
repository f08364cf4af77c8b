"""LightGBM models in LightGBM's own text format: boosters that answer with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.boosted.encoding import Encoder
from roadworthy.adapters.runtimes.boosted.lightgbm_file import LightgbmFile, read_lightgbm
from roadworthy.adapters.runtimes.optional import library
from roadworthy.adapters.runtimes.scores import answer_of, checked, scanned, stands_alone
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import ArtifactFormat, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Scan
from roadworthy.statistics.frame import Floats

_GENERIC = "Column_"
"""How LightGBM names columns that had no name: Column_0, Column_1, ..."""


class LightgbmRuntime:
    """Loads LightGBM's text files."""

    format = ArtifactFormat.LIGHTGBM

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor; such a file refers to nothing beside it.

        Raises:
            ArtifactError: files beside it, what `read_lightgbm` refuses, or other columns than the signature's.
            MissingExtraError: lightgbm is not installed.
        """
        stands_alone("a LightGBM model", beside)
        file = read_lightgbm(artifact)
        encoder = Encoder(_names(file, signature), file.categories, signature, unknown_is_missing=True)
        lightgbm = library("lightgbm", "lightgbm", "a LightGBM model")
        try:
            booster = lightgbm.Booster(model_str=file.rewritten)
        except lightgbm.basic.LightGBMError as error:
            text = " ".join(str(error).split())[:300]
            raise ArtifactError(f"lightgbm does not load the model: {text}", remedy="Save it again.") from error
        return LightgbmPredictor(booster, encoder)


def scan_lightgbm(data: bytes) -> Scan:
    """Whether the text is a LightGBM model whose every index is inside its array; lightgbm itself is not asked."""
    return scanned("lightgbm", read_lightgbm, data, "plain numbers; every tree's indices are checked")


def save_lightgbm(model: Any) -> bytes:
    """A fitted `LGBMClassifier` or `Booster` as text."""
    booster = model.booster_ if hasattr(model, "booster_") else model
    return str(booster.model_to_string()).encode()


class LightgbmPredictor:
    """Scores rows with one booster on one thread; any number of threads may call `predict`, none holds the GIL."""

    def __init__(self, booster: Any, encoder: Encoder) -> None:
        self._booster = booster
        self._encoder = encoder

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1; a category that the model has not seen counts as missing.

        Raises:
            DataError: a column is missing or of another kind. ModelRaisedError, BadOutputError: the model
                misbehaved.
        """
        n_rows = self._encoder.rows(columns)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        rows = self._encoder.matrix(columns)
        return checked(answer_of(lambda: self._booster.predict(rows, num_threads=1)), n_rows)


def _names(file: LightgbmFile, signature: Signature) -> tuple[str, ...]:
    """The model's columns; when they had no names, the signature's, if there are as many."""
    generic = tuple(f"{_GENERIC}{k}" for k in range(len(file.names)))
    if file.names == generic and len(signature.names) == len(generic):
        return signature.names
    return file.names
