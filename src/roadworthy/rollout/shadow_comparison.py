"""How a shadow's scores compare with the answers that were given on the same rows: agreement, differences, time.

It describes and decides nothing: without outcomes of its own actions a shadow cannot be shown to be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.domain.use_case import Interval
from roadworthy.statistics.proportions import wilson

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the difference shadow - champion."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One row that both have scored; scores are 0..1."""

    champion: float
    shadow: float
    champion_acted: bool
    champion_ms: float
    shadow_ms: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the pairs of one shadow show.

    Attributes:
        pairs: rows both have scored.
        failed: rows the shadow failed on.
        agreement: share (0..1) of pairs on which both would act, or both would not; None without pairs.
        agreement_interval: 95 %, as if rows were independent: with several rows per unit it is too narrow.
        only_shadow, only_champion: pairs on which only the one would act.
        differences: quantiles of shadow - champion, by `QUANTILES`; empty without pairs.
        mean_difference: its mean.
        largest_difference: its largest magnitude.
        champion_ms: median and 99th percentile from arrival to the record, milliseconds.
        shadow_ms: the same of the shadow's predict, for the whole batch a row was in: not the same span of time.
    """

    pairs: int
    failed: int
    agreement: float | None = None
    agreement_interval: Interval | None = None
    only_shadow: int = 0
    only_champion: int = 0
    differences: tuple[float, ...] = ()
    mean_difference: float | None = None
    largest_difference: float | None = None
    champion_ms: tuple[float, float] | None = None
    shadow_ms: tuple[float, float] | None = None


def compare(pairs: Sequence[Pair], threshold: float, failed: int = 0) -> Comparison:
    """Compare what both said; `threshold` is the score (0..1) from which the shadow would act.

    Example:
        >>> found = compare([Pair(0.4, 0.6, False, 2.0, 1.0), Pair(0.7, 0.8, True, 2.0, 1.0)], threshold=0.5)
        >>> found.agreement, found.only_shadow, found.only_champion
        (0.5, 1, 0)
    """
    if not pairs:
        return Comparison(0, failed)
    champion = np.array([p.champion for p in pairs])
    shadow = np.array([p.shadow for p in pairs])
    acted = np.array([p.champion_acted for p in pairs], dtype=np.bool_)
    would = shadow >= threshold
    same = int(np.sum(acted == would))
    difference = shadow - champion
    return Comparison(
        pairs=len(pairs),
        failed=failed,
        agreement=same / len(pairs),
        agreement_interval=wilson(same, len(pairs)),
        only_shadow=int(np.sum(would & ~acted)),
        only_champion=int(np.sum(acted & ~would)),
        differences=tuple(float(q) for q in np.quantile(difference, QUANTILES)),
        mean_difference=float(np.mean(difference)),
        largest_difference=float(np.max(np.abs(difference))),
        champion_ms=_spread([p.champion_ms for p in pairs]),
        shadow_ms=_spread([p.shadow_ms for p in pairs]),
    )


def _spread(times_ms: Sequence[float]) -> tuple[float, float]:
    median, late = np.quantile(np.array(times_ms), (0.5, 0.99))
    return float(median), float(late)
