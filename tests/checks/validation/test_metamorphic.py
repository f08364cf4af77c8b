from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.checks.material import Material
from roadworthy.checks.validation.metamorphic import Metamorphic, MetamorphicParams
from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Metamorphic().evaluate(material, MetamorphicParams(**params))


def test_a_sound_model_keeps_every_relation_and_each_is_named(make_material: Make) -> None:
    found = judge(make_material())
    assert (found.verdict, found.statistic) == (Verdict.PASS, 0.0)
    assert {"deterministic", "row-order", "column-order", "alone", "input-untouched"} <= set(found.details["tried"])
    assert {"edge:age=low", "edge:channel=web", "edge:balance=missing", "edge:all-high"} <= set(
        found.details["tried"]
    )


class Restless:
    """Answers a little higher at every call."""

    def __init__(self, score: Callable[[Frame], Floats], step: float) -> None:
        self.score, self.step, self.calls = score, step, 0

    def __call__(self, frame: Frame) -> Floats:
        self.calls += 1
        return self.score(frame) * (1 - self.step * self.calls)


@pytest.mark.parametrize(
    ("step", "verdict"),
    [pytest.param(1e-9, Verdict.PASS, id="in the noise"), pytest.param(1e-3, Verdict.FAIL, id="restless")],
)
def test_an_answer_must_be_the_same_every_time_up_to_the_tolerance(
    make_material: Make, world: Any, step: float, verdict: Verdict
) -> None:
    found = judge(make_material(score=Restless(world.score, step)))
    assert found.verdict is verdict
    assert ("deterministic" in found.reasons) is (verdict is Verdict.FAIL)


def test_a_model_that_normalises_over_the_batch_is_caught(make_material: Make, world: Any) -> None:
    def score(frame: Frame) -> Floats:
        raw = world.score(frame)
        return raw / raw.max()

    found = judge(make_material(score=score))
    assert (found.verdict, found.reasons, found.defect) == (Verdict.FAIL, ("alone",), DefectKind.BEHAVIOUR)


def test_a_model_that_reads_rows_by_position_is_caught(make_material: Make) -> None:
    found = judge(make_material(score=lambda f: np.linspace(0, 1, f.n_rows)))
    assert "row-order" in found.reasons


def test_a_model_that_reads_columns_by_position_is_caught(make_material: Make) -> None:
    found = judge(make_material(score=lambda f: np.clip(f.floats(f.names[0]) / 100, 0, 1)))
    assert "column-order" in found.reasons


def test_a_model_that_writes_into_its_input_is_caught(make_material: Make, world: Any) -> None:
    def score(frame: Frame) -> Floats:
        answer = world.score(frame)
        frame["tenure"][:] += 1.0
        return answer

    assert "input-untouched" in judge(make_material(score=score)).reasons


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        pytest.param(
            lambda f: np.exp(-f.floats("balance")), "edge:balance=missing", id="NaN where missing is allowed"
        ),
        pytest.param(
            lambda f: f.floats("age") / 79.0 * 1.0001, "edge:age=high", id="over one at the top of the range"
        ),
        pytest.param(lambda f: np.full(f.n_rows, 1 / (f.floats("age").min() - 18)), "edge:age=low", id="infinite"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_admitted_edge_must_be_answered(make_material: Make, score: Any, reason: str) -> None:
    found = judge(make_material(score=score))
    assert found.verdict is Verdict.FAIL
    assert reason in found.reasons


def test_a_model_that_raises_at_an_edge_fails_and_says_what_was_raised(make_material: Make, world: Any) -> None:
    def score(frame: Frame) -> Floats:
        if frame.n_rows > 1 and np.isnan(frame.floats("balance")).all():
            raise ValueError("no balance")
        return world.score(frame)

    found = judge(make_material(score=score))
    assert found.details["broken"] == {"edge:balance=missing": "raised ValueError: no balance"}


@pytest.mark.parametrize(
    ("categories", "asked"),
    [
        pytest.param(("branch", "phone", "web"), False, id="declared"),
        pytest.param((), True, id="any text promised"),
    ],
)
def test_an_unseen_category_is_only_asked_of_a_signature_that_promises_any_text(
    make_material: Make, world: Any, categories: tuple[str, ...], asked: bool
) -> None:
    inputs = (*world.version.signature.inputs[:-1], ColumnSpec("channel", DType.BYTES, categories=categories))

    def strict(frame: Frame) -> Floats:
        assert set(frame["channel"].tolist()) <= {"branch", "phone", "web"}
        return world.score(frame)

    found = judge(make_material(version=replace(world.version, signature=Signature(inputs)), score=strict))
    assert found.verdict is (Verdict.FAIL if asked else Verdict.PASS)
    assert ("edge:channel=unseen" in found.details["tried"]) is asked


@pytest.mark.parametrize(
    ("params", "verdict"),
    [
        pytest.param({"increasing": ("age",), "decreasing": ("tenure",)}, Verdict.PASS, id="as it is"),
        pytest.param({"decreasing": ("age",)}, Verdict.FAIL, id="the wrong way"),
    ],
)
def test_a_declared_direction_is_tested(make_material: Make, params: dict[str, Any], verdict: Verdict) -> None:
    assert judge(make_material(), **params).verdict is verdict


def test_a_direction_of_a_column_that_is_no_numeric_input_is_refused_by_name(make_material: Make) -> None:
    with pytest.raises(PlaybookError, match="'channel' in 'increasing'"):
        judge(make_material(), increasing=("channel",))


@pytest.mark.parametrize("rows", [0, 1, 15])
def test_few_rows_are_inconclusive(make_material: Make, world: Any, rows: int) -> None:
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(rows)), y=world.sealed.y[:rows])
    found = judge(make_material(sealed=few))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("too-few-rows",))
