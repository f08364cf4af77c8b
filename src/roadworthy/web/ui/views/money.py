"""The value ledger in words: what was earned, between what limits, and what could not be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.use_case import Interval
from roadworthy.web.ui.words import count, money, percent


@dataclass(frozen=True, slots=True)
class Earned:
    """Value to date in one unit, as a figure and a note; or that it could not be measured."""

    amount: str
    note: str
    measured: bool


def total_interval(line: LedgerEntry) -> Interval | None:
    """A line's interval per unit, times the units served."""
    if line.interval is None or not line.measurable:
        return None
    n = line.units_served
    return Interval(line.interval.low * n, line.interval.high * n, line.interval.level)


def earned(lines: Sequence[LedgerEntry]) -> list[Earned]:
    """Value to date per unit of money, over the newest line of every version.

    The ends of the versions' intervals are added, which is wider than it need be and never too narrow.
    """
    found: list[Earned] = []
    for unit in dict.fromkeys(line.unit for line in lines):
        mine = [line for line in lines if line.unit == unit]
        known = [line for line in mine if line.measurable and line.total is not None]
        missing = len(mine) - len(known)
        note = f"{count(missing, 'version')} not measurable" if missing else ""
        if not known:
            found.append(Earned("not measurable", mine[0].reason or note, measured=False))
            continue
        ends = [i for i in map(total_interval, known) if i is not None]
        level = percent(ends[0].level) if ends else ""
        low, high = sum(i.low for i in ends), sum(i.high for i in ends)
        interval = f"{level} interval {number(round(low))} to {number(round(high))}" if ends else "no interval"
        unsure = "neither gain nor loss is proven" if ends and low <= 0 <= high else ""
        amount = money(sum(line.total or 0.0 for line in known), unit)
        found.append(Earned(amount, "; ".join(x for x in (interval, unsure, note) if x), measured=True))
    return found or [Earned("not measured yet", "a review after the first outcomes measures it", measured=False)]
