from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.technical.overfit import Overfit, OverfitParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Overfit().evaluate(material, OverfitParams(**params))


def test_the_gap_is_the_difference_of_scikit_learns_aucs(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    train = roc_auc_score(world.train.y, world.score(world.train.frame))
    sealed = roc_auc_score(world.sealed.y, world.score(world.sealed.frame))
    assert found.verdict is Verdict.PASS
    assert found.statistic == pytest.approx(train - sealed, abs=1e-12)


@pytest.mark.parametrize(
    ("side", "shift", "verdict"),
    [
        pytest.param("high", 1e-6, Verdict.PASS, id="allowed just over the upper limit"),
        pytest.param("high", -1e-6, Verdict.INCONCLUSIVE, id="allowed just under the upper limit"),
    ],
)
def test_the_upper_limit_decides_a_pass(make_material: Make, side: str, shift: float, verdict: Verdict) -> None:
    interval = judge(make_material()).interval
    assert interval is not None
    assert judge(make_material(), max_gap=interval.high + shift).verdict is verdict


def memorised(world: Any) -> Callable[[Frame], Floats]:
    """A model that knows its training rows by heart and is mediocre elsewhere."""
    known = dict(zip(_keys(world.train.frame), world.train.y.tolist(), strict=True))

    def score(frame: Frame) -> Floats:
        return np.array([known.get(k, s) for k, s in zip(_keys(frame), world.score(frame).tolist(), strict=True)])

    return score


def _keys(frame: Frame) -> list[tuple[float, ...]]:
    return list(zip(frame.floats("tenure").tolist(), frame.floats("age").tolist(), strict=True))


def test_a_model_that_learnt_its_rows_by_heart_fails(make_material: Make, world: Any) -> None:
    found = judge(make_material(score=memorised(world)))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.OVERFIT)
    assert found.details["auc_train"] == 1.0


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-1e-6, Verdict.FAIL), (1e-6, Verdict.INCONCLUSIVE)], ids=["<", ">"]
)
def test_the_lower_limit_decides_a_fail(make_material: Make, world: Any, shift: float, verdict: Verdict) -> None:
    material = make_material(score=memorised(world))
    interval = judge(material).interval
    assert interval is not None
    assert judge(material, max_gap=interval.low + shift).verdict is verdict


def test_one_class_in_either_set_is_inconclusive_and_says_which(make_material: Make, world: Any) -> None:
    found = judge(make_material(train=replace(world.train, y=np.zeros_like(world.train.y))))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("one-class:train",))


def test_the_real_bank_model_of_2008_falls_from_0_822_to_chance(
    make_material: Make, world: Any, data_dir: Path
) -> None:
    table = Frame.from_arrow(pq.read_table(data_dir / "bank_additional.parquet"))
    y = (table["y"] == "yes").astype(np.float64)
    names = tuple(n for n in table.names if n not in ("y", "month_start", "duration", "month"))
    codes = {n: np.unique(table[n], return_inverse=True)[1] for n in names if table[n].dtype.kind == "O"}
    frame = Frame({n: codes[n].astype(np.float64) if n in codes else table.floats(n) for n in names})
    early = table["month_start"] < np.datetime64("2008-11-01")
    late = (table["month_start"] >= np.datetime64("2008-11-01")) & (
        table["month_start"] < np.datetime64("2009-01-01")
    )
    model = HistGradientBoostingClassifier(random_state=0, categorical_features=[n in codes for n in names])
    model.fit(_matrix(frame.take(early)), y[early])
    found = judge(
        make_material(
            train=Labelled(frame.take(early), y[early], world.train.dataset),
            sealed=Labelled(frame.take(late), y[late], world.sealed.dataset),
            score=lambda f: model.predict_proba(_matrix(f))[:, 1],
            version=replace(world.version, signature=Signature(tuple(ColumnSpec(n, DType.FP64) for n in names))),
        )
    )
    assert found.verdict is Verdict.FAIL
    assert found.details["auc_train"] == pytest.approx(0.822, abs=0.02)
    assert found.details["auc_sealed"] == pytest.approx(0.534, abs=0.03)


def _matrix(frame: Frame) -> Floats:
    return np.column_stack([frame.floats(n) for n in frame.names])
