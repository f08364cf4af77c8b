"""Keeping the licence: what monitors saw, what they concluded, and what the model earned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict


class SignalKind(Enum):
    """Which question a monitor asks."""

    DATA_QUALITY = "data-quality"
    DATA_DRIFT = "data-drift"
    SCORE_DRIFT = "score-drift"
    MATHEMATICAL_DRIFT = "mathematical-drift"
    BUSINESS_DRIFT = "business-drift"
    VALUE = "value"
    SERVING = "serving"
    LABEL_COVERAGE = "label-coverage"
    PROTECTION = "protection"


@dataclass(frozen=True, slots=True)
class Signal:
    """What one monitor measured in one window. `subject` is the column, arm or metric it looked at."""

    monitor: str
    kind: SignalKind
    subject: str
    verdict: Verdict
    message: str
    statistic: float | None = None
    interval: Interval | None = None
    threshold: float | None = None
    unit: str = ""
    rows: int = 0
    defect: DefectKind | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewRun:
    """One review of one endpoint over one window of decisions, with the work items it opened."""

    id: str
    endpoint: str
    use_case: str
    version: str
    since: datetime
    until: datetime
    at: datetime
    decisions: int
    outcomes: int
    verdict: Verdict
    signals: tuple[Signal, ...]
    conclusion: str
    work_items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one version earned in one window, in the contract's unit.

    `per_unit` is the model's contrast to the hold-out with `interval`; both None when there was no hold-out to
    measure against: `measurable` is then False and nothing is guessed.
    """

    id: str
    endpoint: str
    version: str
    contract: str
    since: datetime
    until: datetime
    unit: str
    units_served: int
    units_held_out: int
    value_model: float
    value_holdout: float | None
    measurable: bool
    per_unit: float | None = None
    interval: Interval | None = None
    total: float | None = None
    holdout_cost: float | None = None
    reason: str = ""
