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
from roadworthy.checks.validation.technical.beats_baseline import (
    BeatsBaseline,
    BeatsBaselineParams,
    last_known_label,
)
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.statistics.ranking import auc_interval

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return BeatsBaseline().evaluate(material, BeatsBaselineParams(**params))


def test_the_statistic_is_scikit_learns_auc(make_material: Make, world: Any) -> None:
    found = judge(make_material())
    expected = roc_auc_score(world.sealed.y, world.score(world.sealed.frame))
    assert found.verdict is Verdict.PASS
    assert found.statistic == pytest.approx(expected, abs=1e-12)
    assert found.unit == "AUC"


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        pytest.param(-1e-6, Verdict.PASS, id="demanded just under the lower limit"),
        pytest.param(1e-6, Verdict.INCONCLUSIVE, id="demanded just over the lower limit"),
    ],
)
def test_the_lower_limit_decides_a_pass(make_material: Make, world: Any, shift: float, verdict: Verdict) -> None:
    low = auc_interval(world.sealed.y, world.score(world.sealed.frame)).low
    assert judge(make_material(), min_gain=low - 0.5 + shift).verdict is verdict


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        pytest.param(1e-6, Verdict.FAIL, id="demanded just over the upper limit"),
        pytest.param(-1e-6, Verdict.INCONCLUSIVE, id="demanded just under the upper limit"),
    ],
)
def test_the_upper_limit_decides_a_fail(make_material: Make, world: Any, shift: float, verdict: Verdict) -> None:
    high = auc_interval(world.sealed.y, world.score(world.sealed.frame)).high
    assert judge(make_material(), min_gain=high - 0.5 + shift).verdict is verdict


def test_a_model_that_always_answers_the_prior_rate_fails_however_accurate_it_is(make_material: Make) -> None:
    found = judge(make_material(score=lambda frame: np.full(frame.n_rows, 0.25)))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.WEAK_MODEL)
    assert found.reasons[0] == "loses-to:constant"


def test_a_version_clearly_behind_the_champion_fails(make_material: Make, world: Any) -> None:
    rng = np.random.default_rng(5)
    noisy = lambda frame: np.clip(world.score(frame) * 0.5 + 0.5 * rng.random(frame.n_rows), 0, 1)  # noqa: E731
    found = judge(make_material(score=noisy, champion=world.score))
    assert found.verdict is Verdict.FAIL
    assert "loses-to:champion" in found.reasons


def test_the_same_model_is_not_inferior_to_itself(make_material: Make, world: Any) -> None:
    assert judge(make_material(champion=world.score)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("rows", "why"), [pytest.param(150, "too-few-rows", id="few rows"), pytest.param(0, "too-few-rows", id="none")]
)
def test_few_rows_are_inconclusive(make_material: Make, world: Any, rows: int, why: str) -> None:
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(rows)), y=world.sealed.y[:rows])
    found = judge(make_material(sealed=few))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, (why,))


def test_one_class_is_inconclusive_not_a_perfect_score(make_material: Make, world: Any) -> None:
    found = judge(make_material(sealed=replace(world.sealed, y=np.ones_like(world.sealed.y))))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("one-class",))


def test_a_time_column_that_is_not_in_the_data_leaves_the_claim_open(make_material: Make, world: Any) -> None:
    case = replace(world.use_case, time_column="when")
    found = judge(make_material(use_case=case))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("time-column-missing",))


@pytest.mark.parametrize(
    ("delay_days", "expected"),
    [
        pytest.param(0.0, [0.5, 1, 0, 0, 1], id="known at once: the row before"),
        pytest.param(1.5, [0.5, 0.5, 1, 0, 0], id="a day and a half late: two rows before"),
        pytest.param(9.0, [0.5] * 5, id="never known inside the data"),
    ],
)
def test_the_last_label_is_the_last_one_known(world: Any, delay_days: float, expected: list[float]) -> None:
    days = np.arange(5) * np.timedelta64(1, "D") + np.datetime64("2026-01-01", "us")
    order = np.array([3, 0, 4, 1, 2])
    y = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    data = Labelled(Frame({"at": days[order]}), y[order], world.sealed.dataset)
    known = last_known_label(replace(world.use_case, label_delay_days=delay_days), data)
    assert isinstance(known, np.ndarray)
    assert known.tolist() == [expected[i] for i in order]


@pytest.fixture(scope="module")
def elec2(data_dir: Path, world: Any) -> tuple[Any, Labelled, Any]:
    """(version, sealed rows, score): trained on the first 180 days, sealed on days 361 to 540."""
    frame = Frame.from_arrow(pq.read_table(data_dir / "elec2.parquet"))
    names = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
    y = frame.floats("class")
    X = np.column_stack([frame.floats(n) for n in names])
    model = HistGradientBoostingClassifier(random_state=0).fit(X[:8640], y[:8640])

    def score(inputs: Frame) -> Floats:
        matrix = np.column_stack([inputs.floats(n) for n in names])
        return np.asarray(model.predict_proba(matrix)[:, 1], dtype=np.float64)

    rows = np.arange(17280, 25920)
    sealed = Labelled(frame.drop(["class"]).take(rows), y[rows], world.sealed.dataset)
    version = replace(world.version, signature=Signature(tuple(ColumnSpec(n, DType.FP64) for n in names)))
    return version, sealed, score


def test_on_real_electricity_prices_repeating_the_last_label_beats_the_model(
    make_material: Make, world: Any, elec2: tuple[Any, Labelled, Any]
) -> None:
    version, sealed, score = elec2
    case = replace(world.use_case, time_column="nominal_ts", label_delay_days=0.0)
    found = judge(make_material(version=version, sealed=sealed, score=score, use_case=case))
    assert found.verdict is Verdict.FAIL
    assert "loses-to:last-label" in found.reasons
    assert found.statistic == pytest.approx(0.748, abs=0.02)


def test_without_the_time_column_the_same_useless_model_would_pass(
    make_material: Make, world: Any, elec2: tuple[Any, Labelled, Any]
) -> None:
    version, sealed, score = elec2
    case = replace(world.use_case, time_column="")
    assert judge(make_material(version=version, sealed=sealed, score=score, use_case=case)).verdict is Verdict.PASS


def test_repeating_the_last_label_is_right_in_85_percent_of_half_hours(world: Any, data_dir: Path) -> None:
    frame = Frame.from_arrow(pq.read_table(data_dir / "elec2.parquet"))
    data = Labelled(frame.drop(["class"]), frame.floats("class"), world.sealed.dataset)
    known = last_known_label(replace(world.use_case, time_column="nominal_ts", label_delay_days=0.0), data)
    assert not isinstance(known, str)
    assert float(np.mean(known[1:] == data.y[1:])) == pytest.approx(0.853, abs=0.0005)


def test_a_useless_model_passes_at_most_as_often_as_promised(make_material: Make, world: Any) -> None:
    rng = np.random.default_rng(11)
    case = replace(world.use_case, time_column="")
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(600)), y=world.sealed.y[:600])
    passed = sum(
        judge(make_material(score=lambda f: rng.random(f.n_rows), sealed=few, use_case=case), min_gain=0.0).verdict
        is Verdict.PASS
        for _ in range(400)
    )
    assert passed / 400 <= 0.025 + 3 * (0.025 * 0.975 / 400) ** 0.5
