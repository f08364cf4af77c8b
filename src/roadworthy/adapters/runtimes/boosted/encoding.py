"""Columns by name as the one matrix of numbers that boosted trees take; categories become their codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from roadworthy.adapters.runtimes.scores import row_count
from roadworthy.domain.errors import ArtifactError, DataError, shortlist
from roadworthy.domain.model import DType, Signature
from roadworthy.domain.ports import Columns
from roadworthy.statistics.frame import Array, Floats


class Encoder:
    """Puts columns in the order the model was trained on.

    Parameters:
        names: the model's columns in order; generic names of the right number mean the signature's order.
        categories: column -> its categories in the order of their codes.
        unknown_is_missing: whether a value outside the categories counts as missing; otherwise it is refused.

    Raises:
        ArtifactError: the signature lacks a column, or has one of text where the model takes numbers.
    """

    def __init__(
        self,
        names: Sequence[str],
        categories: Mapping[str, Sequence[str]],
        signature: Signature,
        *,
        unknown_is_missing: bool,
    ) -> None:
        absent = [n for n in names if n not in signature.names]
        if absent:
            raise ArtifactError(
                f"the model takes the columns {shortlist(list(names))} and the signature names"
                f" {shortlist(signature.names)}",
                remedy="Register the model with the columns it was trained on.",
                missing=absent,
            )
        self._names = tuple(names)
        self._unknown_is_missing = unknown_is_missing
        self._codes = {n: {text: float(k) for k, text in enumerate(c)} for n, c in categories.items()}
        kinds = {c.name: c.dtype for c in signature.inputs}
        text = [n for n in names if kinds[n] is DType.BYTES and n not in self._codes]
        if text:
            raise ArtifactError(
                f"the model takes numbers and the columns {shortlist(text)} are text",
                remedy="Train on a categorical column, so that the categories are in the file.",
            )

    def rows(self, columns: Columns) -> int:
        """Number of rows (n_rows). Raises DataError: a column is missing or of another length."""
        return row_count(columns, self._names)

    def matrix(self, columns: Columns) -> Floats:
        """The columns side by side, float64 (n_rows, n_columns), NaN where missing. Raises DataError."""
        out = np.empty((self.rows(columns), len(self._names)), dtype=np.float64)
        for position, name in enumerate(self._names):
            out[:, position] = self._column(name, np.asarray(columns[name]))
        return out

    def _column(self, name: str, column: Array) -> Array:
        codes = self._codes.get(name)
        if codes is None:
            if column.dtype.kind not in "fiub":
                raise DataError(f"column '{name}' is text, not numbers", remedy="Give numbers.", column=name)
            return column
        found = np.array([codes.get(v, np.nan) for v in column.tolist()], dtype=np.float64)
        if self._unknown_is_missing:
            return found
        for row in np.flatnonzero(np.isnan(found)):
            if isinstance(column[row], str):  # what is missing is no text
                raise DataError(
                    f"column '{name}' has the value {column[row][:80]!r} in row {row}, which the model has not seen",
                    remedy=f"Allowed: {shortlist(list(codes))}.",
                    column=name,
                )
        return found


def order_of(names: Sequence[str], width: int, signature: Signature) -> tuple[str, ...]:
    """The model's column names, or without names the signature's order.

    Raises:
        ArtifactError: the model has no names and another number of columns than the signature.
    """
    if names:
        return tuple(names)
    if width != len(signature.names):
        raise ArtifactError(
            f"the model takes {width} columns and the signature names {len(signature.names)}",
            remedy="Register the model with the columns it was trained on, in their order.",
        )
    return signature.names
