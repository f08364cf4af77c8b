"""What a version's developers declared that requests must keep to, compiled once per deployment.

Without a declaration values outside what training showed are admitted: monitoring counts them. A declared limit is
enforced: the request is refused, naming column, row, value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from roadworthy.domain.errors import InputError, shortlist
from roadworthy.domain.model import ColumnLimit, ColumnSpec, Signature
from roadworthy.statistics.frame import Array, column_of


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ranges and categories by column, and the columns a request may leave out."""

    ranges: tuple[tuple[str, float, float], ...]
    categories: tuple[tuple[str, frozenset[str | None]], ...]
    optional: tuple[ColumnSpec, ...]

    @classmethod
    def of(cls, signatures: Iterable[Signature], champion: Signature) -> Bounds:
        """The bounds of a deployment's arms: every arm's hold; what may be left out, the champion says."""
        kept: dict[str, ColumnLimit] = {}
        for limit in (limit for signature in signatures for limit in signature.limits):
            kept[limit.column] = _narrower(kept.get(limit.column), limit)
        low, high = -np.inf, np.inf
        ranges = [
            (c.column, low if c.low is None else c.low, high if c.high is None else c.high)
            for c in kept.values()
            if c.low is not None or c.high is not None
        ]
        texts = [(c.column, frozenset((*c.categories, None))) for c in kept.values() if c.categories]
        left_out = {limit.column for limit in champion.limits if limit.optional}
        return cls(tuple(ranges), tuple(texts), tuple(c for c in champion.inputs if c.name in left_out))

    def kept(self, columns: Mapping[str, Array], n_rows: int) -> Mapping[str, Array]:
        """The columns with those that were left out, every value (n_rows,) within its bounds.

        Raises:
            InputError: a value outside; names column, row, value and what is allowed.
        """
        absent = [spec for spec in self.optional if spec.name not in columns]
        if absent:
            columns = {**columns, **{spec.name: column_of(spec, [None] * n_rows) for spec in absent}}
        for name, low, high in self.ranges:
            column = columns.get(name)
            if column is None:
                continue
            if n_rows == 1:
                outside = column[0] < low or column[0] > high  # NaN, a missing value, is neither
            else:
                outside = bool(((column < low) | (column > high)).any())
            if outside:
                raise _outside(name, column, (column < low) | (column > high), f"{low:.15g} to {high:.15g}")
        for name, allowed in self.categories:
            column = columns.get(name)
            if column is not None and not allowed.issuperset(values := column.tolist()):
                wrong = np.array([v not in allowed for v in values], dtype=np.bool_)
                raise _outside(name, column, wrong, shortlist(sorted(v for v in allowed if v is not None), 20))
        return columns


def _narrower(known: ColumnLimit | None, other: ColumnLimit) -> ColumnLimit:
    """Both limits in one; two lists of categories without a common one admit no text at all."""
    if known is None:
        return other
    lows = [v for v in (known.low, other.low) if v is not None]
    highs = [v for v in (known.high, other.high) if v is not None]
    texts = known.categories or other.categories
    if known.categories and other.categories:
        texts = tuple(v for v in known.categories if v in other.categories) or ("",)
    return ColumnLimit(known.column, max(lows, default=None), min(highs, default=None), texts)


def _outside(name: str, column: Array, wrong: Array, allowed: str) -> InputError:
    row = int(np.argmax(wrong))
    value = column[row]
    said = repr(value[:64]) if isinstance(value, str) else f"{value.item():.15g}"
    return InputError(
        f"column '{name}', row {row}: {said} is outside what this model was declared for",
        remedy=f"Allowed: {allowed}.",
        field=name,
        column=name,
        row=row,
    )
