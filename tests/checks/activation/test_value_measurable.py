from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from roadworthy.checks.activation.value_measurable import (
    ValueMeasurable,
    ValueMeasurableParams,
    detectable,
    deviation,
    units_needed,
)
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.use_case import Interval, Measured
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.means import mean_interval

AT = datetime(2026, 2, 1, tzinfo=UTC)
MODEL = Arm("m", ArmRole.CHAMPION, 1.0, version="offers-1", artifact="a")
PLAN = Deployment(
    "d-1", "offers", Strategy.BASIC, (MODEL, Arm("h", ArmRole.HOLD_OUT, 0.05)), "s", False,
    DeploymentState.PROGRESSING, AT, "otto",
)  # fmt: skip


def judged(make_material: Any, plan: Deployment = PLAN, **overrides: Any) -> Any:
    params = ValueMeasurableParams(**overrides.pop("params", {}))
    return ValueMeasurable().evaluate(make_material(deployment=plan, **overrides), params)


def test_the_units_needed_are_the_published_fixed_design() -> None:
    # Oracle O25: 4 % against 5 %, alpha .05, power .95 needs 22,330 units over both arms.
    needed = units_needed(
        sd_model=math.sqrt(0.05 * 0.95),
        sd_holdout=math.sqrt(0.04 * 0.96),
        holdout=0.5,
        effect=0.01,
        alpha=0.05,
        power=0.95,
    )
    assert needed == pytest.approx(22_330, abs=60)


def test_a_simulated_hold_out_detects_the_smallest_effect_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    units, share, runs = 4000, 0.1, 2000
    spread = {"sd_model": 3.0, "sd_holdout": 1.0, "holdout": share}
    effect = detectable(units, alpha=0.05, power=0.8, **spread)
    n0 = int(units * share)
    se = math.sqrt(9.0 / (units - n0) + 1.0 / n0)
    contrasts = rng.normal(effect, 3.0 / math.sqrt(units - n0), runs) - rng.normal(0, 1 / math.sqrt(n0), runs)
    assert np.mean(np.abs(contrasts) / se > norm.ppf(0.975)) == pytest.approx(0.8, abs=0.03)


def test_a_deviation_is_read_back_from_a_means_interval() -> None:
    values = np.random.default_rng(1).normal(2.0, 5.0, 5000)
    measured = Measured("value", float(values.mean()), "EUR", 5000, mean_interval(values))
    assert deviation(measured) == pytest.approx(values.std(ddof=1), rel=0.001)


def test_enough_volume_passes_and_says_how_long_it_takes(make_material: Any) -> None:
    finding = judged(make_material)
    # By hand: half-width 0.3 on 1500 units is sd 5.928; the hold-out never acts, its value is always 0.
    sd = 0.3 / norm.ppf(0.975) * math.sqrt(1500)
    units = (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * (sd**2 / 0.95) / 0.5**2
    assert finding.verdict is Verdict.PASS
    assert finding.statistic == pytest.approx(units / 10_000)
    assert finding.details["periods_needed"] == 1


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.0001, Verdict.PASS), (0.9999, Verdict.WARN), (0.1001, Verdict.WARN), (0.0999, Verdict.FAIL)],
    ids=["just in time", "just late", "just not hopeless", "hopeless"],
)
def test_the_verdict_follows_the_periods_needed(make_material: Any, factor: float, verdict: Verdict) -> None:
    units = judged(make_material).statistic * 10_000
    params = {"units_per_period": units / 4 * factor, "max_periods": 4.0, "hopeless_periods": 40.0}
    finding = judged(make_material, params=params)
    assert finding.verdict is verdict
    assert finding.details["periods_needed"] >= (4 if verdict is Verdict.PASS else 5)


@pytest.mark.parametrize("arms", [(MODEL,), (MODEL, Arm("h", ArmRole.HOLD_OUT, 0.0))], ids=["none", "empty"])
def test_without_a_hold_out_the_value_is_not_measurable(make_material: Any, arms: Any) -> None:
    finding = judged(make_material, replace(PLAN, arms=arms))
    assert (finding.verdict, finding.reasons) == (Verdict.FAIL, ("no-hold-out",))
    assert finding.defect is DefectKind.KPI_NOT_MET
    assert "ot measurable" in finding.message


def test_a_token_hold_out_does_not_do(make_material: Any, world: Any) -> None:
    kpi = replace(world.kpi, holdout=world.kpi.value)
    token = replace(PLAN, arms=(MODEL, Arm("h", ArmRole.HOLD_OUT, 0.0001)))
    assert judged(make_material, token, kpi=kpi).reasons == ("hold-out-too-small",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: {"contract_evidence": None}, "contract-not-signed"),
        (lambda w: {"kpi": replace(w.kpi, contract="another")}, "result-of-another-contract"),
        (lambda w: {"kpi": replace(w.kpi, value=replace(w.kpi.value, interval=None))}, "no-variance"),
        (
            lambda w: {"kpi": replace(w.kpi, value=replace(w.kpi.value, interval=Interval(2.1, 2.1)))},
            "no-variance",
        ),
        (
            lambda w: {"contract": replace(w.contract, target=0.0), "kpi": replace(w.kpi, contrast=None)},
            "no-effect-to-look-for",
        ),
    ],
    ids=["unsigned", "another contract", "no interval", "a value that never varies", "no effect"],
)
def test_what_cannot_be_computed_is_inconclusive(make_material: Any, world: Any, change: Any, reason: str) -> None:
    finding = judged(make_material, **change(world))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == (reason,)


def test_no_kpi_result_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A7, "value-measurable"), make_material(deployment=PLAN, kpi=None))
    assert finding.reasons == ("missing:kpi",)
