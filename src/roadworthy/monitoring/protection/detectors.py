"""The detectors of misuse, what they say of a window, and the profile they hold it against.

A detector measures one number in a window of one client's rows; above its limit the window is an ALARM. Limits come
from honest windows drawn from the data the version was trained on: rows at random; rows that follow each other, as one
campaign would send them; rows of one category, as one branch or one product would. A limit is the largest statistic of
those windows, with room above it. Whether that is enough was measured on real traffic and real attacks, see
`benchmarks/protection/figures.md`. Rows that a client repeats count once: asking again is no attack.

To add a detector, name it in `DETECTORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.monitoring.protection import extraction, novelty, perturbation
from roadworthy.monitoring.protection.novelty import widened, widening
from roadworthy.monitoring.protection.profile import SAME, Look, Seen, TrafficProfile, TrafficWindow, gaps
from roadworthy.monitoring.protection.space import build_space, nearest
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.frame import Array, Bools, Floats, Frame

DETECTORS: dict[str, Callable[[TrafficProfile, TrafficWindow], Seen]] = {
    extraction.ID: extraction.measure,
    novelty.ID: novelty.measure,
    perturbation.ID: perturbation.measure,
}
"""Every detector by its name."""

ENOUGH = 0.9
"""Share of a window's rows that must differ: fewer rows lie further apart."""

_KEPT = 200
"""Quantiles kept of the honest distances."""


@dataclass(frozen=True)
class TrafficParams(DetectorParams):
    """How honest windows are drawn, and how much room their limits leave.

    Attributes:
        window: rows of one client that are judged together.
        windows: honest windows drawn of each kind to set the limits.
        reference: training rows among which a new row's nearest neighbour is looked for.
        parts: parts of the data, in its order, whose rows in a row have honest distances of their own.
        novel: share (0..1) of honest rows that count as out of domain.
        near: share (0..1) of honest rows that count as near copies of an earlier one.
        room: a limit over the largest honest statistic, as a factor.
    """

    RANGES: ClassVar = {
        "window": (20, 10_000),
        "windows": (20, 10_000),
        "reference": (50, 5000),
        "parts": (1, 100),
        "novel": (1e-4, 0.2),
        "near": (1e-4, 0.2),
        "room": (1.0, 5.0),
    }

    window: int = 100
    windows: int = 200
    reference: int = 500
    parts: int = 8
    novel: float = 0.01
    near: float = 0.05
    room: float = 1.1


def look(profile: TrafficProfile, window: TrafficWindow, detectors: Iterable[str]) -> tuple[Look, ...]:
    """What the named detectors say of a window; a name that is not known here is passed over.

    A window of fewer different rows than `ENOUGH` of the profile's windows is not judged: nothing is said of it.
    """
    found: list[Look] = []
    if window.rows < ENOUGH * profile.window:
        return ()
    for name in detectors:
        if name in DETECTORS and name in profile.limits:
            seen, limit = DETECTORS[name](profile, window), profile.limits[name]
            alarm = seen.statistic > limit
            found.append(
                Look(name, alarm, seen.statistic, limit, window.rows, f"{seen.message} (limit {limit:.2f})")
            )
    return tuple(found)


def build_profile(
    frame: Frame, acted: Bools, rng: np.random.Generator, params: TrafficParams | None = None
) -> TrafficProfile:
    """The profile of some training rows.

    Args:
        frame: the model's inputs, (n_rows,) each, in the order they were recorded.
        acted: the version's decision per row, (n_rows,).
        rng: draws rows and windows.

    Raises:
        DataError: fewer than three windows of rows, or not one decision for each.
    """
    settings = params or TrafficParams()
    size = int(settings.window)
    if frame.n_rows < 3 * size or len(acted) != frame.n_rows:
        raise DataError(
            f"{frame.n_rows} rows with {len(acted)} decisions are too few to know honest traffic by",
            remedy=f"Give at least {3 * size} rows, and a decision for each.",
        )
    space = build_space(frame)
    points = space.place(frame)
    centre, spread = widening(points)
    wide = widened(points, centre, spread)
    groups = _windows(frame, points, acted, rng, settings)
    honest = [window for group in groups for window in group]
    order = rng.permutation(frame.n_rows)
    known = order[: min(int(settings.reference), frame.n_rows // 2)]
    others = order[len(known) : len(known) + 5 * int(settings.reference)]
    near = np.concatenate([gaps(w, by_decision=False) for w in honest])
    different = near[near > SAME]
    profile = TrafficProfile(
        space=space,
        centre=tuple(centre.tolist()),
        spread=tuple(map(tuple, spread.tolist())),
        reference=tuple(map(tuple, wide[known].round(6).tolist())),
        novel_from=float(np.quantile(nearest(wide[others], wide[known]), 1.0 - settings.novel)),
        near_below=float(np.quantile(different, settings.near)) if len(different) else SAME,
        apart=tuple(_quantiles(group) for group in groups),
        window=size,
        limits={},
    )
    return replace(profile, limits={name: _limit(profile, honest, name, settings.room) for name in DETECTORS})


def _quantiles(windows: Sequence[TrafficWindow]) -> tuple[float, ...]:
    """Honest distances of some windows, by quantile, ascending."""
    apart = np.concatenate([gaps(w, by_decision=True) for w in windows])
    return tuple(np.quantile(apart, np.linspace(0.0, 1.0, _KEPT)).tolist())


def _limit(profile: TrafficProfile, honest: list[TrafficWindow], name: str, room: float) -> float:
    largest = max(DETECTORS[name](profile, window).statistic for window in honest)
    # At least two rows more than the largest: where no honest window had any, the first one is no attack.
    return min(1.0 - 1.0 / profile.window, max(largest * room, largest + 2.0 / profile.window))


def _windows(
    frame: Frame, points: Floats, acted: Bools, rng: np.random.Generator, params: TrafficParams
) -> list[list[TrafficWindow]]:
    """Honest windows in groups: rows at random; rows in a row, by part of the data; rows of one category, by column."""
    size, count, last = int(params.window), int(params.windows), frame.n_rows - int(params.window)
    mixed = [rng.choice(frame.n_rows, size, replace=False) for _ in range(count)]
    starts = np.array_split(np.sort(rng.integers(0, last + 1, size=count)), int(params.parts))
    ordered = [[np.arange(start, start + size) for start in part] for part in starts if len(part)]
    text = [name for name in frame.names if not frame.is_numeric(name)]
    alike = [_of_one_category(frame, name, size, count // max(5, len(text)), rng) for name in text]
    groups = [mixed, *ordered, *(group for group in alike if group)]
    return [[TrafficWindow.of(points[pick], acted[pick]) for pick in group] for group in groups]


def _of_one_category(frame: Frame, name: str, size: int, count: int, rng: np.random.Generator) -> list[Array]:
    """Rows of one category each, in the data's order; categories too rare for a window are left out."""
    values, codes = np.unique(np.array([str(v) for v in frame[name].tolist()]), return_inverse=True)
    large = np.flatnonzero(np.bincount(codes, minlength=len(values)) >= size)
    if len(large) < 2:
        return []
    bands = [np.flatnonzero(codes == large[i % len(large)]) for i in range(count)]
    return [np.sort(rng.choice(band, size, replace=False)) for band in bands]
