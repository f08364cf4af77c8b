from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance as sklearn_importance

from roadworthy.checks.material import Material
from roadworthy.checks.validation.explanation_stability import (
    ExplanationStability,
    ExplanationStabilityParams,
)
from roadworthy.checks.validation.importance import (
    local_reasons,
    permutation_importance,
    rank_agreement,
    shared_importance,
)
from roadworthy.domain.gate import Finding
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return ExplanationStability().evaluate(material, ExplanationStabilityParams(**params))


class Linear(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A scikit-learn face of a fixed formula, so that its permutation importance can be the oracle."""

    classes_ = np.array([0.0, 1.0])

    def fit(self, X: Floats, y: Floats) -> Linear:
        return self

    def decision_function(self, X: Floats) -> Floats:
        return np.asarray(X @ np.array([2.0, 1.0, 0.0]))

    def __sklearn_is_fitted__(self) -> bool:
        return True


def toy(rows: int = 3000) -> tuple[Frame, Floats, Callable[[Frame], Floats]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3))
    frame = Frame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})

    def score(inputs: Frame) -> Floats:
        return 1 / (1 + np.exp(-2 * inputs["a"] - inputs["b"] - 0.0 * inputs["c"]))

    return frame, (rng.random(rows) < score(frame)).astype(np.float64), score


def test_permutation_importance_agrees_with_scikit_learns() -> None:
    frame, y, score = toy()
    rng = np.random.default_rng(1)
    ours = np.mean([permutation_importance(score, frame, y, ("a", "b", "c"), rng) for _ in range(20)], axis=0)
    X = np.column_stack([frame[n] for n in frame.names])
    theirs = sklearn_importance(Linear(), X, y, scoring="roc_auc", n_repeats=20, random_state=2).importances_mean
    assert ours == pytest.approx(theirs, abs=0.012)


def test_rank_agreement_is_scipys_spearman_once_noise_counts_as_nothing() -> None:
    a, b = np.array([0.3, 0.1, 0.0004, -0.001]), np.array([0.1, 0.2, -0.0003, 0.0005])
    assert rank_agreement(a, b, 0.0) == pytest.approx(spearmanr(np.maximum(a, 0), np.maximum(b, 0)).statistic)
    assert rank_agreement(a, b, 0.002) == pytest.approx(spearmanr([3, 1, 0, 0], [1, 2, 0, 0]).statistic)
    assert rank_agreement(a, np.zeros(4), 0.002) is None


def test_shared_importance_is_one_minus_the_total_variation_distance() -> None:
    assert shared_importance(np.array([2.0, 2.0]), np.array([1.0, 0.0]), 0.0) == pytest.approx(0.5)
    assert shared_importance(np.array([2.0, 1.0]), np.array([4.0, 2.0]), 0.0) == pytest.approx(1.0)
    assert shared_importance(np.array([0.1, 0.1]), np.array([0.001, 0.0]), 0.002) is None


def test_local_reasons_of_a_linear_score_are_the_distances_from_the_mean() -> None:
    rng = np.random.default_rng(0)
    frame = Frame({"a": rng.random(400), "b": rng.random(400)})
    rows, score = frame.take(np.arange(5)), lambda f: 0.6 * f["a"] + 0.3 * f["b"]
    found = local_reasons(score, rows, frame, ("a", "b"), rng, draws=2000)
    expected = [
        [0.6 * (a - frame["a"].mean()), 0.3 * (b - frame["b"].mean())]
        for a, b in zip(*rows.columns.values(), strict=True)
    ]
    assert found == pytest.approx(np.array(expected), abs=0.02)


def test_an_honest_model_passes_and_hands_out_its_importance_table(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    table = found.details["importance"]
    assert found.verdict is Verdict.PASS
    assert table[0]["column"] == "balance"
    assert {row["column"] for row in table} == set(world.version.signature.names)
    assert all(row["auc_lost"] > 0 for row in table)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-1e-9, Verdict.PASS), (1e-9, Verdict.INCONCLUSIVE)], ids=["<", ">"]
)
def test_the_lower_limit_of_agreement_decides_a_pass(make_material: Make, shift: float, verdict: Verdict) -> None:
    interval = judge(make_material()).interval
    assert interval is not None
    assert judge(make_material(), min_agreement=interval.low + shift).verdict is verdict


class Moody:
    """Looks at another column every second time it is asked (once for the rows, once for the shuffled ones)."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: Frame) -> Floats:
        values = frame.floats(("age", "visits")[self.calls // 2 % 2])
        self.calls += 1
        return np.asarray(1 / (1 + np.exp(-(values - values.mean()) / (values.std() + 1e-9))))


def test_a_model_whose_reasons_wander_fails(make_material: Make) -> None:
    found = judge(make_material(score=Moody()), floor=0.0)
    assert found.verdict is Verdict.FAIL
    assert "global-unstable" in found.reasons


def test_a_model_in_which_nothing_matters_is_inconclusive(make_material: Make) -> None:
    found = judge(make_material(score=lambda f: np.full(f.n_rows, 0.3)))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("nothing-matters",))


def test_other_reasons_than_the_champions_are_a_warning_not_a_failure(make_material: Make, world: Any) -> None:
    by_visits = lambda f: 1 / (1 + np.exp(-(f.floats("visits") - 4)))  # noqa: E731
    found = judge(make_material(champion=by_visits))
    assert (found.verdict, found.reasons) == (Verdict.WARN, ("differs-from-champion",))
    same = judge(make_material(champion=world.score))
    assert same.verdict is Verdict.PASS
    assert same.details["champion_agreement"] == pytest.approx(1.0)


def test_few_rows_are_inconclusive(make_material: Make, world: Any) -> None:
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(50)), y=world.sealed.y[:50])
    assert judge(make_material(sealed=few)).reasons == ("too-few-rows",)
