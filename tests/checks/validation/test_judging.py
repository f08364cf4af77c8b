from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.checks.validation.judging import (
    all_of,
    apart,
    at_least,
    at_most,
    checked,
    groups,
    scores_of,
    shared_level,
    too_few,
    within,
)
from roadworthy.domain.errors import BadOutputError, DataError
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Frame

NAN = float("nan")


@pytest.mark.parametrize(
    ("low", "high", "least", "most"),
    [
        pytest.param(1.0, 2.0, Verdict.PASS, Verdict.INCONCLUSIVE, id="starts on the bound"),
        pytest.param(0.0, 1.0, Verdict.INCONCLUSIVE, Verdict.PASS, id="ends on the bound"),
        pytest.param(0.0, 0.9, Verdict.FAIL, Verdict.PASS, id="below"),
        pytest.param(1.1, 2.0, Verdict.PASS, Verdict.FAIL, id="above"),
        pytest.param(NAN, NAN, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, id="no number"),
    ],
)
def test_a_bound_is_judged_three_ways(low: float, high: float, least: Verdict, most: Verdict) -> None:
    interval = Interval(low, high)
    assert (at_least(interval, 1.0), at_most(interval, 1.0)) == (least, most)


def test_an_interval_wholly_outside_a_band_fails_and_one_across_its_edge_is_open() -> None:
    assert within(Interval(1.5, 2.0), 0.8, 1.25) is Verdict.FAIL
    assert within(Interval(1.2, 1.3), 0.8, 1.25) is Verdict.INCONCLUSIVE
    assert within(Interval(0.9, 1.1), 0.8, 1.25) is Verdict.PASS


def test_one_refuted_part_refutes_the_whole_even_beside_an_unknown() -> None:
    assert all_of((Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)) is Verdict.FAIL
    assert all_of((Verdict.PASS, Verdict.INCONCLUSIVE)) is Verdict.INCONCLUSIVE
    assert all_of(()) is Verdict.INCONCLUSIVE


def test_the_difference_of_two_symmetric_estimates_has_the_textbook_interval() -> None:
    first, second = (0.8, Interval(0.77, 0.83)), (0.7, Interval(0.66, 0.74))
    found = apart(0.1, first, second)
    assert (found.low, found.high) == pytest.approx((0.05, 0.15))


def test_a_level_is_shared_over_comparisons() -> None:
    assert shared_level(0.95, 5) == pytest.approx(0.99)
    assert shared_level(0.95, 0) == pytest.approx(0.95)


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param([0.1, NAN], id="not a number"),
        pytest.param([0.1, 1.1], id="above one"),
        pytest.param([-0.1, 0.2], id="below zero"),
        pytest.param([0.1, float("inf")], id="infinite"),
        pytest.param([0.1], id="one score for two rows"),
        pytest.param([[0.9, 0.1], [0.8, 0.2]], id="two columns"),
    ],
)
def test_scores_that_are_none_are_refused(scores: list[Any]) -> None:
    with pytest.raises(BadOutputError):
        checked(np.array(scores), 2)


def test_the_model_gets_its_declared_inputs_in_order_and_nothing_else(world: Any) -> None:
    seen: list[tuple[str, ...]] = []

    def score(frame: Frame) -> Any:
        seen.append(frame.names)
        return np.zeros(frame.n_rows)

    scores_of(score, world.sealed.frame, world.version)
    assert seen == [world.version.signature.names]
    with pytest.raises(DataError, match="age"):
        scores_of(score, world.sealed.frame.drop(["age"]), world.version)


@pytest.mark.parametrize(
    ("y", "reasons"),
    [
        pytest.param([0.0, 1.0, 0.0, 1.0], (), id="enough"),
        pytest.param([0.0, 1.0], ("too-few-rows",), id="two rows"),
        pytest.param([1.0] * 4, ("one-class",), id="one class"),
        pytest.param([1.0, 0.0, 0.0, 0.0], ("too-few-events",), id="one event"),
        pytest.param([NAN] * 4, ("one-class",), id="no labels"),
    ],
)
def test_labels_that_carry_no_conclusion_say_why(y: list[float], reasons: tuple[str, ...]) -> None:
    assert too_few(np.array(y), 4, 2) == reasons


def test_groups_cover_every_row_once_with_missing_values_as_a_group_of_their_own() -> None:
    text = np.array(["a", None, "b", "a"], dtype=object)
    frame = Frame(
        {"text": text, "flag": np.array([True, False, True, True]), "n": np.array([1.0, 2.0, np.nan, 1.0])}
    )
    assert {n: int(m.sum()) for n, m in groups(frame, "text").items()} == {"a": 2, "(missing)": 1, "b": 1}
    assert list(groups(frame, "flag")) == ["True", "False"]
    assert set(groups(frame, "n")) == {"1", "2", "(missing)"}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.arange(40.0), id="numbers"),
        pytest.param(np.datetime64("2026-01-01", "us") + np.arange(40) * np.timedelta64(1, "D"), id="times"),
    ],
)
def test_many_numbers_and_times_are_cut_into_quarters(values: Any) -> None:
    found = groups(Frame({"x": values}), "x")
    assert {n: int(m.sum()) for n, m in found.items()} == {f"quarter {i}": 10 for i in (1, 2, 3, 4)}
