from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roadworthy.checks.material import Material
from roadworthy.checks.validation.kpi_contract import KpiContractHolds, KpiContractParams
from roadworthy.domain.gate import Finding, Gate, GateRun, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import EvidenceKind
from roadworthy.domain.use_case import Interval, Measured
from roadworthy.domain.verdict import Verdict

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return KpiContractHolds().evaluate(material, KpiContractParams(**params))


def contrast(world: Any, low: float, high: float, n: int = 1500, level: float = 0.95) -> Any:
    value = Measured("contrast", (low + high) / 2, "EUR", n, Interval(low, high, level))
    return replace(world.kpi, contrast=value)


def limit(world: Any, name: str, low: float, high: float) -> Any:
    changed = tuple(
        replace(r, measured=replace(r.measured, interval=Interval(low, high))) if r.limit.name == name else r
        for r in world.kpi.limits
    )
    return replace(world.kpi, limits=changed)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        pytest.param(0.50, 0.90, Verdict.PASS, id="lower limit just on the target of 0.50"),
        pytest.param(0.4999, 0.90, Verdict.INCONCLUSIVE, id="lower limit just under the target"),
        pytest.param(0.10, 0.4999, Verdict.FAIL, id="upper limit just under the target"),
        pytest.param(0.10, 0.50, Verdict.INCONCLUSIVE, id="upper limit just on the target"),
        pytest.param(float("nan"), float("nan"), Verdict.INCONCLUSIVE, id="no numbers at all"),
    ],
)
def test_the_whole_interval_must_reach_the_target(
    make_material: Make, world: Any, low: float, high: float, verdict: Verdict
) -> None:
    assert judge(make_material(kpi=contrast(world, low, high))).verdict is verdict


def test_a_missed_target_goes_back_to_business_understanding(make_material: Make, world: Any) -> None:
    found = judge(make_material(kpi=contrast(world, 0.1, 0.3)))
    assert found.defect is DefectKind.KPI_NOT_MET
    assert found.reasons == ("target-missed",)


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [
        pytest.param("contact-rate", 0.50, 0.60, Verdict.PASS, id="guardrail just kept"),
        pytest.param("contact-rate", 0.50, 0.601, Verdict.INCONCLUSIVE, id="guardrail not proven"),
        pytest.param("contact-rate", 0.601, 0.70, Verdict.FAIL, id="guardrail broken"),
        pytest.param("wasted-offers", 0.41, 0.50, Verdict.FAIL, id="unintended outcome"),
    ],
)
def test_limits_are_judged_three_ways(
    make_material: Make, world: Any, name: str, low: float, high: float, verdict: Verdict
) -> None:
    found = judge(make_material(kpi=limit(world, name, low, high)))
    assert found.verdict is verdict
    assert found.defect is (DefectKind.UNINTENDED_OUTCOME if verdict is Verdict.FAIL else None)


def test_without_a_hold_out_the_value_is_not_measurable_and_nothing_is_guessed(
    make_material: Make, world: Any
) -> None:
    found = judge(make_material(kpi=replace(world.kpi, contrast=None)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.statistic is None
    assert found.reasons == ("not-measurable",)


def test_a_limit_nobody_measured_is_not_a_kept_limit(make_material: Make, world: Any) -> None:
    found = judge(make_material(kpi=replace(world.kpi, limits=world.kpi.limits[:1])))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ("not-measured:wasted-offers",)


@pytest.mark.parametrize(
    ("n", "level", "why"),
    [pytest.param(99, 0.95, "too-few-rows", id="99 rows"), pytest.param(1500, 0.80, "level-too-low", id="80 %")],
)
def test_a_weak_measurement_proves_nothing(make_material: Make, world: Any, n: int, level: float, why: str) -> None:
    found = judge(make_material(kpi=contrast(world, 1.0, 2.0, n, level)))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, (why,))


def _earlier(world: Any, at: Any) -> GateRun:
    seen = KpiContractHolds.finding(Verdict.FAIL, "missed", statistic=0.2)
    return GateRun("run-0", "offers-1", Gate.VALIDATION, "low", "vera", 1, at, findings=(seen,))


def test_a_target_signed_after_the_result_was_seen_fails(make_material: Make, world: Any) -> None:
    late = replace(world.contract_evidence, created_at=world.contract_evidence.created_at - timedelta(hours=1))
    runs = (_earlier(world, late.created_at - timedelta(hours=1)),)
    found = judge(make_material(contract_evidence=late, earlier_runs=runs))
    assert (found.verdict, found.reasons) == (Verdict.FAIL, ("signed-after-results",))


def test_an_earlier_run_that_came_after_the_signature_is_harmless(make_material: Make, world: Any) -> None:
    runs = (_earlier(world, world.contract_evidence.created_at + timedelta(hours=1)),)
    assert judge(make_material(earlier_runs=runs)).verdict is Verdict.PASS


def test_a_signature_from_the_future_fails(make_material: Make, world: Any) -> None:
    future = replace(world.contract_evidence, created_at=world.contract_evidence.created_at + timedelta(days=1))
    assert judge(make_material(contract_evidence=future)).verdict is Verdict.FAIL


def test_other_papers_do_not_count_as_the_contract(make_material: Make, world: Any) -> None:
    paper = replace(world.contract_evidence, kind=EvidenceKind.GATE_RUN)
    assert judge(make_material(contract_evidence=paper)).reasons == ("not-a-contract-signature",)
    other = replace(world.kpi, contract="offers-kpi-0")
    assert judge(make_material(kpi=other)).reasons == ("other-contract",)


def test_it_belongs_to_the_business_step() -> None:
    assert KpiContractHolds.step is Step.V1


def test_a_result_on_other_sealed_rows_does_not_spoil_a_contract_for_these(make_material: Make, world: Any) -> None:
    late = replace(world.contract_evidence, created_at=world.contract_evidence.created_at - timedelta(minutes=1))
    before = _earlier(world, late.created_at - timedelta(hours=1))
    elsewhere, here = (replace(before, inputs={"sealed": name}) for name in ("data-other", "data-sealed"))
    assert judge(make_material(contract_evidence=late, earlier_runs=(elsewhere,))).verdict is Verdict.PASS
    assert judge(make_material(contract_evidence=late, earlier_runs=(here,))).reasons == ("signed-after-results",)
    assert judge(make_material(contract_evidence=late, earlier_runs=(elsewhere,), sealed=None)).reasons == (
        "signed-after-results",
    )
