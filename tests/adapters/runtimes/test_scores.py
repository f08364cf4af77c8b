"""Scores are one finite number in 0..1 per row, or the answer is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.adapters.runtimes.scores import answer_of, checked, positive_class
from roadworthy.domain.errors import BadOutputError, ModelRaisedError

BAD = {
    "NaN": (np.array([0.5, np.nan]), "first in row 1"),
    "infinite": (np.array([np.inf, 0.5]), "first in row 0"),
    "above one": (np.array([0.5, 1.01]), "outside 0..1"),
    "below zero": (np.array([-0.01, 0.5]), "outside 0..1"),
    "too many": (np.array([0.5, 0.5, 0.5]), "shape"),
    "a matrix": (np.ones((2, 1)), "shape"),
    "text": (np.array(["a", "b"]), "not numbers"),
    "nothing": (None, "shape"),
    "objects": (np.array([object(), 1], dtype=object), "not numbers"),
}


@pytest.mark.parametrize(("answer", "why"), BAD.values(), ids=BAD.keys())
def test_any_other_answer_is_refused_with_the_reason(answer: Any, why: str) -> None:
    with pytest.raises(BadOutputError, match=why):
        checked(answer, 2)


def test_rounding_of_single_precision_is_clipped() -> None:
    answer = np.array([1.0 + 5e-7, -5e-7, 0.25], dtype=np.float64)
    assert checked(answer, 3).tolist() == [1.0, 0.0, 0.25]


@pytest.mark.parametrize("answer", [np.ones((2, 3)) / 3, np.ones(2) / 2, [np.ones((2, 2)) / 2]], ids=str)
def test_probabilities_of_other_than_two_classes_are_refused(answer: Any) -> None:
    with pytest.raises(BadOutputError, match=r"where \(2, 2\) is expected"):
        positive_class(answer, 2)


def test_the_message_of_a_raising_model_is_one_bounded_line() -> None:
    def call() -> None:
        raise ValueError("line one\n" + "x" * 5000)

    with pytest.raises(ModelRaisedError, match="ValueError: line one xxx") as caught:
        answer_of(call)
    assert len(caught.value.what) < 340
