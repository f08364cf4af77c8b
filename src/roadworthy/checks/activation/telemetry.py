"""A5 `telemetry`: what was answered is on record, and what is on record is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import SignalKind
from roadworthy.domain.serving import MonitorPlan, Probe
from roadworthy.domain.verdict import Verdict

AREAS: dict[str, tuple[str, ...]] = {
    "data-drift": (SignalKind.DATA_DRIFT.value,),
    "performance": (SignalKind.MATHEMATICAL_DRIFT.value, "performance"),
    "value": (SignalKind.VALUE.value, SignalKind.BUSINESS_DRIFT.value),
    "serving": (SignalKind.SERVING.value,),
}
"""What has to be watched -> the words of which a monitor's name must contain one."""


@dataclass(frozen=True)
class TelemetryParams(Params):
    """`min_reference_rows`: fewest rows a monitor can compare with. `min_requests`: fewest probe requests."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "min_reference_rows": (30, 10_000_000),
        "min_requests": (1, 1_000_000),
    }

    min_reference_rows: int = 500
    min_requests: int = 20


class Telemetry(Check):
    """Every answered request is on record, all that counts is watched, and every agent elsewhere is heard of.

    Watched are inputs, performance, value and serving.

    Needs:
        probe (how many requests were answered, how many decisions the log holds for them), monitor_plan; agents, when
        there are any.

    Parameters:
        min_reference_rows (rows, default 500, 30..10000000): size of the reference every drift is measured against.
        min_requests (count, default 20, 1..1000000): answered requests below this show nothing.

    Verdict:
        fail when logged < answered (missing telemetry is itself a finding), logged > requests (recorded twice),
        reference_rows < min_reference_rows, no monitor watches one of data drift, performance, value, serving, or an
        agent was not heard of for three times as long as agreed; pass otherwise. Counts are exact, nothing is
        estimated: no error rate.

    Inconclusive/Error:
        inconclusive when nothing is wrong but fewer than min_requests requests were answered.

    Example:
        >>> plan = MonitorPlan(("data-drift", "performance", "serving"), ("olga",), "modelling", 3000)
        >>> unwatched(plan)
        ('value',)

    References:
        Breck et al., The ML Test Score, IEEE Big Data 2017, section V (monitoring tests).
    """

    id = "telemetry"
    version = 2
    title = "Every answer is on record and watched"
    step = Step.A5
    needs = ("probe", "monitor_plan")
    defect = DefectKind.OPERATIONS_GAP
    params = TelemetryParams

    def evaluate(self, material: Material, params: TelemetryParams) -> Finding:
        """Compare the log with the answers, then the plan with what must be watched."""
        probe, plan = material.probe, material.monitor_plan
        assert probe is not None  # noqa: S101 - the runner checked `needs`
        assert plan is not None  # noqa: S101 - the runner checked `needs`
        reasons = _log_gaps(probe)
        if plan.reference_rows < params.min_reference_rows:
            reasons += ("reference-too-small",)
        reasons += tuple(f"not-watched:{area}" for area in unwatched(plan))
        reasons += tuple(f"agent-silent:{agent.id}" for agent in material.agents if agent.silent(material.now))
        if reasons:
            verdict, message = Verdict.FAIL, f"Telemetry has holes: {', '.join(reasons)}."
        elif probe.answered < params.min_requests:
            verdict, reasons = Verdict.INCONCLUSIVE, ("too-few-requests",)
            message = f"Only {probe.answered} requests were answered; {params.min_requests} are needed."
        else:
            message = (
                f"All {probe.answered} answers are in the decision log and {len(plan.monitors)} monitors watch."
            )
            verdict = Verdict.PASS
        return self.finding(
            verdict,
            message,
            statistic=float(probe.answered - probe.logged),
            threshold=0.0,
            unit="answers not logged",
            rows=probe.answered,
            reasons=reasons,
            details={
                "answered": probe.answered,
                "logged": probe.logged,
                "reference_rows": plan.reference_rows,
                "monitors": list(plan.monitors),
                "agents": [agent.id for agent in material.agents],
            },
        )


def unwatched(plan: MonitorPlan) -> tuple[str, ...]:
    """The areas no monitor of the plan covers, by name."""
    return tuple(
        area for area, words in AREAS.items() if not any(word in name for name in plan.monitors for word in words)
    )


def _log_gaps(probe: Probe) -> tuple[str, ...]:
    conditions = {
        "telemetry-missing": probe.logged < probe.answered,
        "logged-twice": probe.logged > probe.requests,
    }
    return tuple(code for code, bad in conditions.items() if bad)
