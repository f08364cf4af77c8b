"""What a score rests on: permutation importance of whole columns, and reasons for single rows.

Model-agnostic: it only asks the model for scores, so any `Score` can be explained.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from roadworthy.checks.material import Score
from roadworthy.checks.validation.judging import checked
from roadworthy.statistics.frame import Array, Floats, Frame, concat
from roadworthy.statistics.ranking import auc

Matrix = NDArray[np.float64]
_ROWS_PER_CALL = 50_000


def permutation_importance(
    score: Score, frame: Frame, y: Floats, columns: tuple[str, ...], rng: np.random.Generator
) -> Floats:
    """AUC lost when each column is shuffled, shape (n_columns,); one shuffle each.

    Raises:
        DataError: `y` has one class only.
        BadOutputError: the model answers no number in 0..1.

    Reference: Breiman 2001; Fisher, Rudin & Dominici 2019, JMLR 20.
    """
    whole = auc(y, checked(score(frame), frame.n_rows))
    shuffled = [(name, frame[name][rng.permutation(frame.n_rows)]) for name in columns]
    return np.array([whole - auc(y, scores) for scores in _varied(score, frame, shuffled)])


def local_reasons(
    score: Score, rows: Frame, background: Frame, columns: tuple[str, ...], rng: np.random.Generator, draws: int
) -> Matrix:
    """What each column adds to each row's score, shape (n_rows, n_columns).

    The score minus its mean over `draws` rows of `background` lending their value of that column.

    Reference: Robnik-Sikonja & Kononenko 2008, IEEE TKDE 20 (prediction difference).
    """
    own = checked(score(rows), rows.n_rows)
    size = rows.n_rows * draws
    lent = [(name, background[name][rng.integers(0, background.n_rows, size=size)]) for name in columns]
    varied = _varied(score, concat([rows] * draws), lent)
    return np.column_stack([own - scores.reshape(draws, rows.n_rows).mean(axis=0) for scores in varied])


def _varied(score: Score, frame: Frame, changes: list[tuple[str, Array]]) -> Iterator[Floats]:
    """Scores of the frame under each change of one column; several per call, as a call costs more than its rows."""
    together = max(1, _ROWS_PER_CALL // max(1, frame.n_rows))
    for start in range(0, len(changes), together):
        part = changes[start : start + together]
        scores = checked(score(concat([frame.with_column(*c) for c in part])), frame.n_rows * len(part))
        yield from scores.reshape(len(part), frame.n_rows)


def shared_importance(a: Floats, b: Floats, floor: float) -> float | None:
    """Share of importance (0..1) that two vectors lay on the same columns; values below `floor` count as none.

    One minus the total variation distance of the two vectors scaled to sum 1. None when one of them says nothing.
    Unlike a rank correlation it does not care about swapped ranks of columns that matter almost equally.
    """
    first, second = (np.where(v < floor, 0.0, v) for v in (a, b))
    if first.sum() <= 0.0 or second.sum() <= 0.0:
        return None
    return float(np.minimum(first / first.sum(), second / second.sum()).sum())


def rank_agreement(a: Floats, b: Floats, floor: float) -> float | None:
    """Spearman's rank correlation of two importance vectors in which values below `floor` count as nothing (tied).

    None when one of them ranks nothing (all tied): agreement is then not defined.

    Reference: Spearman 1904; ties by midranks.
    """
    first, second = (rankdata(np.where(v < floor, 0.0, v)) for v in (a, b))
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return None
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))
