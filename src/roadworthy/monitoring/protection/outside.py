"""The input range guard: rows with a number outside the range, or a category outside the list, seen in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.domain.model import ColumnSpec


@dataclass(frozen=True, slots=True)
class Outside:
    """The first value found outside: in which row and column, and what was seen in training."""

    row: int
    column: str
    value: object
    allowed: str


def outside(columns: Mapping[str, Any], inputs: Sequence[ColumnSpec]) -> Outside | None:
    """The first value outside what training saw, by column; missing values are not for this guard to judge.

    Args:
        columns: name -> array, (n_rows,); missing = NaN or None.
        inputs: with their `low`, `high` and `categories`; a bound that is not there holds nothing back.
    """
    for spec in inputs:
        values = columns.get(spec.name)
        if values is None or (spec.low is None and spec.high is None and not spec.categories):
            continue
        for row, value in enumerate(values.tolist()):
            if value is not None and _is_outside(value, spec):
                return Outside(row, spec.name, value, _allowed(spec))
    return None


def _is_outside(value: Any, spec: ColumnSpec) -> bool:
    if spec.categories:
        return str(value) not in spec.categories
    return (spec.low is not None and value < spec.low) or (spec.high is not None and value > spec.high)


def _allowed(spec: ColumnSpec) -> str:
    if spec.categories:
        return ", ".join(spec.categories[:20])
    ends = (
        f"from {spec.low:g}" if spec.low is not None else "",
        f"to {spec.high:g}" if spec.high is not None else "",
    )
    return " ".join(end for end in ends if end)


def count_outside(columns: Mapping[str, Any], inputs: Sequence[ColumnSpec]) -> dict[str, int]:
    """Rows outside what training saw, by column; columns without any are left out. Arguments as `outside`."""
    found: dict[str, int] = {}
    for spec in inputs:
        values = columns.get(spec.name)
        if values is not None and (spec.low is not None or spec.high is not None or spec.categories):
            rows = sum(value is not None and _is_outside(value, spec) for value in values.tolist())
            if rows:
                found[spec.name] = rows
    return found
