"""What is declared of requests at registration: judged against the inferred signature and the training rows."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_offers import simulate
from small_world import V1, at

from roadworthy.domain.errors import DataError, InputError, ModelRaisedError, SettingError
from roadworthy.domain.model import ArtifactFormat, ColumnLimit
from roadworthy.evidence.statements import signature_digest, signature_json
from roadworthy.services.catalog.signatures import Declared, Limits, infer, limited
from roadworthy.statistics.frame import Frame

FRAME = Frame(
    {
        "age": np.array([20, 50, 90]),
        "income": np.array([1.5, np.nan, 9.0]),
        "job": np.array(["clerk", "nurse", "clerk"], dtype=object),
        "owner": np.array([True, False, True]),
    }
)
SHOWN = infer(FRAME, FRAME.names)


def test_training_data_is_a_proposal_that_can_be_declared_as_it_is_or_column_by_column() -> None:
    found = limited(SHOWN, Limits({"age": Declared(18, 120)}, from_training=True), FRAME)
    assert found.limits == (
        ColumnLimit("age", 18, 120),
        ColumnLimit("income", 1.5, 9.0),
        ColumnLimit("job", categories=("clerk", "nurse")),
    )
    assert found.inputs == SHOWN.inputs


def test_nothing_declared_leaves_the_signature_and_its_digest_as_they_were() -> None:
    assert limited(SHOWN, Limits(), FRAME) == SHOWN
    assert set(signature_json(SHOWN)) == {"inputs", "output"}
    declared = limited(SHOWN, Limits(ignore_unknown=True), FRAME)
    assert signature_digest(declared) != signature_digest(SHOWN)


def test_what_may_be_missing_is_declared_both_ways() -> None:
    said = {"age": Declared(missing=True, optional=True), "income": Declared(missing=True)}
    found = limited(SHOWN, Limits(said), FRAME)
    assert [c.missing_allowed for c in found.inputs] == [True, True, False, False]
    assert found.limits == (ColumnLimit("age", optional=True),)


WRONG: dict[str, tuple[dict[str, Declared], str]] = {
    "a column that is no input": ({"agee": Declared(1)}, "limits are declared for agee"),
    "a range of text": ({"job": Declared(1)}, "'job' .BYTES. declares a range, but"),
    "a range of truth": ({"owner": Declared(0, 1)}, "'owner' .BOOL. declares a range, but"),
    "categories of numbers": ({"age": Declared(categories=("20",))}, "declares categories, but"),
    "upside down": ({"age": Declared(99, 18)}, "a range from 99 to 18"),
    "no number": ({"age": Declared(float("nan"))}, "a bound that is no number"),
    "left out but not missing": (
        {"age": Declared(optional=True)},
        "may be left out, but not that it may be missing",
    ),
}


@pytest.mark.parametrize(("said", "why"), WRONG.values(), ids=WRONG.keys())
def test_a_limit_that_cannot_be_meant_is_refused(said: dict[str, Declared], why: str) -> None:
    with pytest.raises(SettingError, match=why):
        limited(SHOWN, Limits(said), FRAME)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"age": Declared(high=60)}, "1 of 3 training rows .* 'age', the first is row 2: '90'"),
        ({"age": Declared(25)}, "'age', the first is row 0: '20'"),
        ({"job": Declared(categories=("clerk",))}, "'job', the first is row 1: 'nurse'"),
    ],
    ids=["above", "below", "a category"],
)
def test_training_rows_outside_a_limit_are_named(said: dict[str, Declared], why: str) -> None:
    with pytest.raises(DataError, match=why):
        limited(SHOWN, Limits(said), FRAME)


def test_a_version_that_declares_limits_goes_the_whole_way_and_its_endpoint_keeps_to_them() -> None:
    world = at("prepared")
    version = world.register(limits=Limits({"age": Declared(18, 95)}, ignore_unknown=True))
    assert version.signature.limits == (ColumnLimit("age", 18, 95),)
    world.activate_fully(V1)
    world.deploy(V1)
    gateway = world.gateway()
    frame, _ = simulate(2, 3)
    assert world.ask(gateway, frame, ["a", "b"])
    with pytest.raises(InputError, match="column 'age', row 0: 17"):
        world.ask(gateway, frame.with_column("age", np.array([17, 30])), ["c", "d"])
    gateway.close()


def test_a_model_that_cannot_take_what_was_declared_missing_is_refused_when_it_is_registered() -> None:
    world = at("prepared")
    rules = b"roadworthy: rules/1\nrules: [{name: keen, when: visits > 5, score: 0.7}]\notherwise: 0.2\n"
    assert world.register(rules).format is ArtifactFormat.RULES
    with pytest.raises(ModelRaisedError, match="rule 'keen'"):
        world.register(rules, limits=Limits({"visits": Declared(missing=True)}))
