from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from roadworthy.checks.material import Material, Score
from roadworthy.checks.validation.reproducible import Reproducible, ReproducibleParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Reproducible().evaluate(material, ReproducibleParams(**params))


def shifted(world: Any, by: Callable[[int], float]) -> Callable[[int], Score]:
    """A training whose scores lie off the registered ones by an amount that depends on the seed."""

    def retrain(seed: int) -> Score:
        return lambda frame: np.clip(world.score(frame) * (1 - by(seed)), 0, 1)

    return retrain


def forest(world: Any) -> Callable[[int], Score]:
    """A real training that depends on its seed."""
    names = ("age", "tenure", "visits")

    def retrain(seed: int) -> Score:
        model = RandomForestClassifier(20, max_depth=4, random_state=seed)
        model.fit(np.column_stack([world.train.frame.floats(n) for n in names]), world.train.y)

        def score(frame: Frame) -> Floats:
            return np.asarray(model.predict_proba(np.column_stack([frame.floats(n) for n in names]))[:, 1])

        return score

    return retrain


def test_a_real_training_comes_out_the_same_with_the_same_seed(make_material: Make, world: Any) -> None:
    train = forest(world)
    found = judge(make_material(score=train(0), retrain=train), max_spread=0.05)
    areas = [roc_auc_score(world.sealed.y, train(s)(world.sealed.frame)) for s in range(4)]
    assert (found.verdict, found.statistic) == (Verdict.PASS, 0.0)
    assert found.details["auc_by_seed"] == pytest.approx(areas, abs=1e-12)
    assert found.details["auc_spread"] == pytest.approx(max(areas) - min(areas))


def test_the_wrong_training_seed_does_not_reproduce_and_the_right_one_does(make_material: Make, world: Any) -> None:
    train = forest(world)
    material = make_material(score=train(9), retrain=train)
    assert judge(material, max_spread=0.05).reasons == ("differs-from-registered",)
    assert judge(material, max_spread=0.05, training_seed=9).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("off", "verdict"),
    [
        pytest.param(0.9e-6, Verdict.PASS, id="just inside 1e-6"),
        pytest.param(1.2e-6, Verdict.FAIL, id="just outside"),
    ],
)
def test_the_tolerance_decides(make_material: Make, world: Any, off: float, verdict: Verdict) -> None:
    top = float(world.score(world.sealed.frame).max())
    found = judge(make_material(retrain=shifted(world, lambda _: off / top)))
    assert found.verdict is verdict
    assert found.statistic == pytest.approx(off, rel=1e-3)


def test_a_training_that_never_comes_out_the_same_fails(make_material: Make, world: Any) -> None:
    rng = np.random.default_rng(0)
    found = judge(make_material(retrain=shifted(world, lambda _: float(rng.random()) / 100)))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.NOT_REPRODUCIBLE)
    assert found.reasons == ("not-deterministic", "differs-from-registered")


def lucky(world: Any, noise: float) -> Callable[[int], Score]:
    """A training that is only good with seed 0."""

    def retrain(seed: int) -> Score:
        def score(frame: Frame) -> Floats:
            rng = np.random.default_rng(seed)
            return (
                world.score(frame)
                if seed == 0
                else np.clip(world.score(frame) + noise * rng.normal(size=frame.n_rows), 0, 1)
            )

        return score

    return retrain


def test_a_lucky_seed_is_called_unstable(make_material: Make, world: Any) -> None:
    found = judge(make_material(retrain=lucky(world, 0.3)))
    assert (found.verdict, found.defect, found.reasons) == (
        Verdict.FAIL,
        DefectKind.UNSTABLE,
        ("spread-too-large",),
    )


@pytest.mark.parametrize(("shift", "verdict"), [(1e-9, Verdict.PASS), (-1e-9, Verdict.FAIL)], ids=["over", "under"])
def test_the_spread_decides(make_material: Make, world: Any, shift: float, verdict: Verdict) -> None:
    material = make_material(retrain=lucky(world, 0.05))
    spread = judge(material).details["auc_spread"]
    assert judge(material, max_spread=spread + shift).verdict is verdict


def test_one_class_leaves_stability_open_but_a_difference_still_fails(make_material: Make, world: Any) -> None:
    sealed = replace(world.sealed, y=np.zeros_like(world.sealed.y))
    found = judge(make_material(sealed=sealed))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("spread-not-measurable",))
    off = judge(make_material(sealed=sealed, retrain=shifted(world, lambda _: 0.1)))
    assert off.verdict is Verdict.FAIL


def test_few_rows_are_inconclusive(make_material: Make, world: Any) -> None:
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(0)), y=world.sealed.y[:0])
    assert judge(make_material(sealed=few)).reasons == ("too-few-rows",)
