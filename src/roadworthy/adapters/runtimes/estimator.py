"""A scikit-learn classifier as a predictor: columns in, probability of the second class out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.utils.validation import check_is_fitted  # type: ignore[import-untyped]  # scikit-learn ships no types

from roadworthy.adapters.runtimes.optional import library
from roadworthy.adapters.runtimes.scores import answer_of, matrix, positive_class, row_count
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.ports import Columns
from roadworthy.statistics.frame import Floats

_NAMED = "this model was fitted on named columns, which"


def check_estimator(estimator: Any) -> None:
    """Refuse what cannot answer with a probability of one of two classes.

    Raises:
        ArtifactError: not fitted, without `predict_proba`, or with another number of classes than two.
    """
    kind = type(estimator).__name__
    if not callable(getattr(estimator, "predict_proba", None)):
        raise ArtifactError(
            f"the model ({kind}) has no predict_proba",
            remedy="Give a fitted classifier with predict_proba; CalibratedClassifierCV adds it to one without.",
            type=kind,
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise ArtifactError(f"the model ({kind}) is not fitted", remedy="Call fit before saving it.") from error
    except TypeError as error:
        raise ArtifactError(
            f"the model ({kind}) is not a scikit-learn estimator", remedy="Wrap it in one, or convert it to ONNX."
        ) from error
    classes = getattr(estimator, "classes_", None)
    if classes is not None and np.shape(classes) != (2,):
        raise ArtifactError(
            f"the model ({kind}) knows {np.size(classes)} classes",
            remedy="A score is the probability of the second of exactly two classes; train on a two-valued target.",
        )


class EstimatorPredictor:
    """Scores rows with a fitted classifier; any number of threads may call `predict`.

    An estimator that was fitted on named columns gets a pandas DataFrame of them; one that was not gets a matrix
    (n_rows, n_columns) in the order of `names`: float64, or object when a column is text.

    Raises:
        ArtifactError: the estimator wants other columns than `names`.
        MissingExtraError: it was fitted on named columns and pandas is not installed.
    """

    def __init__(self, estimator: Any, names: Sequence[str]) -> None:
        self._estimator = estimator
        fitted_on = getattr(estimator, "feature_names_in_", None)
        self._pandas = None if fitted_on is None else library("pandas", "pandas", _NAMED)
        self._names = list(names) if fitted_on is None else [str(n) for n in fitted_on]
        absent = [n for n in self._names if n not in names]
        wanted = getattr(estimator, "n_features_in_", len(self._names))
        if absent or wanted != len(self._names):
            raise ArtifactError(
                f"the model takes {wanted} columns ({', '.join(map(str, self._names[:8]))}, ...)"
                f" and the signature names {len(names)}; not in it: {', '.join(absent[:8]) or 'none'}",
                remedy="Register the model with the signature of the data it was trained on.",
                missing=absent,
            )

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing. ModelRaisedError, BadOutputError: the model misbehaved.
        """
        n_rows = row_count(columns, self._names)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        return positive_class(answer_of(lambda: self._estimator.predict_proba(self._inputs(columns))), n_rows)

    def _inputs(self, columns: Columns) -> Any:
        if self._pandas is not None:
            return self._pandas.DataFrame({n: columns[n] for n in self._names})
        return matrix([np.asarray(columns[n]) for n in self._names])
