"""What serves: endpoints, deployments with their arms, decisions and outcomes; and the trial before it serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from roadworthy.domain.model import Member, Signature
from roadworthy.domain.standing.protection import ProtectionTerms


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A stable route in front of whatever version serves it. `id` is its name in URLs."""

    id: str
    use_case: str
    decision_point: str
    created_at: datetime


class Strategy(Enum):
    """How traffic moves to a new version; `rollout/strategies` has one file for each."""

    BASIC = "basic"
    RECREATE = "recreate"
    BLUE_GREEN = "blue-green"
    CANARY = "canary"
    AB_SPLIT = "ab-split"
    CHAMPION_CHALLENGER = "champion-challenger"
    SHADOW = "shadow"


class ArmRole(Enum):
    """What an arm is for. A shadow scores rows that another arm has answered; units are never drawn to it."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    HOLD_OUT = "hold-out"
    SHADOW = "shadow"

    @property
    def answers(self) -> bool:
        """Whether a version answers requests in this role."""
        return self in (ArmRole.CHAMPION, ArmRole.CHALLENGER)


@dataclass(frozen=True, slots=True)
class Arm:
    """One share of an endpoint's traffic. The hold-out has no version: its units get the contract's action.

    `weight` is the share of the traffic *outside* the hold-out for version arms; the hold-out's own weight is
    its share of all traffic, a shadow's the share of the answered units whose rows it scores besides. `files` names
    the list of files of an artifact that is a folder, `members` the versions in a composition.
    """

    name: str
    role: ArmRole
    weight: float
    version: str = ""
    artifact: str = ""
    threshold: float = 0.5
    signature: Signature | None = None
    files: str = ""
    members: tuple[Member, ...] = ()


class DeploymentState(Enum):
    """Where a rollout stands."""

    PROGRESSING = "progressing"
    PAUSED = "paused"
    STABLE = "stable"
    ROLLED_BACK = "rolled-back"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A plan put into force on an endpoint; each move of its weights is a new `revision`.

    `salt` feeds the sticky hash and stays the same over revisions, so no unit flips back during a canary.
    `schedule` are the canary's shares (0..1) and `stage` the index now in force.
    """

    id: str
    endpoint: str
    strategy: Strategy
    arms: tuple[Arm, ...]
    salt: str
    holdout_acts: bool
    state: DeploymentState
    created_at: datetime
    created_by: str
    revision: int = 1
    schedule: tuple[float, ...] = ()
    stage: int = 0
    stage_since: datetime | None = None
    previous: str = ""
    statement: str = ""
    reason: str = ""
    protection: ProtectionTerms | None = None


@dataclass(frozen=True, slots=True)
class ServedMark:
    """Which revision of which deployment was served: enough to tell an older signed document from a newer one."""

    deployment: str
    revision: int
    created_at: datetime

    @classmethod
    def of(cls, deployment: Deployment) -> ServedMark:
        """The mark a deployment leaves."""
        return cls(deployment.id, deployment.revision, deployment.created_at)

    def older_than(self, other: ServedMark) -> bool:
        """An earlier revision of the same deployment, or a deployment made earlier."""
        if self.deployment == other.deployment:
            return self.revision < other.revision
        return self.created_at < other.created_at


class DecisionStatus(Enum):
    """Whether the model answered. A shadow's score was given to nobody: no count of decisions has it."""

    SCORED = "scored"
    HELD_OUT = "held-out"
    FAILED = "failed"
    SHADOW = "shadow"


class Inputs(dict[str, Any]):
    """A row's inputs with the JSON they are written as, which is made once. Not to be changed."""

    __slots__ = ("text",)
    text: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """One scored row. `request_id` is the caller's own id and is kept; `propensity` is the exact probability with
    which this unit got this arm; `latency_ms` is the time inside the gateway. `agent` names who reported a decision
    that was made elsewhere, `trace` is the caller's W3C trace id; empty where there was none.
    """

    id: str
    request_id: str
    endpoint: str
    deployment: str
    revision: int
    arm: str
    version: str
    unit_id: str
    at: datetime
    inputs: dict[str, Any]
    score: float | None
    acted: bool
    propensity: float
    status: DecisionStatus
    latency_ms: float
    error: str = ""
    agent: str = ""
    trace: str = ""


MISSED = 3
"""So many signs of life must be missing before an agent counts as silent: one may be late."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Who reports what a version decides that is served elsewhere. `id` is its name.

    It is to be heard of every `every_s` seconds. `lost` and `refused` are the decisions that, by its own word, it could
    not tell since `started_at`; `waiting` those it is still to tell; `decided_at` is the newest it told.
    """

    id: str
    endpoint: str
    version: str
    every_s: float
    registered_at: datetime
    registered_by: str
    seen_at: datetime | None = None
    decided_at: datetime | None = None
    started_at: datetime | None = None
    waiting: int = 0
    lost: int = 0
    refused: int = 0
    ended_at: datetime | None = None
    reason: str = ""

    @property
    def patience_s(self) -> float:
        """Seconds without a word after which it counts as silent."""
        return MISSED * self.every_s

    def silent(self, now: datetime) -> bool:
        """Whether it should have been heard of and was not."""
        heard = self.seen_at or self.registered_at
        return self.ended_at is None and (now - heard).total_seconds() > self.patience_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened afterwards, joined by the caller's request id. A later one for the same key corrects it."""

    endpoint: str
    request_id: str
    value: float
    observed_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class RolloutLook:
    """One look of a stopping rule at a rollout: everything needed to recompute it."""

    id: str
    deployment: str
    revision: int
    at: datetime
    action: str
    reason: str
    harm_e: float
    safety_e: float
    threshold: float
    failures: dict[str, int]
    requests: dict[str, int]
    share: float
    inputs_digest: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scan:
    """What reading the artifact's bytes showed: format, and every type name outside the allow-list."""

    format: str
    admitted: bool
    untrusted: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Drill:
    """A rollback rehearsal that ran: how long until the old arm answered again, and whether any request failed."""

    ran: bool
    seconds_to_restore: float
    requests: int
    failed: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests sent to a real endpoint over HTTP during a gate: how many, how many answered, and how fast."""

    requests: int
    answered: int
    echoed_ids: int
    latency_ms_p50: float
    latency_ms_p99: float
    logged: int
    malformed_sent: int
    malformed_refused: int


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """Which monitors will watch the endpoint, with which thresholds, and who is told."""

    monitors: tuple[str, ...]
    alerts_to: tuple[str, ...]
    retrain_route: str
    reference_rows: int
