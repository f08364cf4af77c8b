"""The tables and plots of one finding, from the small values it keeps in `details`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.domain.documents.document import (
    Bars,
    Block,
    Cell,
    Curve,
    CurvePoint,
    Facts,
    IntervalRow,
    Intervals,
    Table,
)
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import Finding
from roadworthy.services.dossier.words import listed, titled

Row = Mapping[str, Any]

MAX_ROWS = 40
"""Rows of a details table; the signed statement has all."""

CENTRES = ("gap", "auc", "mean", "importance", "value", "difference", "ratio", "tpr_gap")
"""Columns an interval may stand beside: under `low`/`high`, or under their own `_low`/`_high`."""

BARS = ("selection_rate", "recall", "auc_lost", "importance")
"""Columns drawn as bars."""


def blocks_of(finding: Finding) -> tuple[Block, ...]:
    """Everything a finding's details show: plots first, then tables, then single values."""
    plots: list[Block] = []
    tables: list[Block] = []
    single: list[tuple[str, Cell]] = []
    for name, value in finding.details.items():
        rows = _rows_of(value)
        if rows is None:
            single.append((titled(name), Cell(_text(value))))
        elif rows:
            plots += _plots(titled(name), rows, finding)
            tables.append(_table("Bins" if name == "table" else titled(name), rows))
    return (*plots, *tables, *((Facts(tuple(single)),) if single else ()))


def _rows_of(value: Any) -> list[Row] | None:
    """A list of objects, or an object of objects, as rows; None for anything else."""
    if isinstance(value, list) and value and all(isinstance(r, Mapping) for r in value):
        return value
    if isinstance(value, Mapping) and value and all(isinstance(r, Mapping) for r in value.values()):
        return [{"name": k, **v} for k, v in value.items()]
    return None


def _plots(title: str, rows: Sequence[Row], finding: Finding) -> Iterator[Block]:
    if {"mean_score", "rate", "n"} <= set(rows[0]):
        yield calibration_curve(rows)
        return
    for centre in CENTRES:
        drawn = [r for r in (_interval(row, centre, finding) for row in rows[:MAX_ROWS]) if r is not None]
        if drawn:
            units = {r.unit for r in drawn}
            yield Intervals(f"{title}: {titled(centre)}", tuple(drawn), shared=len(units) == 1)
            if centre not in ("ratio",):
                return
    for name in BARS:
        bars = tuple((_label(r), float(r[name])) for r in rows[:MAX_ROWS] if is_number(r.get(name)))
        if bars:
            yield Bars(f"{title}: {titled(name)}", "", bars)


def calibration_curve(rows: Sequence[Row]) -> Curve:
    """A calibration table as a plot; bins without rows are left out."""
    points = tuple(
        CurvePoint(float(r["mean_score"]), float(r["rate"]), int(r["n"]))
        for r in rows
        if is_number(r.get("mean_score")) and is_number(r.get("rate"))
    )
    return Curve("Calibration: observed rate against mean score, per bin", "mean score", "observed rate", points)


def _interval(row: Row, centre: str, finding: Finding) -> IntervalRow | None:
    low, high = row.get(f"{centre}_low", row.get("low")), row.get(f"{centre}_high", row.get("high"))
    value = row.get(centre)
    if not (is_number(value) and is_number(low) and is_number(high)):
        return None
    limit = next((row[k] for k in ("bound", "demanded", "limit") if is_number(row.get(k))), None)
    if limit is None and centre in ("gap", "ratio", "auc") and finding.threshold is not None:
        limit = finding.threshold
    verdict = str(row.get("verdict", ""))
    ends = (float(str(low)), float(str(high)))
    return IntervalRow(
        _label(row),
        float(str(value)),
        *ends,
        None if limit is None else float(str(limit)),
        verdict,
        str(row.get("unit", "")),
    )


def _label(row: Row) -> str:
    return next((str(v) for v in row.values() if isinstance(v, str)), "all")


def _table(title: str, rows: Sequence[Row]) -> Table:
    shown = rows[:MAX_ROWS]
    columns = list(dict.fromkeys(key for row in shown for key in row))
    cut = f" (first {MAX_ROWS} of {len(rows)})" if len(rows) > MAX_ROWS else ""
    body = tuple(tuple(_cell(name, row.get(name, "")) for name in columns) for row in shown)
    return Table(f"{title}{cut}", tuple(titled(c) for c in columns), body)


def _cell(name: str, value: Any) -> Cell:
    if name == "verdict" and isinstance(value, str):
        return Cell(value, verdict=value)
    return Cell(_text(value), number=is_number(value))


def _text(value: Any) -> str:
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return number(float(value))
    if isinstance(value, Mapping):
        return listed([f"{k} {_text(v)}" for k, v in value.items()], 20)
    if isinstance(value, list):
        return listed([_text(v) for v in value], 20)
    return str(value)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number (a truth value is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
