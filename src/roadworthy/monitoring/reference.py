"""`Reference`: the bins, fixed once from reference data, over which every later window is counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import msgspec
import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.statistics.frame import Floats, Frame

T = TypeVar("T")

MAX_BINS = 10
TOP_CATEGORIES = 20
MAX_KNOWN = 1000


class BinKind(Enum):
    """How a column's values are sorted into bins."""

    NUMERIC = "numeric"
    CONSTANT = "constant"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ColumnBins:
    """The bins of one column and what the reference had in them.

    NUMERIC: bin i holds edges[i-1] <= x < edges[i], the first and last are open-ended. CONSTANT: `edges` is the one
    value; bins are "that value" and "any other". TEXT: one bin per category in `categories`, then "other". The last
    bin is always "missing". `counts` are the reference's rows per bin. `low`, `high`: the reference's range.
    `known`: every category of the reference, None where there were more than `MAX_KNOWN`.
    """

    name: str
    kind: BinKind
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    known: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None

    @property
    def n_bins(self) -> int:
        """Number of bins, the missing one included."""
        inner = {BinKind.NUMERIC: len(self.edges) + 1, BinKind.CONSTANT: 2, BinKind.TEXT: len(self.categories) + 1}
        return inner[self.kind] + 1

    def labels(self) -> tuple[str, ...]:
        """The bins in words, for tables and plots."""
        if self.kind is BinKind.TEXT:
            return (*self.categories, "other", "missing")
        if self.kind is BinKind.CONSTANT:
            return (f"{self.edges[0]:g}", "any other value", "missing")
        if not self.edges:
            return ("any", "missing")
        inner = (f"{a:g} to {b:g}" for a, b in zip(self.edges, self.edges[1:], strict=False))
        return (f"below {self.edges[0]:g}", *inner, f"{self.edges[-1]:g} and above", "missing")


@dataclass(frozen=True, slots=True)
class Reference:
    """All columns' bins. `score` bins the model's answers; None when the reference was built without scores.

    Times are left out (they always move) and named in `skipped`.
    """

    rows: int
    columns: tuple[ColumnBins, ...]
    score: ColumnBins | None = None
    skipped: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names these bins: profiles over different bins cannot be compared. First 16 hex digits of SHA-256."""
        return hashlib.sha256(self.to_json()).hexdigest()[:16]

    def to_json(self) -> bytes:
        """The reference as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Reference:
        """What `to_json` wrote.

        Raises:
            DataError: it is not a reference.
        """
        return kept(data, cls, "a reference profile", "Build it again from the reference data.")


def kept(data: bytes, kind: type[T], what: str, remedy: str) -> T:
    """What was kept as JSON. Raises DataError: the data are not `what`; `remedy` says how to get it again."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as problem:
        raise DataError(f"this is not {what}: {problem}", remedy=remedy) from problem


def build_reference(frame: Frame, scores: Floats | None = None) -> Reference:
    """Bins from reference data: at most 10 by quantile for numbers, the 20 most frequent categories for text.

    Args:
        frame: input columns, shape (n_rows,) each; `scores` of the same length or None.

    Raises:
        DataError: no rows, or `scores` of another length.
    """
    if frame.n_rows == 0:
        raise DataError("the reference has no rows", remedy="Give the data the model was validated on.")
    if scores is not None and len(scores) != frame.n_rows:
        raise DataError(
            f"{len(scores)} scores for {frame.n_rows} reference rows", remedy="Give one score per row, or none."
        )
    times = tuple(n for n in frame.names if frame[n].dtype.kind == "M")
    columns = tuple(_bins(frame, name) for name in frame.names if name not in times)
    score = None if scores is None else numeric_bins("score", np.asarray(scores, dtype=np.float64))
    return Reference(frame.n_rows, columns, score, times)


def numeric_bins(name: str, values: Floats) -> ColumnBins:
    """Bins of one numeric column, shape (n_rows,), NaN = missing."""
    present = values[~np.isnan(values)]
    missing = len(values) - len(present)
    if len(present) == 0:
        return ColumnBins(name, BinKind.NUMERIC, (0, missing))
    low, high = float(present.min()), float(present.max())
    if low == high:
        return ColumnBins(name, BinKind.CONSTANT, (len(present), 0, missing), (low,), low=low, high=high)
    edges = _edges(present)
    counts = np.bincount(np.searchsorted(edges, present, "right"), minlength=len(edges) + 1)
    return ColumnBins(name, BinKind.NUMERIC, (*counts.tolist(), missing), tuple(edges.tolist()), low=low, high=high)


def text_bins(name: str, values: list[str | None]) -> ColumnBins:
    """Bins of one text column, None = missing."""
    counted = Counter(v for v in values if v is not None)
    missing = len(values) - counted.total()
    # Ties by name, so that the same data gives the same bins in any row order.
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    top, rest = ranked[:TOP_CATEGORIES], ranked[TOP_CATEGORIES:]
    known = tuple(sorted(counted)) if len(counted) <= MAX_KNOWN else None
    counts = (*(n for _, n in top), sum(n for _, n in rest), missing)
    return ColumnBins(name, BinKind.TEXT, counts, categories=tuple(c for c, _ in top), known=known)


def _bins(frame: Frame, name: str) -> ColumnBins:
    if frame.is_numeric(name):
        return numeric_bins(name, frame.floats(name))
    return text_bins(name, frame[name].tolist())


def _edges(present: Floats) -> Floats:
    """Lower edges of all bins but the first, ascending.

    Few distinct values get a bin each. Otherwise quantiles; a value that takes several of them (999 = "never") gets
    a bin of its own, or it would hide everything it is joined with.
    """
    distinct = np.unique(present)
    if len(distinct) <= MAX_BINS:
        return np.asarray(distinct[1:], dtype=np.float64)
    values, times = np.unique(np.quantile(present, np.linspace(0.0, 1.0, MAX_BINS + 1)[1:-1]), return_counts=True)
    heavy = values[times > 1]
    edges = np.unique(np.concatenate([values, np.nextafter(heavy, np.inf)]))
    return np.asarray(edges[(edges > distinct[0]) & (edges <= distinct[-1])], dtype=np.float64)
