from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.technical.calibrated import Calibrated, CalibratedParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Calibrated().evaluate(material, CalibratedParams(**params))


def test_error_and_slope_agree_with_a_hand_count_and_with_scikit_learn(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    scores, y = world.score(world.sealed.frame), world.sealed.y
    bins = np.minimum((scores * 10).astype(int), 9)
    by_hand = sum(abs(scores[bins == b].sum() - y[bins == b].sum()) for b in range(10)) / len(y)
    fitted = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-10).fit(logit(scores)[:, None], y)
    assert found.verdict is Verdict.PASS
    assert found.statistic == pytest.approx(by_hand, abs=1e-12)
    assert found.details["slope"] == pytest.approx(fitted.coef_[0, 0], abs=1e-4)


@pytest.mark.parametrize(
    ("stretch", "shift", "verdict"),
    [
        pytest.param(1.0, 0.8, Verdict.FAIL, id="much too high"),
        pytest.param(3.0, 0.0, Verdict.FAIL, id="three times too bold"),
        pytest.param(0.4, 0.0, Verdict.FAIL, id="far too timid"),
    ],
)
def test_distorted_scores_fail_although_their_ranking_is_unchanged(
    make_material: Make, world: Any, stretch: float, shift: float, verdict: Verdict
) -> None:
    found = judge(make_material(score=lambda f: expit(stretch * logit(world.score(f)) + shift)))
    assert (found.verdict, found.defect) == (verdict, DefectKind.MISCALIBRATED)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(1e-9, Verdict.PASS), (-1e-9, Verdict.INCONCLUSIVE)], ids=[">", "<"]
)
def test_the_upper_limit_of_the_error_decides_a_pass(make_material: Make, shift: float, verdict: Verdict) -> None:
    interval = judge(make_material()).interval
    assert interval is not None
    assert judge(make_material(), max_ece=interval.high + shift).verdict is verdict


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-1e-9, Verdict.FAIL), (1e-9, Verdict.INCONCLUSIVE)], ids=["<", ">"]
)
def test_the_lower_limit_of_the_error_decides_a_fail(
    make_material: Make, world: Any, shift: float, verdict: Verdict
) -> None:
    material = make_material(score=lambda f: expit(logit(world.score(f)) + 0.8))
    interval = judge(material).interval
    assert interval is not None
    assert judge(material, max_ece=interval.low + shift).verdict is verdict


def test_a_constant_at_the_right_rate_has_no_slope_and_is_inconclusive_not_calibrated(
    make_material: Make, world: Any
) -> None:
    rate = float(world.sealed.y.mean())
    found = judge(make_material(score=lambda f: np.full(f.n_rows, rate)))
    assert found.statistic == pytest.approx(0.0, abs=1e-9)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no-slope" in found.reasons


def test_few_rows_are_inconclusive(make_material: Make, world: Any) -> None:
    few = Labelled(world.sealed.frame.take(np.arange(300)), world.sealed.y[:300], world.sealed.dataset)
    assert judge(make_material(sealed=few)).reasons == ("too-few-rows",)


def test_a_calibrated_model_is_failed_at_most_as_often_as_promised(make_material: Make, world: Any) -> None:
    scores = world.score(world.sealed.frame)[:600]
    frame = world.sealed.frame.take(np.arange(600))
    rng = np.random.default_rng(4)
    failed = 0
    for _ in range(60):
        y = (rng.random(600) < scores).astype(np.float64)
        sealed = replace(world.sealed, frame=frame, y=y)
        failed += judge(make_material(sealed=sealed), draws=60).verdict is Verdict.FAIL
    assert failed / 60 <= 0.05 + 3 * (0.05 * 0.95 / 60) ** 0.5
