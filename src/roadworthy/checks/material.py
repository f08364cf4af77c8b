"""What a check may look at. Everything is optional: what a check needs and is not here makes it `inconclusive`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

import numpy as np

from roadworthy.domain.gate import GateRun, Playbook
from roadworthy.domain.model import Dataset, ModelVersion, SealedLook
from roadworthy.domain.review import Signal
from roadworthy.domain.serving import Agent, Deployment, Drill, Endpoint, MonitorPlan, Probe, Scan
from roadworthy.domain.trust import Change, Evidence, HandOff, SignOff
from roadworthy.domain.use_case import KpiContract, KpiResult, UseCase
from roadworthy.statistics.frame import Floats, Frame

Score = Callable[[Frame], Floats]
"""Input columns (n_rows) -> scores, float64 (n_rows,), each in 0..1."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A data set with its answers.

    `frame` holds every column of the file except the target; `y` is 1.0 where the target has the positive label,
    else 0.0, shape (n_rows,).
    """

    frame: Frame
    y: Floats
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class TrafficSample:
    """Production input as an endpoint would see it: columns, arrival times in seconds, shape (n_rows,)."""

    frame: Frame
    arrivals_s: Floats


@dataclass(frozen=True)
class Material:
    """All that one gate run knows. `score` is the version under judgement, `transports` the same model reached
    through REST, batch, in-code..., `signals` what the monitoring engine concluded about production-like traffic,
    `agents` who reports what the version decides elsewhere.
    """

    now: datetime
    seed: int
    use_case: UseCase | None = None
    version: ModelVersion | None = None
    playbook: Playbook | None = None
    contract: KpiContract | None = None
    contract_evidence: Evidence | None = None
    train: Labelled | None = None
    sealed: Labelled | None = None
    production: Labelled | None = None
    traffic: TrafficSample | None = None
    score: Score | None = None
    champion: Score | None = None
    retrain: Callable[[int], Score] | None = None
    transports: Mapping[str, Score] = field(default_factory=dict)
    kpi: KpiResult | None = None
    signals: tuple[Signal, ...] | None = None
    scan: Scan | None = None
    members: Mapping[str, Score] | None = None
    earlier_runs: tuple[GateRun, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    validators: tuple[str, ...] = ()
    endpoint: Endpoint | None = None
    deployment: Deployment | None = None
    hand_off: HandOff | None = None
    drill: Drill | None = None
    probe: Probe | None = None
    monitor_plan: MonitorPlan | None = None
    changes: tuple[Change, ...] = ()
    looks: tuple[SealedLook, ...] = ()
    agents: tuple[Agent, ...] = ()

    def rng(self) -> np.random.Generator:
        """A generator seeded by this run: the same material gives the same finding."""
        return np.random.default_rng(self.seed)


class Watched(Material):
    """A material that makes a field when a check first looks at it, and notes what was looked at.

    `makers` makes the fields that are dear (data frames, a loaded model, a trial); all others are those of `plain`.
    A maker that raises raises in the check that looked, and in no other.
    """

    def __init__(self, plain: Material, makers: Mapping[str, Callable[[], object]], seen: set[str]) -> None:
        for name in FIELDS:
            object.__setattr__(self, name, getattr(plain, name))
        object.__setattr__(self, "_makers", makers)
        object.__setattr__(self, "_seen", seen)

    def __getattribute__(self, name: str) -> object:
        """The field, noted and made where it is one."""
        own = super().__getattribute__
        if name not in FIELDS:
            return own(name)
        own("_seen").add(name)
        makers = own("_makers")
        return makers[name]() if name in makers else own(name)


FIELDS = frozenset(f.name for f in fields(Material))
"""What a check may look at, by name."""
