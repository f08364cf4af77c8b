"""Versions: admitted bytes that answered once on their own training rows; everything else is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import offer_training
import pytest
from simulated_offers import INPUTS, artifact, simulate
from sklearn.linear_model import LogisticRegression
from small_world import V1, World, at

from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.domain.errors import (
    ArtifactError,
    BadOutputError,
    DataError,
    ModelError,
    ModelRaisedError,
    NotAllowedError,
    NotFoundError,
    RoadworthyError,
    SettingError,
)
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, DType, ModelVersion


@pytest.fixture
def world() -> World:
    return at("prepared")


def training_columns() -> tuple[dict[str, Any], Any]:
    frame, y = simulate(900, 1)
    return {n: frame[n] for n in INPUTS}, y


def three_classes() -> bytes:
    """A pickled model that answers with three columns."""
    x = np.arange(60.0).reshape(30, 2)
    return pickle.dumps(LogisticRegression().fit(x, np.arange(30) % 3))


def spoiled(spoil: Callable[[Any], None]) -> bytes:
    """A fitted regression, spoiled after the fit."""
    frame, y = simulate(900, 1)
    model = LogisticRegression().fit(np.column_stack([frame.floats("age"), frame.floats("visits")]), y)
    spoil(model)
    return save_skops(model)


def nan_weights(model: Any) -> None:
    model.coef_[:] = np.nan


def three_columns(model: Any) -> None:
    model.coef_ = np.array([[0.1, 0.2, 0.3]])


def test_a_version_is_registered_with_the_signature_of_its_training_data(world: World) -> None:
    made = world.register()
    kinds = {c.name: c.dtype for c in made.signature.inputs}
    assert kinds == {"age": DType.INT64, "balance": DType.FP64, "visits": DType.INT64, "channel": DType.BYTES}
    assert made.signature.inputs[1].missing_allowed
    assert made.signature.inputs[3].categories == ("branch", "phone", "web")
    assert (made.id, made.state, made.developers) == (V1, State.REGISTERED, ("dan",))
    assert world.house.artifacts.get(made.artifact) == artifact()
    assert world.changes()[-1].facts["handed-in-as"] == "as admitted"


def test_versions_of_one_name_are_numbered(world: World) -> None:
    assert [world.register().id for _ in range(3)] == ["offers:1", "offers:2", "offers:3"]


def test_without_inputs_every_column_known_at_the_decision_is_taken() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case(not_known_at_decision=("visits",), time_column="age")
    world.data("train")
    inputs = ("balance", "channel", "gender")
    assert world.register(artifact(inputs=inputs), inputs=()).original_variables == inputs


def test_a_pickle_is_converted_and_its_scores_stay(world: World) -> None:
    columns, y = training_columns()
    model = offer_training.logistic(columns, y, 0)
    made = world.register(pickle.dumps(model))
    predictor = world.house.workshop.load(world.house.artifacts.get(made.artifact), made.format, made.signature)
    expected = model.predict_proba(offer_training.matrix(columns))[:, 1]
    assert made.format is ArtifactFormat.SKOPS
    np.testing.assert_allclose(predictor.predict(columns), expected, atol=1e-12)
    assert world.changes()[-1].facts["handed-in-as"] == "pickle, converted"


class Evil:
    """What a pickle can do when somebody unpickles it."""

    def __reduce__(self) -> Any:
        return (print, ("pwned",))


REFUSED: dict[str, tuple[Callable[[], bytes], type[RoadworthyError]]] = {
    "text": (lambda: b"this is no model", ArtifactError),
    "nothing": (lambda: b"", ArtifactError),
    "half a file": (lambda: artifact()[:500], ArtifactError),
    "a pickle that runs code": (lambda: pickle.dumps(Evil()), ArtifactError),
    "an answer of another shape": (three_classes, ArtifactError),
    "other columns": (lambda: artifact(inputs=("age", "visits")), ArtifactError),
}


@pytest.mark.parametrize(("made", "error"), REFUSED.values(), ids=REFUSED)
def test_bytes_that_are_no_admitted_model_are_refused_and_leave_nothing(
    world: World, made: Callable[[], bytes], error: type[RoadworthyError], capfd: pytest.CaptureFixture[str]
) -> None:
    before = world.changes()
    with pytest.raises(error) as refused:
        world.register(made())
    assert "pwned" not in capfd.readouterr().out
    assert refused.value.remedy
    assert (world.all(ModelVersion), world.changes()) == ([], before)


MISBEHAVING: dict[str, tuple[Callable[[], bytes], type[ModelError], str]] = {
    "answers NaN": (partial(spoiled, nan_weights), BadOutputError, "NaN"),
    "raises": (partial(spoiled, three_columns), ModelRaisedError, "the model raised ValueError: matmul"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("made", "error", "says"), list(MISBEHAVING.values()), ids=list(MISBEHAVING))
def test_a_model_that_misbehaves_on_its_own_training_rows_is_refused(
    world: World, made: Callable[[], bytes], error: type[ModelError], says: str
) -> None:
    before = world.changes()
    with pytest.raises(error, match=says):
        world.register(made(), inputs=("age", "visits"))
    assert (world.all(ModelVersion), world.changes()) == ([], before)


BAD: dict[str, tuple[dict[str, Any], type[RoadworthyError], str]] = {
    "unknown input": ({"inputs": ("age", "balanse")}, DataError, "lacks the column balanse"),
    "the target as input": ({"inputs": ("age", "nothing")}, DataError, "nothing"),
    "threshold above 1": ({"threshold": 1.5}, SettingError, "Allowed: 0 to 1"),
    "threshold is no number": ({"threshold": float("nan")}, SettingError, "threshold is nan"),
    "unknown data": ({"train_dataset": "nothing"}, NotFoundError, "no dataset 'nothing'"),
    "unknown use case": ({"use_case": "nothing"}, NotFoundError, "no use case 'nothing'"),
    "unknown parent": ({"parents": ("offers:9",)}, NotFoundError, "offers:9"),
    "name": ({"name": "My Model"}, SettingError, "cannot name a model"),
}


@pytest.mark.parametrize(("given", "error", "says"), BAD.values(), ids=BAD)
def test_a_version_described_wrongly_is_refused_naming_the_field(
    world: World, given: dict[str, Any], error: type[RoadworthyError], says: str
) -> None:
    before = world.changes()
    with pytest.raises(error, match=says):
        world.register(**given)
    assert (world.all(ModelVersion), world.changes()) == ([], before)


def test_a_version_is_not_trained_on_sealed_data(world: World) -> None:
    with pytest.raises(SettingError, match=r"is sealed test data of 'offers'\. Name a train"):
        world.register(train_dataset=world.dataset("sealed").id)


def test_training_data_of_another_use_case_is_refused(world: World) -> None:
    world.use_case(id="other")
    with pytest.raises(SettingError, match="belongs to 'offers'"):
        world.register(use_case="other")


@pytest.mark.parametrize("who", ["olga", "vera", "rita", "omar", "ada"])
def test_only_data_scientists_register_versions(world: World, who: str) -> None:
    with pytest.raises(NotAllowedError, match="may not register-version"):
        world.register(by=who)
