from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.activation.integration_probe import IntegrationProbe, IntegrationProbeParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Probe
from roadworthy.domain.verdict import Verdict

PROBE = Probe(
    requests=200, answered=200, echoed_ids=200, latency_ms_p50=3.0, latency_ms_p99=40.0, logged=200,
    malformed_sent=6, malformed_refused=6,
)  # fmt: skip


def judged(make_material: Any, probe: Probe, **params: Any) -> Any:
    return IntegrationProbe().evaluate(make_material(probe=probe), IntegrationProbeParams(**params))


def test_a_whole_probe_passes(make_material: Any) -> None:
    finding = judged(make_material, PROBE)
    assert (finding.verdict, finding.statistic, finding.rows) == (Verdict.PASS, 40.0, 200)


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (replace(PROBE, answered=199, echoed_ids=199), "requests-unanswered"),
        (replace(PROBE, echoed_ids=199), "request-ids-lost"),
        (replace(PROBE, malformed_refused=5), "malformed-accepted"),
        (replace(PROBE, latency_ms_p99=250.1), "too-slow"),
        (replace(PROBE, requests=199), "counts-impossible"),
    ],
    ids=["one unanswered", "one id lost", "one malformed accepted", "just too slow", "more answers than requests"],
)
def test_one_miss_fails_with_its_reason(make_material: Any, probe: Probe, reason: str) -> None:
    finding = judged(make_material, probe)
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)
    assert finding.defect is DefectKind.SERVING_FAILURE


def test_exactly_the_latency_limit_passes(make_material: Any) -> None:
    assert judged(make_material, replace(PROBE, latency_ms_p99=250.0)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (replace(PROBE, requests=19, answered=19, echoed_ids=19), "too-few-requests"),
        (replace(PROBE, malformed_sent=0, malformed_refused=0), "too-few-malformed"),
        (replace(PROBE, latency_ms_p99=float("nan")), "latency-not-measured"),
    ],
    ids=["19 of 20", "nothing malformed tried", "no latency"],
)
def test_a_probe_that_shows_too_little_is_inconclusive(make_material: Any, probe: Probe, reason: str) -> None:
    finding = judged(make_material, probe)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == (reason,)


def test_a_probe_of_nothing_does_not_pass_because_nothing_failed(make_material: Any) -> None:
    empty = Probe(0, 0, 0, 0.0, 0.0, 0, 0, 0)
    assert judged(make_material, empty, min_requests=1).verdict is Verdict.INCONCLUSIVE


def test_no_probe_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A4, "integration-probe"), make_material())
    assert finding.reasons == ("missing:probe",)
