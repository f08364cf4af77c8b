"""What a bill of materials lists: the model, the data and libraries it was made of, and how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.trust import Evidence
from roadworthy.domain.use_case import Interval, UseCase


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity of the model; `slice` names the rows it is about (empty = all)."""

    name: str
    value: float
    unit: str
    interval: Interval | None = None
    slice: str = ""


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """What was found about one comparison of groups of people."""

    group: str
    found: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything a bill of materials of one version says."""

    version: ModelVersion
    case: UseCase
    datasets: tuple[Dataset, ...]
    metrics: tuple[Metric, ...]
    limits: tuple[str, ...]
    groups: tuple[GroupFinding, ...]
    evidence: tuple[Evidence, ...]
    at: datetime
    tool: str
