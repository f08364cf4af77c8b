"""How the scores of a composition's members become one score per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from roadworthy.domain.ports import Columns
from roadworthy.domain.storing.composition import Composition
from roadworthy.statistics.frame import Floats

Ask = Callable[[str, Columns], Floats]
"""A member's name and columns (n_rows,) to its scores (n_rows,)."""


def combined(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    """The scores of the members put together, float64 (n_rows,)."""
    return _KINDS[composition.kind](composition, ask, columns)


def _average(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    return _mean([ask(p.name, columns) for p in composition.voters], [1.0] * len(composition.voters))


def _weighted(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    return _mean([ask(p.name, columns) for p in composition.voters], [p.weight for p in composition.voters])


def _vote(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    votes = [(ask(p.name, columns) >= p.member.threshold).astype(np.float64) for p in composition.voters]
    return _mean(votes, [1.0] * len(votes))


def _stack(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    seen = {**columns, **{p.name: ask(p.name, columns) for p in composition.voters}}
    return ask(composition.combiner, seen)


def _chain(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    seen, score = dict(columns), np.empty(0, dtype=np.float64)
    for part in composition.voters:
        seen[part.name] = score = ask(part.name, seen)
    return score


def _switch(composition: Composition, ask: Ask, columns: Columns) -> Floats:
    segments = [str(v) for v in np.asarray(columns[composition.column]).tolist()]
    chosen = np.array([composition.cases.get(s, composition.otherwise) for s in segments], dtype=object)
    scores = np.empty(len(chosen), dtype=np.float64)
    for name in dict.fromkeys(chosen.tolist()):
        where = np.flatnonzero(chosen == name)
        scores[where] = ask(name, {n: np.asarray(c)[where] for n, c in columns.items()})
    return scores


def _mean(scores: list[Floats], weights: list[float]) -> Floats:
    """The weighted mean, exact for equal scores: rounding must not make a mean differ from what all of them say.

    Terms are added in the order of their size, so that the order of the members does not matter either.
    """
    terms = np.stack(scores) * np.array(weights)[:, None]
    mean = np.sort(terms, axis=0).sum(axis=0) / np.sort(np.array(weights)).sum()
    return np.asarray(np.clip(mean, np.min(scores, axis=0), np.max(scores, axis=0)), dtype=np.float64)


_KINDS: Mapping[str, Callable[[Composition, Ask, Columns], Floats]] = {
    "average": _average,
    "weighted": _weighted,
    "vote": _vote,
    "stack": _stack,
    "chain": _chain,
    "switch": _switch,
}
