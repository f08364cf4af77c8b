"""Gates, their steps, and what comes out of running them.

1 VALIDATION  V1-V9   may the model leave the workshop?
2 RELEASE     R1-R7   does it hold inside a guarded perimeter?
3 ACTIVATION  A1-A7   can we operate it?
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.standing.protection import ProtectionTerms
from roadworthy.domain.trust import ApprovalTerms
from roadworthy.domain.use_case import Interval, RiskTier
from roadworthy.domain.verdict import Verdict, worst


class Gate(Enum):
    """The three gates, in order."""

    VALIDATION = "validation"
    RELEASE = "release"
    ACTIVATION = "activation"


class Step(Enum):
    """Every step of every gate; the value is its title."""

    V1 = "Business: the KPI contract holds"
    V2 = "Technical: metrics, baselines, slices, leakage"
    V3 = "Behavioural: metamorphic and boundary tests"
    V4 = "Interpretability"
    V5 = "Fairness"
    V6 = "Data: schema, quality, provenance"
    V7 = "Features"
    V8 = "Reproducibility"
    V9 = "Independent validation"
    R1 = "Model risk review"
    R2 = "Candidate label"
    R3 = "Endpoint identification"
    R4 = "Parameter testing"
    R5 = "Integration"
    R6 = "Instantiation"
    R7 = "KPI validation on production-like traffic"
    A1 = "Management and governance"
    A2 = "Hand-off"
    A3 = "Deployment"
    A4 = "Application integration"
    A5 = "Production audit"
    A6 = "Behaviour tracking"
    A7 = "KPI validation in production"

    @property
    def gate(self) -> Gate:
        """The gate this step belongs to."""
        return {"V": Gate.VALIDATION, "R": Gate.RELEASE, "A": Gate.ACTIVATION}[self.name[0]]


def steps_of(gate: Gate) -> tuple[Step, ...]:
    """The steps of a gate, in order."""
    return tuple(step for step in Step if step.gate is gate)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    `statistic` was compared with `threshold` (both in `unit`); `reasons` are stable codes, `message` one sentence
    for a person; `details` holds small JSON values for tables and plots. A `waived` finding does not block; its
    reason goes into the evidence.

    `looked_at` names what of the material the check read, `inputs` is the digest of all that: a later run whose
    digest is the same may take the finding over, and then names the run that made it in `reused_from`.
    """

    step: Step
    check: str
    check_version: int
    verdict: Verdict
    message: str
    statistic: float | None = None
    interval: Interval | None = None
    threshold: float | None = None
    unit: str = ""
    rows: int = 0
    reasons: tuple[str, ...] = ()
    defect: DefectKind | None = None
    details: dict[str, Any] = field(default_factory=dict)
    waived: str = ""
    looked_at: tuple[str, ...] = ()
    inputs: str = ""
    reused_from: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this finding keeps the gate shut."""
        return not self.verdict.lets_through and not self.waived


@dataclass(frozen=True, slots=True)
class Limits:
    """What one check may use: wall time in seconds, and memory in MiB beyond what its process had before it."""

    time_s: float = 900.0
    memory_mib: int = 4096


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """One check a playbook asks for; `params` override the check's defaults."""

    step: Step
    check: str
    params: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def key(self) -> str:
        """Names the check within its gate run, for example `V2:leakage`."""
        return check_key(self.step, self.check)


def check_key(step: Step, check: str) -> str:
    """Names a check (`*`: a step without one) within a gate run."""
    return f"{step.name}:{check}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A named check (or `*` for the step without a check) that may not pass, and why that is accepted."""

    step: Step
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Playbook:
    """Which checks, with which thresholds, for one risk tier. `digest` is that of the file's bytes.

    `protection` are the standing protections of the tier's endpoints, `protected` those of endpoints named.
    """

    name: str
    tier: RiskTier
    checks: tuple[PlannedCheck, ...]
    waivers: tuple[Waiver, ...]
    digest: str
    approval: ApprovalTerms = field(default_factory=ApprovalTerms)
    protection: ProtectionTerms = field(default_factory=ProtectionTerms)
    protected: dict[str, ProtectionTerms] = field(default_factory=dict)

    def protection_of(self, endpoint: str) -> ProtectionTerms:
        """The standing protections of an endpoint: those named for it, else its tier's."""
        return self.protected.get(endpoint, self.protection)

    def checks_of(self, step: Step) -> tuple[PlannedCheck, ...]:
        """The checks configured for a step, in file order."""
        return tuple(c for c in self.checks if c.step is step)

    def waiver_for(self, step: Step, check: str) -> Waiver | None:
        """The waiver that names this step and check, if any."""
        return next((w for w in self.waivers if w.step is step and w.check == check), None)


@dataclass(frozen=True, slots=True)
class CheckTimes:
    """When a check was begun and when its finding was there; None = not yet."""

    started_at: datetime
    finished_at: datetime | None = None


class EndingKind(Enum):
    """What ended a gate run other than its findings."""

    CANCELLED = "cancelled"
    ACTOR_REVOKED = "actor-revoked"


@dataclass(frozen=True, slots=True)
class Ending:
    """Somebody cancelled the run, or its actor may not act any more: whatever was measured, it lets nothing through."""

    kind: EndingKind
    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run of a gate over one version. `verdict` is None while it runs.

    `inputs` maps what went in (artifact, data sets, contract, playbook) to digests. `planned` names every check by
    its key, `times` says when each was begun and done; a `fresh` run takes over no finding of an earlier one.
    """

    id: str
    version: str
    gate: Gate
    playbook: str
    actor: str
    seed: int
    started_at: datetime
    inputs: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    verdict: Verdict | None = None
    finished_at: datetime | None = None
    evidence: str = ""
    planned: tuple[str, ...] = ()
    times: dict[str, CheckTimes] = field(default_factory=dict)
    fresh: bool = False
    ending: Ending | None = None

    @property
    def left(self) -> tuple[str, ...]:
        """The keys of the planned checks that have no finding yet."""
        done = {check_key(f.step, f.check) for f in self.findings}
        return tuple(key for key in self.planned if key not in done)


def gate_verdict(findings: tuple[Finding, ...]) -> Verdict:
    """The gate's verdict: the worst of what was not waived; with nothing measured, `inconclusive`."""
    return worst(f.verdict if f.blocks or f.verdict.lets_through else Verdict.WARN for f in findings)


def tally(findings: tuple[Finding, ...]) -> dict[str, int]:
    """How many findings per verdict: a summary shows all of them, not only the worst."""
    counted = Counter(f.verdict.value for f in findings)
    return {v.value: counted[v.value] for v in Verdict if counted[v.value]}
