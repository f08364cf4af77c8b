from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats.contingency import relative_risk
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import recall_score

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.group_fairness import GroupFairness, GroupFairnessParams, rate_ratio
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return GroupFairness().evaluate(material, GroupFairnessParams(**params))


def harder_on(world: Any, gender: str, handicap: float) -> dict[str, Any]:
    """Overrides with a model that takes gender as an input and lowers one group's scores."""
    signature = Signature((*world.version.signature.inputs, ColumnSpec("gender", DType.BYTES)))

    def score(frame: Frame) -> Floats:
        return np.where(frame["gender"] == gender, world.score(frame) * (1 - handicap), world.score(frame))

    return {"score": score, "version": replace(world.version, signature=signature)}


def test_rates_and_recall_are_those_of_scikit_learn(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    acted = world.score(world.sealed.frame) >= world.version.threshold
    assert found.verdict is Verdict.PASS
    for row in found.details["groups"]:
        mask = world.sealed.frame["gender"] == row["group"].partition("=")[2]
        assert row["selection_rate"] == pytest.approx(acted[mask].mean())
        assert row["recall"] == pytest.approx(recall_score(world.sealed.y[mask], acted[mask]))


def test_the_ratio_interval_is_scipys_relative_risk_for_large_counts() -> None:
    ratio, interval = rate_ratio(2420, 10_000, 4160, 20_000, 0.95)
    theirs = relative_risk(2420, 10_000, 4160, 20_000)
    expected = theirs.confidence_interval(0.95)
    assert ratio == pytest.approx(theirs.relative_risk, rel=1e-3)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-3)


def test_a_group_nobody_selects_has_a_ratio_interval_and_not_a_crash() -> None:
    ratio, interval = rate_ratio(0, 50, 10, 50, 0.95)
    assert 0 < interval.low < ratio < interval.high < 1
    assert rate_ratio(0, 5, 0, 5, 0.95)[1].high > 10


@pytest.mark.parametrize(
    ("side", "shift", "verdict"),
    [
        pytest.param("low", -1e-6, Verdict.PASS, id="demanded just under the lower limit"),
        pytest.param("low", 1e-6, Verdict.INCONCLUSIVE, id="demanded just over the lower limit"),
        pytest.param("high", -1e-6, Verdict.INCONCLUSIVE, id="demanded just under the upper limit"),
        pytest.param("high", 1e-6, Verdict.FAIL, id="demanded just over the upper limit"),
    ],
)
def test_the_interval_of_the_ratio_decides(
    make_material: Make, world: Any, side: str, shift: float, verdict: Verdict
) -> None:
    material = make_material(**harder_on(world, "f", 0.3))
    found = judge(material, max_tpr_gap=1.0)
    assert found.interval is not None
    edges = sorted([found.interval.low, found.interval.high])
    low, high = edges if edges[1] <= 1 else sorted(1 / e for e in edges)
    demanded = {"low": low, "high": high}[side] + shift
    assert judge(material, max_tpr_gap=1.0, min_ratio=demanded).verdict is verdict


def test_a_model_that_is_harder_on_one_group_fails_and_names_it(make_material: Make, world: Any) -> None:
    found = judge(make_material(**harder_on(world, "f", 0.5)))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.UNFAIR)
    assert all("gender" in reason for reason in found.reasons)


def test_equal_selection_of_groups_does_not_hide_unequal_recall(make_material: Make, world: Any) -> None:
    rng = np.random.default_rng(0)
    women = world.sealed.frame["gender"] == "f"
    y = np.where(women, world.sealed.y, (rng.random(len(women)) < 0.25).astype(float))
    found = judge(make_material(sealed=replace(world.sealed, y=y)))
    assert found.verdict is Verdict.FAIL
    assert [r.partition(":")[0] for r in found.reasons] == ["recall-unequal"]


@pytest.mark.parametrize(
    ("tier", "verdict"),
    [(RiskTier.LOW, Verdict.PASS), (RiskTier.MEDIUM, Verdict.INCONCLUSIVE)],
    ids=["low", "medium"],
)
def test_no_declared_attributes_are_accepted_only_at_low_risk(
    make_material: Make, world: Any, tier: RiskTier, verdict: Verdict
) -> None:
    found = judge(make_material(use_case=replace(world.use_case, sensitive=(), risk_tier=tier)))
    assert (found.verdict, found.reasons) == (verdict, ("none-declared",))


def test_a_declared_attribute_that_is_absent_is_inconclusive(make_material: Make, world: Any) -> None:
    found = judge(make_material(use_case=replace(world.use_case, sensitive=("religion",))))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("column-missing:religion",))


def test_hiding_people_in_groups_too_small_to_judge_is_inconclusive(make_material: Make, world: Any) -> None:
    gender = world.sealed.frame["gender"].copy()
    gender[:1200] = [f"other {i % 15}" for i in range(1200)]
    sealed = replace(world.sealed, frame=world.sealed.frame.with_column("gender", gender))
    found = judge(make_material(sealed=sealed))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("unjudged:gender",))


@pytest.fixture(scope="module")
def credit(data_dir: Path, world: Any) -> dict[str, Any]:
    table = Frame.from_arrow(pq.read_table(data_dir / "credit_default_tw.parquet"))
    names = tuple(n for n in table.names if n not in ("ID", "Default"))
    X, y = np.column_stack([table.floats(n) for n in names]), table.floats("Default")
    held = table["ID"] % 5 == 0
    model = HistGradientBoostingClassifier(random_state=0).fit(X[~held], y[~held])

    def score(frame: Frame) -> Floats:
        return np.asarray(model.predict_proba(np.column_stack([frame.floats(n) for n in names]))[:, 1])

    sealed = Labelled(table.drop(["Default"]).take(held), y[held], world.sealed.dataset)
    threshold = float(np.quantile(score(sealed.frame), 1 - 0.221))
    signature = Signature(tuple(ColumnSpec(n, DType.FP64) for n in names))
    return {
        "sealed": sealed,
        "score": score,
        "version": replace(world.version, signature=signature, threshold=threshold),
        "use_case": replace(world.use_case, sensitive=("SEX",)),
    }


def test_on_real_credit_data_the_measured_rates_are_found(make_material: Make, credit: dict[str, Any]) -> None:
    rows = {row["group"]: row for row in judge(make_material(**credit)).details["groups"]}
    assert rows["SEX=1"]["selection_rate"] == pytest.approx(0.242, abs=0.02)
    assert rows["SEX=2"]["selection_rate"] == pytest.approx(0.208, abs=0.02)
    assert rows["SEX=1"]["recall"] == pytest.approx(0.526, abs=0.02)
    assert rows["SEX=2"]["recall"] == pytest.approx(0.562, abs=0.02)


def test_6000_real_rows_cannot_prove_the_four_fifths_rule_but_prove_seven_tenths(
    make_material: Make, credit: dict[str, Any]
) -> None:
    assert judge(make_material(**credit)).verdict is Verdict.INCONCLUSIVE
    assert judge(make_material(**credit), min_ratio=0.70).verdict is Verdict.PASS
