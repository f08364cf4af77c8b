"""What a model may answer, and what it may say when it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from roadworthy.domain.errors import (
    ArtifactError,
    BadOutputError,
    DataError,
    MissingExtraError,
    ModelRaisedError,
    shortlist,
)
from roadworthy.domain.ports import Columns
from roadworthy.domain.serving import Scan
from roadworthy.statistics.frame import Array, Floats

ROUNDING = 1e-6
"""How far outside 0..1 single-precision arithmetic may put a probability; such a score is clipped."""

_MESSAGE_LENGTH = 300


def stands_alone(what: str, beside: Mapping[str, bytes]) -> None:
    """Refuse files beside an artifact that refers to none. Raises ArtifactError."""
    if beside:
        raise ArtifactError(
            f"{what} needs nothing beside it, given is {shortlist(list(beside))}", remedy="Hand it in alone."
        )


def scanned(form: str, read: Callable[[bytes], object], data: bytes, why: str) -> Scan:
    """What `read` says of an artifact that is data: admitted because `why`, or refused in its words."""
    try:
        read(data)
    except (ArtifactError, MissingExtraError) as error:
        return Scan(form, admitted=False, untrusted=(), reason=error.what)
    return Scan(form, admitted=True, untrusted=(), reason=why)


def row_count(columns: Columns, names: Iterable[str]) -> int:
    """Number of rows (n_rows) of the named columns.

    Raises:
        DataError: a column is missing, or the columns have different lengths.
    """
    wanted = list(names)
    missing = [n for n in wanted if n not in columns]
    if missing:
        raise DataError(
            f"the model needs the column{'s' if len(missing) > 1 else ''} {shortlist(missing)}",
            remedy=f"Given were: {shortlist(list(columns))}.",
            missing=missing,
        )
    lengths = {n: len(columns[n]) for n in wanted}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"the columns have different lengths: {lengths}", remedy="Give every column the same number of rows."
        )
    return next(iter(lengths.values()), 0)


def answer_of(call: Callable[[], Any]) -> Any:
    """What the model answers.

    Raises:
        ModelRaisedError: the model raised; the message holds the first 300 characters of its own.
    """
    try:
        return call()
    except Exception as error:
        text = " ".join(str(error).split())[:_MESSAGE_LENGTH]
        raise ModelRaisedError(
            f"the model raised {type(error).__name__}: {text}",
            remedy="Check that the inputs are of the kind the model was trained on.",
            error_type=type(error).__name__,
        ) from error


def positive_class(answer: Any, n_rows: int) -> Floats:
    """Scores (n_rows,) from class probabilities (n_rows, 2): the second column.

    Raises:
        BadOutputError: any other shape, or what `checked` refuses.
    """
    shape = np.shape(answer) if isinstance(answer, np.ndarray) else f"a {type(answer).__name__}"
    if shape != (n_rows, 2):
        raise BadOutputError(
            f"the model answered {shape} where ({n_rows}, 2) is expected",
            remedy="Serve a classifier of two classes: one row of two probabilities per input row.",
        )
    return checked(answer[:, 1], n_rows)


def checked(answer: Any, n_rows: int) -> Floats:
    """Scores as float64 (n_rows,), each in 0..1.

    Raises:
        BadOutputError: not numbers, another shape, NaN or infinite, or outside 0..1 by more than rounding.
    """
    try:
        scores = np.asarray(answer).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise _bad(f"the model answered {np.asarray(answer).dtype} values, not numbers") from error
    if scores.shape != (n_rows,):
        raise _bad(f"the model answered the shape {scores.shape} where ({n_rows},) is expected")
    wrong = ~np.isfinite(scores)
    if wrong.any():
        raise _bad(f"{int(wrong.sum())} of {n_rows} scores are NaN or infinite, the first in row {_first(wrong)}")
    outside = (scores < -ROUNDING) | (scores > 1.0 + ROUNDING)
    if outside.any():
        row = _first(outside)
        raise _bad(
            f"{int(outside.sum())} of {n_rows} scores lie outside 0..1, the first in row {row}: {scores[row]:.6g}"
        )
    return np.clip(scores, 0.0, 1.0)


def _first(where: Any) -> int:
    return int(np.argmax(where))


def _bad(what: str) -> BadOutputError:
    return BadOutputError(what, remedy="A score is one finite number in 0..1 per row.")


def matrix(columns: Sequence[Array]) -> Array:
    """Columns side by side, (n_rows, n_columns): float64, or object when one of them is text."""
    if all(c.dtype.kind in "fiub" for c in columns):
        return np.column_stack([c.astype(np.float64) for c in columns])
    out = np.empty((len(columns[0]), len(columns)), dtype=object)
    for position, column in enumerate(columns):
        out[:, position] = column
    return out
