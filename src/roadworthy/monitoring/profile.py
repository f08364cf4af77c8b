"""`Profile`: a window's exact counts over a reference's bins; merging two profiles counts both windows.

Counts add and ranges widen, so merge(profile(a), profile(b)) == profile(a and b together), in any order and
grouping: a profile per sealed log segment is enough, and a month is a sum of small arrays.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec
import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.monitoring.reference import BinKind, ColumnBins, Reference, kept
from roadworthy.statistics.frame import Array, Floats, Frame


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Rows per bin of one column.

    `below`, `above`: rows outside the reference's range (they are in `counts` too). `unseen`: rows with a category
    the reference never had. `mistyped`: text where a number was expected (counted as missing). `low`, `high`: the
    window's range.
    """

    counts: tuple[int, ...]
    below: int = 0
    above: int = 0
    unseen: int = 0
    mistyped: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The counts of a window, in the order of the reference's columns; `reference` is that reference's digest."""

    reference: str
    rows: int
    columns: tuple[ColumnCounts, ...]
    score: ColumnCounts | None = None

    def to_json(self) -> bytes:
        """The profile as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Profile:
        """What `to_json` wrote.

        Raises:
            DataError: it is not a profile.
        """
        return kept(data, cls, "a profile", "Count the window again.")


def profile(reference: Reference, frame: Frame, scores: Floats | None = None) -> Profile:
    """The counts of a window. A column of the reference that the window lacks counts as missing in every row.

    Raises:
        DataError: `scores` of another length than the frame.
    """
    if scores is not None and len(scores) != frame.n_rows:
        raise DataError(f"{len(scores)} scores for {frame.n_rows} rows", remedy="Give one score per row, or none.")
    columns = tuple(_count(bins, frame) for bins in reference.columns)
    score = None
    if reference.score is not None and scores is not None:
        score = _count_numbers(reference.score, np.asarray(scores, dtype=np.float64), 0)
    return Profile(reference.digest, frame.n_rows, columns, score)


def empty(reference: Reference) -> Profile:
    """The profile of no rows: merging it changes nothing."""
    none = tuple(ColumnCounts((0,) * bins.n_bins) for bins in reference.columns)
    score = ColumnCounts((0,) * reference.score.n_bins) if reference.score is not None else None
    return Profile(reference.digest, 0, none, score)


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both windows together.

    Raises:
        DataError: the profiles were counted over different references.
    """
    if a.reference != b.reference:
        raise DataError(
            f"profiles over the references {a.reference} and {b.reference} cannot be merged",
            remedy="Count both windows over the same reference.",
        )
    columns = tuple(_add(x, y) for x, y in zip(a.columns, b.columns, strict=True))
    score = _add(a.score, b.score) if a.score is not None and b.score is not None else None
    return Profile(a.reference, a.rows + b.rows, columns, score)


def _count(bins: ColumnBins, frame: Frame) -> ColumnCounts:
    if bins.name not in frame:
        return ColumnCounts((*(0,) * (bins.n_bins - 1), frame.n_rows))
    column = frame[bins.name]
    if bins.kind is BinKind.TEXT:
        return _count_text(bins, column)
    if column.dtype.kind in "fiub":
        return _count_numbers(bins, column.astype(np.float64), 0)
    mistyped = int((~frame.missing(bins.name)).sum())
    return _count_numbers(bins, np.full(len(column), np.nan), mistyped)


def _count_numbers(bins: ColumnBins, values: Floats, mistyped: int) -> ColumnCounts:
    present = values[~np.isnan(values)]
    if bins.kind is BinKind.CONSTANT:
        same = int((present == bins.edges[0]).sum())
        inner = [same, len(present) - same]
    else:
        where = np.searchsorted(np.asarray(bins.edges), present, "right")
        inner = np.bincount(where, minlength=len(bins.edges) + 1).tolist()
    return ColumnCounts(
        counts=(*inner, len(values) - len(present)),
        below=int((present < bins.low).sum()) if bins.low is not None else 0,
        above=int((present > bins.high).sum()) if bins.high is not None else 0,
        mistyped=mistyped,
        low=float(present.min()) if len(present) else None,
        high=float(present.max()) if len(present) else None,
    )


def _count_text(bins: ColumnBins, column: Array) -> ColumnCounts:
    values = column.tolist()
    missing = sum(v is None or v != v for v in values)  # noqa: PLR0124 - NaN is what differs from itself
    counted = Counter(str(v) for v in values if v is not None and v == v)  # noqa: PLR0124 - as above
    top = [counted[c] for c in bins.categories]
    known = None if bins.known is None else set(bins.known)
    unseen = 0 if known is None else sum(n for c, n in counted.items() if c not in known)
    return ColumnCounts((*top, counted.total() - sum(top), missing), unseen=unseen)


def _add(a: ColumnCounts, b: ColumnCounts) -> ColumnCounts:
    lows = [x for x in (a.low, b.low) if x is not None]
    highs = [x for x in (a.high, b.high) if x is not None]
    return ColumnCounts(
        counts=tuple(x + y for x, y in zip(a.counts, b.counts, strict=True)),
        below=a.below + b.below,
        above=a.above + b.above,
        unseen=a.unseen + b.unseen,
        mistyped=a.mistyped + b.mistyped,
        low=min(lows) if lows else None,
        high=max(highs) if highs else None,
    )
