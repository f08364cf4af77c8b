"""`TrafficProfile`: what honest traffic of a version looks like, as detectors of misuse need it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from roadworthy.monitoring.protection.space import Space, earlier
from roadworthy.monitoring.reference import kept
from roadworthy.statistics.frame import Array, Bools, Floats

SAME = 1e-9
"""Points nearer than this are the same row."""


@dataclass(frozen=True, slots=True)
class TrafficProfile:
    """What honest traffic looks like.

    Attributes:
        space: how rows become points.
        centre, spread: the points' mean (n_dimensions,), and what makes their directions equally wide (square).
        reference: training rows as widened points, (n_reference, n_dimensions).
        novel_from: distance to the nearest of them from which a row is out of domain.
        near_below: distance below which a row is a near copy of another.
        apart: quantiles of the honest distances to the nearest earlier row with the same decision, ascending: of rows
            drawn at random, and of rows in a row from each part of the data.
        window: rows that are judged together.
        limits: per detector, the statistic above which a window is taken for misuse.
    """

    space: Space
    centre: tuple[float, ...]
    spread: tuple[tuple[float, ...], ...]
    reference: tuple[tuple[float, ...], ...]
    novel_from: float
    near_below: float
    apart: tuple[tuple[float, ...], ...]
    window: int
    limits: dict[str, float]

    def to_json(self) -> bytes:
        """The profile as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> TrafficProfile:
        """What `to_json` wrote.

        Raises:
            DataError: it is not a profile.
        """
        return kept(data, cls, "a traffic profile", "Deploy the version again: it is made then.")


@dataclass(frozen=True, slots=True)
class TrafficWindow:
    """Different rows of one client, in the order they came: points (n_rows, n_dimensions) and decisions (n_rows,)."""

    points: Floats
    acted: Bools

    @classmethod
    def of(cls, points: Floats, acted: Bools) -> TrafficWindow:
        """The window of some rows; of rows that are the same, the first counts."""
        kept = different(points)
        return cls(points[kept], acted[kept])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one detector measured in one window, and what that is in words."""

    statistic: float
    message: str


@dataclass(frozen=True, slots=True)
class Look:
    """A measurement held against its limit: an `alarm` is a statistic above it."""

    detector: str
    alarm: bool
    statistic: float
    limit: float
    rows: int
    message: str


def gaps(window: TrafficWindow, *, by_decision: bool) -> Floats:
    """Each row's distance to the nearest earlier one (of its decision); first rows have none and are left out."""
    groups = window.acted if by_decision else np.zeros(window.rows, dtype=np.bool_)
    found = earlier(window.points, groups)
    return np.asarray(found[~np.isnan(found)], dtype=np.float64)


def different(points: Floats) -> Array:
    """Where rows stand that no earlier one is the same as, (n_different,)."""
    return np.sort(np.unique(points, axis=0, return_index=True)[1])
