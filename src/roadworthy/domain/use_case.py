"""What the business wants: the use case, its decision points, and the KPI contract it signs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class RiskTier(Enum):
    """How much harm a wrong decision can do; chooses the playbook's thresholds."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class DecisionPointKind(Enum):
    """What stands behind an endpoint (release step R3)."""

    APPLICATION = "application"
    PROCESS = "process"
    ENSEMBLE_MEMBER = "ensemble-member"
    RULE_INPUT = "rule-input"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """A named place where a score turns into an action."""

    name: str
    kind: DecisionPointKind
    consumer: str


@dataclass(frozen=True, slots=True)
class UseCase:
    """One business objective that models compete to serve.

    `target` is the outcome column of its data sets, `positive_label` the value that counts as the event.
    `not_known_at_decision` lists columns that exist in history but not when the decision is made (leakage).
    """

    id: str
    objective: str
    owner: str
    risk_tier: RiskTier
    target: str
    positive_label: str
    label_delay_days: float
    decision_points: tuple[DecisionPoint, ...]
    created_at: datetime
    sensitive: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    not_known_at_decision: tuple[str, ...] = ()
    time_column: str = ""


class Bound(Enum):
    """Which side of a limit is allowed."""

    AT_LEAST = "at-least"
    AT_MOST = "at-most"


@dataclass(frozen=True, slots=True)
class KpiLimit:
    """One measured quantity and its limit.

    `expression` is a SQL scalar over one decision row (see `value/expression.py` for the columns); the measured
    value is its mean over decisions, in `unit`.
    """

    name: str
    expression: str
    bound: Bound
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class TermChange:
    """One term of a contract as it was and as it is, both in words."""

    term: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class KpiContract:
    """What counts as success, agreed and signed before any result on sealed data exists.

    `value` is the money expression (per decision, in `unit`); `target` its minimum mean *above what the hold-out
    policy earns*; `guardrails` must stay within limits; `unintended` are outcomes nobody wants. A share
    `holdout_share` (0..1) of units is decided at random without the model: they get `holdout_acts`. An outcome is
    known `label_delay_days` after the decision (None: as the use case says). A contract never changes: a new one is a
    new revision that says `why`, and in `changes` what differs from the one before.
    """

    id: str
    use_case: str
    revision: int
    unit: str
    value: str
    target: float
    guardrails: tuple[KpiLimit, ...]
    unintended: tuple[KpiLimit, ...]
    holdout_share: float
    holdout_acts: bool
    created_at: datetime
    label_delay_days: float | None = None
    why: str = ""
    changes: tuple[TermChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval and its level (0..1)."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with what is needed to believe it: its interval and how many rows it rests on.

    `value` is None when `n` is 0: nothing was measured.
    """

    name: str
    value: float | None
    unit: str
    n: int
    interval: Interval | None = None

    @property
    def known(self) -> float:
        """The value for arithmetic: NaN when nothing was measured. NaN has no JSON, so it is never kept."""
        return math.nan if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class LimitResult:
    """How one `KpiLimit` came out."""

    limit: KpiLimit
    measured: Measured


@dataclass(frozen=True, slots=True)
class KpiResult:
    """A contract computed on data: value under the model, under the hold-out policy, and their contrast.

    `contrast` is None when no hold-out exists: not measurable, never a guess.
    """

    contract: str
    value: Measured
    holdout: Measured | None
    contrast: Measured | None
    limits: tuple[LimitResult, ...] = ()
