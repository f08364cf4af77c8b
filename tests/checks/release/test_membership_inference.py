from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss, roc_auc_score

from roadworthy.checks.material import Labelled
from roadworthy.checks.release.membership_inference import (
    MembershipInference,
    MembershipInferenceParams,
    losses,
    within_class_auc,
)
from roadworthy.domain.errors import DataError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

PARAMS = MembershipInferenceParams()
NAMES = ("a", "b", "c")


def noise(rows: int, seed: int, rate: float, like: Labelled) -> Labelled:
    rng = np.random.default_rng(seed)
    frame = Frame({n: rng.normal(size=rows) for n in NAMES})
    y = (rng.random(rows) < rate).astype(np.float64)
    return Labelled(frame, y, like.dataset)


def matrix(frame: Frame) -> Floats:
    return np.column_stack([frame.floats(n) for n in NAMES])


def judged(make_material: Any, world: Any, train: Labelled, sealed: Labelled, score: Any, **params: Any) -> Any:
    signature = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
    version = replace(world.version, signature=signature)
    material = make_material(version=version, train=train, sealed=sealed, score=score)
    return MembershipInference().evaluate(material, MembershipInferenceParams(**params))


def test_losses_are_scikit_learns_log_loss_row_by_row() -> None:
    y, p = np.array([1.0, 0.0, 1.0]), np.array([0.2, 0.7, 0.9])
    expected = [log_loss([a], [b], labels=[0, 1]) for a, b in zip(y, p, strict=True)]
    np.testing.assert_allclose(losses(y, p), expected)


def test_the_auc_within_classes_is_the_weighted_mean_of_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, member, loss = rng.integers(0, 2, 500) * 1.0, rng.random(500) < 0.6, rng.random(500)
    areas = [roc_auc_score(member[y == c], -loss[y == c]) for c in (0, 1)]
    expected = np.average(areas, weights=[member[y == c].sum() for c in (0, 1)])
    assert within_class_auc(y, member, loss, (0.0, 1.0)) == pytest.approx(expected)


def test_a_model_that_generalises_passes(make_material: Any) -> None:
    finding = MembershipInference().evaluate(make_material(), PARAMS)
    assert finding.verdict is Verdict.PASS
    assert finding.interval.low < 0.5 < finding.interval.high


def test_a_forest_that_knows_noise_by_heart_fails(make_material: Any, world: Any) -> None:
    train, sealed = noise(500, 1, 0.5, world.train), noise(500, 2, 0.5, world.sealed)
    forest = RandomForestClassifier(30, random_state=0).fit(matrix(train.frame), train.y)
    finding = judged(make_material, world, train, sealed, lambda f: forest.predict_proba(matrix(f))[:, 1])
    assert finding.verdict is Verdict.FAIL
    assert finding.defect is DefectKind.OVERFIT
    assert finding.interval.low > 0.9


def test_another_base_rate_in_the_sealed_data_is_not_mistaken_for_memory(make_material: Any, world: Any) -> None:
    train, sealed = noise(1000, 1, 0.05, world.train), noise(1000, 2, 0.4, world.sealed)

    def constant(frame: Frame) -> Floats:
        return 0.05 + 1e-6 * frame.floats("a") / 10.0

    finding = judged(make_material, world, train, sealed, constant)
    pooled = np.concatenate([losses(s.y, constant(s.frame)) for s in (train, sealed)])
    assert roc_auc_score(np.repeat([1, 0], 1000), -pooled) > 0.65
    assert finding.verdict is Verdict.PASS


def test_the_verdict_turns_where_the_interval_leaves_the_limit(make_material: Any, world: Any) -> None:
    train, sealed = noise(500, 1, 0.5, world.train), noise(500, 2, 0.5, world.sealed)
    forest = RandomForestClassifier(30, min_samples_leaf=25, random_state=0)
    forest.fit(matrix(train.frame), train.y)

    def verdict(limit: float) -> Any:
        return judged(
            make_material, world, train, sealed, lambda f: forest.predict_proba(matrix(f))[:, 1], max_auc=limit
        )

    interval = verdict(0.9).interval
    found = [verdict(x).verdict for x in (interval.low - 1e-9, interval.low, interval.high - 1e-9, interval.high)]
    assert found == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.PASS]


@pytest.mark.parametrize(
    ("rows", "rate", "reason"),
    [(199, 0.5, "too-few-rows"), (1000, 0.0, None), (210, 0.5, None)],
    ids=["one row short", "one class only is judged on it", "enough"],
)
def test_too_few_rows_are_inconclusive(
    make_material: Any, world: Any, rows: int, rate: float, reason: str | None
) -> None:
    train, sealed = noise(rows, 1, rate, world.train), noise(rows, 2, rate, world.sealed)
    finding = judged(make_material, world, train, sealed, lambda f: np.full(f.n_rows, 0.5))
    assert finding.verdict is (Verdict.INCONCLUSIVE if reason else Verdict.PASS)
    assert finding.reasons == ((reason,) if reason else ())


def test_scores_that_are_no_probabilities_are_an_error() -> None:
    with pytest.raises(DataError, match="outside"):
        losses(np.array([1.0]), np.array([np.nan]))
