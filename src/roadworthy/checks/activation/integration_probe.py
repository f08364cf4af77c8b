"""A4 `integration-probe`: the application's own way in works, end to end."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Probe
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class IntegrationProbeParams(Params):
    """`max_p99_ms`: slowest allowed 99th percentile. `min_requests`, `min_malformed`: fewest that show anything."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_p99_ms": (0.1, 60_000.0),
        "min_requests": (1, 1_000_000),
        "min_malformed": (1, 10_000),
    }

    max_p99_ms: float = 250.0
    min_requests: int = 20
    min_malformed: int = 1


class IntegrationProbe(Check):
    """Every request over HTTP was answered with its own id, every malformed one refused, and in time.

    Needs:
        probe: requests really sent to the endpoint.

    Parameters:
        max_p99_ms (milliseconds, default 250, 0.1..60000): 99th percentile of the answer time.
        min_requests (count, default 20, 1..1000000), min_malformed (count, default 1, 1..10000).

    Verdict:
        fail when answered < requests, echoed_ids < answered, malformed_refused < malformed_sent, or
        latency_ms_p99 > max_p99_ms; pass otherwise. Counts are exact, nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive when nothing failed but fewer than min_requests or min_malformed requests were sent, or the
        latency is not a number.

    Example:
        >>> probe = Probe(
        ...     requests=50, answered=50, echoed_ids=49, latency_ms_p50=2.0, latency_ms_p99=9.0, logged=50,
        ...     malformed_sent=5, malformed_refused=4,
        ... )
        >>> probe_gaps(probe, IntegrationProbeParams())
        ('request-ids-lost', 'malformed-accepted')

    References:
        Open Inference Protocol v2: the `id` of a request is returned in its response.
    """

    id = "integration-probe"
    version = 1
    title = "The endpoint answers its application"
    step = Step.A4
    needs = ("probe",)
    defect = DefectKind.SERVING_FAILURE
    params = IntegrationProbeParams

    def evaluate(self, material: Material, params: IntegrationProbeParams) -> Finding:
        """Compare the probe's counts."""
        probe = material.probe
        assert probe is not None  # noqa: S101 - the runner checked `needs`
        gaps, unproven = probe_gaps(probe, params), _unproven(probe, params)
        if gaps:
            verdict, message, reasons = Verdict.FAIL, f"The probe failed: {', '.join(gaps)}.", gaps
        elif unproven:
            verdict, message = Verdict.INCONCLUSIVE, f"The probe shows too little: {', '.join(unproven)}."
            reasons = unproven
        else:
            message = f"{probe.requests} requests answered, 99 % within {probe.latency_ms_p99:.3g} ms."
            verdict, reasons = Verdict.PASS, ()
        return self.finding(
            verdict,
            message,
            statistic=probe.latency_ms_p99 if math.isfinite(probe.latency_ms_p99) else None,
            threshold=params.max_p99_ms,
            unit="ms",
            rows=probe.requests,
            reasons=reasons,
            details={k: v for k, v in asdict(probe).items() if math.isfinite(v)},
        )


def probe_gaps(probe: Probe, params: IntegrationProbeParams) -> tuple[str, ...]:
    """What the probe showed to be wrong, as reason codes."""
    conditions = {
        "requests-unanswered": probe.answered < probe.requests,
        "request-ids-lost": probe.echoed_ids < probe.answered,
        "malformed-accepted": probe.malformed_refused < probe.malformed_sent,
        "too-slow": probe.latency_ms_p99 > params.max_p99_ms,
        "counts-impossible": probe.answered > probe.requests or probe.echoed_ids > probe.answered,
    }
    return tuple(code for code, bad in conditions.items() if bad)


def _unproven(probe: Probe, params: IntegrationProbeParams) -> tuple[str, ...]:
    conditions = {
        "too-few-requests": probe.requests < params.min_requests,
        "too-few-malformed": probe.malformed_sent < params.min_malformed,
        "latency-not-measured": not 0.0 <= probe.latency_ms_p99 < math.inf,
    }
    return tuple(code for code, bad in conditions.items() if bad)
