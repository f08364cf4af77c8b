"""Splitting rows into a part to train on and a part to seal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.domain.errors import SettingError
from roadworthy.statistics.frame import Floats, Frame


@dataclass(frozen=True)
class Parts:
    """Both parts, and in words how they were made."""

    train: Frame
    sealed: Frame
    how: str


def split(frame: Frame, y: Floats, share: float, seed: int, time_column: str = "") -> Parts:
    """The rows in two parts, `share` of them sealed, each in the order of the file.

    With a time column the sealed rows are the latest ones (a model is used on what comes after its training data);
    without one they are drawn at random, the same share of each class.

    Args:
        frame: the rows.
        y: the outcome as 1.0 / 0.0, shape (n_rows,).
        share: of the rows to seal, above 0 to 0.9.
        seed: of the draw.
        time_column: orders the rows; empty = none.

    Raises:
        SettingError: a share outside its range.
    """
    if not 0 < share <= 0.9:
        raise SettingError(
            f"the share to seal is {share:g}", remedy="Allowed: above 0, at most 0.9.", field="split"
        )
    sealed = np.zeros(frame.n_rows, dtype=np.bool_)
    if time_column:
        order = np.argsort(frame[time_column], kind="stable")
        sealed[order[frame.n_rows - round(share * frame.n_rows) :]] = True
        how = f"the latest {int(sealed.sum()):,} rows by '{time_column}'"
    else:
        rng = np.random.default_rng(seed)
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            sealed[rng.permutation(rows)[: round(share * len(rows))]] = True
        how = f"{int(sealed.sum()):,} rows drawn at random, seed {seed}, the same share of each class"
    return Parts(frame.take(~sealed), frame.take(sealed), how)
