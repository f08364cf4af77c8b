"""Rows known by their values, however the file that holds them was written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from roadworthy.statistics.frame import Array, Floats, Frame
from roadworthy.statistics.proportions import wilson

DIGITS = 4
"""Significant digits by which broken numbers are told apart: fewer than any way of writing them keeps."""

ALPHA = 1e-3
"""Chance of calling rows the same that only happen to look alike."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How many of `rows` rows are known already, and the share of them (0..1) that may be by chance."""

    found: int
    rows: int
    by_chance: float

    @property
    def beyond_chance(self) -> bool:
        """Whether so many would be found with a probability below `ALPHA` if all were new."""
        return bool(self.found and binom.sf(self.found - 1, self.rows, self.by_chance) < ALPHA)


def matches(known: Frame, given: Frame) -> Matches:
    """How many of the given rows equal a known row in every column that both have.

    By chance new rows equal a known one as well, where few columns take few values. The share expected is Good and
    Turing's, one less the share of known rows that are there once, taken at the upper end of its 95 % interval.

    Args:
        known: rows seen before, at least one.
        given: rows to recognise.

    Reference: Good 1953, Biometrika 40 (the population frequencies of species).
    """
    shared = [name for name in given.names if name in known]
    if not shared:
        return Matches(0, given.n_rows, 0.0)
    seen = Counter(row_keys(known.select(shared), DIGITS))
    once = sum(count == 1 for count in seen.values())
    found = sum(key in seen for key in row_keys(given.select(shared), DIGITS))
    return Matches(found, given.n_rows, wilson(known.n_rows - once, known.n_rows, 0.95).high)


def row_keys(frame: Frame, digits: int | None = None) -> list[tuple[object, ...]]:
    """Each row as a tuple that equals that of an equal row, in the order of the columns.

    A missing value equals a missing value, 1 equals 1.0 and true; with `digits`, numbers that are not whole are rounded
    to so many significant ones.
    """
    return list(zip(*(_plain(frame, name, digits) for name in frame.names), strict=True))


def _plain(frame: Frame, name: str, digits: int | None) -> list[object]:
    values: Array = frame[name]
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]").astype(np.int64)
    elif digits is not None and frame.is_numeric(name):
        values = _rounded(frame.floats(name), digits)
    return [None if gone else v for v, gone in zip(values.tolist(), frame.missing(name).tolist(), strict=True)]


def _rounded(values: Floats, digits: int) -> Floats:
    mantissa, exponent = np.frexp(values)
    near = np.ldexp(np.round(mantissa * 10.0**digits) / 10.0**digits, exponent)
    return np.where(values == np.round(values), values, near)
