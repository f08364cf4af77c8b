"""The dossier's words for numbers, times and what is not there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from roadworthy.domain.documents.document import Cell
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.use_case import Interval

NOT_RECORDED = "not recorded"
"""Stands wherever the record is silent: nothing is ever filled in."""


def between(interval: Interval | None, unit: str = "") -> str:
    """An interval with its level."""
    if interval is None:
        return "no interval"
    return f"{number(interval.low)} to {number(interval.high, unit)} ({100 * interval.level:.4g} %)"


def when(at: datetime | None) -> str:
    """A time to the second, UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else NOT_RECORDED


def said(text: str, evidence: str = "", *, code: bool = False) -> Cell:
    """A text that may be missing."""
    return Cell(text.strip() or NOT_RECORDED, evidence, code=code and bool(text.strip()))


def amount(value: float | None, unit: str = "", *, signed: bool = False) -> Cell:
    """A number, aligned as one."""
    return Cell(number(value, unit, signed=signed), number=True)


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names with commas, at most `limit`, then how many more; words when there is none."""
    known = list(names)
    rest = f" and {len(known) - limit} more" if len(known) > limit else ""
    return ", ".join(known[:limit]) + rest if known else "none"


def titled(name: str) -> str:
    """A field's name as a heading."""
    words = " ".join({"auc": "AUC", "sd": "SD", "psi": "PSI", "ece": "ECE", "n": "rows"}.get(w, w)
                     for w in name.replace("_", " ").replace("-", " ").split())  # fmt: skip
    return words[:1].upper() + words[1:]
