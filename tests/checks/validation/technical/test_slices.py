from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from roadworthy.checks.material import Material
from roadworthy.checks.validation.technical.slices import Slices, SlicesParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Slices().evaluate(material, SlicesParams(**params))


def blind_on(world: Any, channel: str) -> Callable[[Frame], Floats]:
    """The world's model, but guessing for one channel."""

    def score(frame: Frame) -> Floats:
        rng = np.random.default_rng(1)
        return np.where(frame["channel"] == channel, rng.random(frame.n_rows), world.score(frame))

    return score


def test_each_slice_reports_scikit_learns_auc(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    scores = world.score(world.sealed.frame)
    assert found.verdict is Verdict.PASS
    for row in found.details["slices"]:
        mask = world.sealed.frame["channel"] == row["slice"].partition("=")[2]
        assert row["auc"] == pytest.approx(roc_auc_score(world.sealed.y[mask], scores[mask]), abs=1e-12)


def test_a_model_that_guesses_for_one_channel_fails_although_it_is_good_overall(
    make_material: Make, world: Any
) -> None:
    found = judge(make_material(score=blind_on(world, "web")))
    assert (found.verdict, found.reasons) == (Verdict.FAIL, ("worse:channel=web",))


@pytest.mark.parametrize(
    ("side", "shift", "verdict"),
    [
        pytest.param("low", 1e-6, Verdict.PASS, id="allowed just under the lower limit"),
        pytest.param("low", -1e-6, Verdict.INCONCLUSIVE, id="allowed just over the lower limit"),
        pytest.param("high", 1e-6, Verdict.INCONCLUSIVE, id="allowed just under the upper limit"),
        pytest.param("high", -1e-6, Verdict.FAIL, id="allowed just over the upper limit"),
    ],
)
def test_the_interval_of_the_worst_slice_decides(
    make_material: Make, world: Any, side: str, shift: float, verdict: Verdict
) -> None:
    material = make_material(score=blind_on(world, "web"))
    interval = judge(material).interval
    assert interval is not None
    assert judge(material, max_drop=-getattr(interval, side) + shift).verdict is verdict


@pytest.mark.parametrize(
    ("tier", "verdict"), [(RiskTier.LOW, Verdict.PASS), (RiskTier.HIGH, Verdict.INCONCLUSIVE)], ids=["low", "high"]
)
def test_no_declared_segments_are_accepted_only_at_low_risk(
    make_material: Make, world: Any, tier: RiskTier, verdict: Verdict
) -> None:
    case = replace(world.use_case, segments=(), risk_tier=tier)
    found = judge(make_material(use_case=case))
    assert (found.verdict, found.reasons) == (verdict, ("none-declared",))


def test_a_segment_column_that_is_absent_is_inconclusive(make_material: Make, world: Any) -> None:
    case = replace(world.use_case, segments=("region",))
    assert judge(make_material(use_case=case)).reasons == ("column-missing:region",)


def test_groups_too_small_to_judge_are_named_and_too_many_of_them_leave_the_claim_open(
    make_material: Make, world: Any
) -> None:
    few = judge(make_material(), min_rows=1_350)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert "unjudged:channel" in few.reasons


def test_a_numeric_segment_is_cut_into_quarters(make_material: Make, world: Any) -> None:
    found = judge(make_material(use_case=replace(world.use_case, segments=("age",))))
    assert len(found.details["slices"]) == 4
    assert sum(row["rows"] for row in found.details["slices"]) == world.sealed.frame.n_rows


def test_an_even_model_is_failed_at_most_as_often_as_promised(make_material: Make, world: Any) -> None:
    rng = np.random.default_rng(2)
    failed = 0
    for _ in range(150):
        shuffled = world.sealed.frame.with_column("channel", rng.permutation(world.sealed.frame["channel"]))
        frame, scores = shuffled, world.score(world.sealed.frame)
        material = make_material(sealed=replace(world.sealed, frame=frame), score=lambda _f, s=scores: s)
        failed += judge(material, max_drop=0.0).verdict is Verdict.FAIL
    assert failed / 150 <= 0.025 + 3 * (0.025 * 0.975 / 150) ** 0.5
