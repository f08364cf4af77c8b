"""Shapley values: against another library, against the definition, and the laws that define them."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import shap
from sklearn.ensemble import GradientBoostingClassifier

from roadworthy.domain.errors import BadOutputError, DataError
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.statistics.shapley import EXACT_COLUMNS, shapley


def frame_of(rows: Floats) -> Frame:
    return Frame({f"x{i}": rows[:, i] for i in range(rows.shape[1])})


def matrix(frame: Frame) -> Floats:
    return np.column_stack([frame[name] for name in frame.names])


def forest(n: int) -> tuple[GradientBoostingClassifier, Floats]:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(400, n))
    y = rows[:, 0] + rows[:, 1] * rows[:, 2] + 0.5 * rng.normal(size=400) > 0
    return GradientBoostingClassifier(n_estimators=20, random_state=0).fit(rows, y), rows


def found_for(n: int, seed: int = 0, draws: int = 16, row: int = 300):
    model, rows = forest(n)
    return shapley(
        lambda frame: model.predict_proba(matrix(frame))[:, 1],
        frame_of(rows[row : row + 1]),
        frame_of(rows[:25]),
        np.random.default_rng(seed),
        draws=draws,
    )


def by_shap(n: int, row: int = 300) -> tuple[Floats, float]:
    model, rows = forest(n)
    explainer = shap.explainers.Exact(
        lambda x: model.predict_proba(x)[:, 1], shap.maskers.Independent(rows[:25], max_samples=25)
    )
    told = explainer(rows[row : row + 1])
    return told.values[0], float(np.ravel(told.base_values)[0])


@pytest.mark.parametrize("row", [300, 301, 333])
def test_the_values_are_those_of_the_shap_library(row: int) -> None:
    values, base = by_shap(6, row)
    found = found_for(6, row=row)
    assert found.exact
    assert [p.value for p in found.parts] == pytest.approx(values, abs=1e-10)
    assert found.base == pytest.approx(base, abs=1e-10)


def test_sampled_values_lie_around_those_of_the_shap_library() -> None:
    values, _ = by_shap(10)
    inside = total = 0
    for seed in range(30):
        found = found_for(10, seed)
        assert not found.exact
        for part, value in zip(found.parts, values, strict=True):
            inside += part.interval.low - 1e-12 <= value <= part.interval.high + 1e-12
            total += 1
    assert inside / total > 0.9, "95 % intervals over 30 seeds and ten columns"


def test_the_values_are_the_mean_gain_over_all_orders() -> None:
    rows = np.random.default_rng(1).normal(size=(9, 4))

    def score(frame: Frame) -> Floats:
        x = matrix(frame)
        return x[:, 0] * x[:, 1] + np.maximum(x[:, 2], x[:, 3])

    found = shapley(score, frame_of(rows[:1]), frame_of(rows[1:]), np.random.default_rng(0))
    means = np.zeros(4)
    for order in permutations(range(4)):
        mixed = rows[1:].copy()
        before = score(frame_of(mixed)).mean()
        for column in order:
            mixed[:, column] = rows[0, column]
            after = score(frame_of(mixed)).mean()
            means[column] += (after - before) / math.factorial(4)
            before = after
    assert [p.value for p in found.parts] == pytest.approx(means)


@pytest.mark.parametrize("n", [5, EXACT_COLUMNS + 6], ids=["exact", "sampled"])
def test_a_linear_model_is_explained_by_its_weights(n: int) -> None:
    rng = np.random.default_rng(2)
    rows, weights = rng.normal(size=(40, n)), rng.normal(size=n)
    found = shapley(lambda f: matrix(f) @ weights, frame_of(rows[:1]), frame_of(rows[1:]), rng)
    assert [p.value for p in found.parts] == pytest.approx(weights * (rows[0] - rows[1:].mean(axis=0)))


@pytest.mark.parametrize("n", [6, 11], ids=["exact", "sampled"])
def test_the_parts_sum_to_the_score_and_a_column_without_effect_has_none(n: int) -> None:
    found = found_for(n)
    assert found.base + sum(p.value for p in found.parts) == pytest.approx(found.score)
    idle = shapley(lambda f: 1.0 * f["x1"], frame_of(np.eye(n)[:1]), frame_of(np.eye(n)), np.random.default_rng(0))
    assert all(p.value == pytest.approx(0.0, abs=1e-15) for p in idle.parts if p.column != "x1")


def test_the_same_seed_gives_the_same_values_and_more_draws_narrower_intervals() -> None:
    assert found_for(11, 5) == found_for(11, 5)
    widths = [sum(p.interval.high - p.interval.low for p in found_for(11, 5, draws).parts) for draws in (4, 64)]
    assert widths[1] < widths[0] / 2


def test_text_missing_values_and_mixed_types_are_lent_whole() -> None:
    text = np.array(["a", None, "b"], dtype=object)
    rows = Frame({"t": text, "n": np.array([1, 2, 3])})
    row = Frame({"t": np.array(["c"], dtype=object), "n": np.array([2.5])})
    seen: set[object] = set()

    def score(frame: Frame) -> Floats:
        seen.update(zip(frame["t"], frame["n"], strict=True))
        return np.array([0.5 if t == "c" else 0.0 for t in frame["t"]]) + frame["n"] / 10

    found = shapley(score, row, rows, np.random.default_rng(0))
    assert [p.value for p in found.parts] == pytest.approx([0.5, 0.05])
    assert seen == {
        (t, n) for t, m in zip(text, (1, 2, 3), strict=True) for t, n in ((t, m), ("c", m), (t, 2.5))
    } | {("c", 2.5)}


@pytest.mark.parametrize(
    ("rows", "background", "draws"),
    [(2, 3, 4), (1, 0, 4), (1, 3, 1)],
    ids=["two rows", "no background", "one draw"],
)
def test_what_cannot_be_explained_is_refused(rows: int, background: int, draws: int) -> None:
    with pytest.raises(DataError, match="to explain"):
        shapley(
            lambda f: f["x0"],
            frame_of(np.ones((rows, 2))),
            frame_of(np.ones((background, 2))),
            np.random.default_rng(0),
            draws=draws,
        )


def test_a_model_that_answers_no_number_is_not_explained() -> None:
    with pytest.raises(BadOutputError):
        shapley(
            lambda f: np.full(f.n_rows, np.nan),
            frame_of(np.ones((1, 2))),
            frame_of(np.ones((3, 2))),
            np.random.default_rng(0),
        )
