"""Shapley values of one row's score: what each column adds to it, shared out so that the parts sum to the whole.

A column outside a coalition takes its values from a background sample (interventional values, the mean over its
rows), so v(all columns) is the row's own score and v(no column) the background's mean score. The model is only asked
for scores.

    exact      up to `EXACT_COLUMNS` columns: all 2^n coalitions, no error of sampling
    sampled    more columns: seeded orders of the columns, each with its reverse; a t interval per column over the pairs

Both sum to score - base to rounding. The interval speaks of the orders drawn, not of another background.

References: Shapley 1953; Castro, Gomez & Tejada 2009, Computers & OR 36 (sampling orders); Mitchell, Cooper, Frank &
Holmes 2022, JMLR 23 (orders with their reverse); Lundberg & Lee 2017, NeurIPS 30.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from roadworthy.domain.errors import BadOutputError, DataError
from roadworthy.domain.use_case import Interval
from roadworthy.statistics.frame import Array, Bools, Floats, Frame, concat
from roadworthy.statistics.means import mean_interval

EXACT_COLUMNS = 8
"""Most columns whose coalitions are all asked: 2^8 of them, each with every background row."""

_ROWS_PER_CALL = 50_000


@dataclass(frozen=True, slots=True)
class Part:
    """What one column adds to the score; `interval` is None where the value is exact."""

    column: str
    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Shapley:
    """A row's score in parts, in the order of the columns: score = base + sum of the parts, to rounding.

    `base` is the mean score of the background; `scored` how many rows the model was asked for.
    """

    score: float
    base: float
    parts: tuple[Part, ...]
    exact: bool
    scored: int


def shapley(
    score: Callable[[Frame], Floats],
    row: Frame,
    background: Frame,
    rng: np.random.Generator,
    *,
    draws: int = 16,
    level: float = 0.95,
) -> Shapley:
    """The Shapley values of a row's score.

    Args:
        score: frame -> one score per row, (n_rows,).
        row: one row of n columns.
        background: the same columns, at least one row.
        draws: pairs of orders when there are more than `EXACT_COLUMNS` columns, at least 2.
        level: of each column's own interval.

    Raises:
        DataError: not one row, no background row, or fewer than two draws.
        BadOutputError: the model answers something else than one finite number per row.
    """
    if row.n_rows != 1 or background.n_rows < 1 or draws < 2:
        raise DataError(
            f"{row.n_rows} rows to explain, {background.n_rows} of background, {draws} draws",
            remedy="Give one row, a background of at least one, and at least two draws.",
        )
    worth = _Worth(score, row, background.select(row.names))
    n = len(row.names)
    return _exact(worth, n) if n <= EXACT_COLUMNS else _sampled(worth, n, rng, draws, level)


class _Worth:
    """What coalitions of columns are worth: the mean score over the background with those columns set to the row's."""

    def __init__(self, score: Callable[[Frame], Floats], row: Frame, background: Frame) -> None:
        self.names = row.names
        self.scored = 0
        self._score = score
        # One under the other gives both the same type: a float row over whole background numbers cuts nothing off.
        both = concat([row, background])
        self._row = {name: both[name][:1] for name in row.names}
        self._background = {name: both[name][1:] for name in row.names}
        self._size = background.n_rows

    def __call__(self, members: Bools) -> Floats:
        """Worth per coalition, (n_coalitions,), of shape (n_coalitions, n_columns): True = the row's own value."""
        return np.concatenate([self._asked(part) for part in self._portions(members)])

    def _portions(self, members: Bools) -> Iterator[Bools]:
        step = max(1, _ROWS_PER_CALL // self._size)
        for start in range(0, len(members), step):
            yield members[start : start + step]

    def _asked(self, members: Bools) -> Floats:
        rows = len(members) * self._size
        columns: dict[str, Array] = {}
        for i, name in enumerate(self.names):
            own = np.repeat(members[:, i], self._size)
            columns[name] = np.where(own, self._row[name], np.tile(self._background[name], len(members)))
        scores = np.asarray(self._score(Frame(columns)), dtype=np.float64)
        if scores.shape != (rows,) or not np.isfinite(scores).all():
            raise BadOutputError(
                f"the model answered {rows} rows with shape {scores.shape}, not all of them finite",
                remedy="Only a model that answers one number per row can be explained.",
            )
        self.scored += rows
        means: Floats = scores.reshape(len(members), self._size).mean(axis=1)
        return means


def _exact(worth: _Worth, n: int) -> Shapley:
    codes = np.arange(2**n)
    members = (codes[:, None] >> np.arange(n)) & 1 == 1
    values = worth(members)
    sizes = members.sum(axis=1)
    weights = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    parts = []
    for i, name in enumerate(worth.names):
        without = codes[~members[:, i]]
        gain = values[without | (1 << i)] - values[without]
        parts.append(Part(name, float(np.sum(weights[sizes[without]] * gain))))
    return Shapley(float(values[-1]), float(values[0]), tuple(parts), True, worth.scored)


def _sampled(worth: _Worth, n: int, rng: np.random.Generator, draws: int, level: float) -> Shapley:
    first = [rng.permutation(n) for _ in range(draws)]
    orders = np.array([order for one in first for order in (one, one[::-1])])
    # Along each order the coalition grows by one column; the empty and the whole one are asked once for all.
    places = np.argsort(orders, axis=1)
    grown = (places[:, None, :] < np.arange(1, n)[None, :, None]).reshape(-1, n)
    inner = worth(grown).reshape(len(orders), n - 1)
    base, whole = worth(np.array([[False] * n, [True] * n]))
    path = np.column_stack([np.full(len(orders), base), inner, np.full(len(orders), whole)])
    gains = np.take_along_axis(np.diff(path, axis=1), places, axis=1)
    pairs = gains.reshape(draws, 2, n).mean(axis=1)
    parts = tuple(
        Part(name, float(pairs[:, i].mean()), mean_interval(pairs[:, i], level))
        for i, name in enumerate(worth.names)
    )
    return Shapley(float(whole), float(base), parts, False, worth.scored)
