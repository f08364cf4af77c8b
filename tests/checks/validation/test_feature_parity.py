from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.feature_parity import FeatureParity, FeatureParityParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return FeatureParity().evaluate(material, FeatureParityParams(**params))


def trained_on(world: Any, name: str, values: Any) -> Labelled:
    return replace(world.train, frame=world.train.frame.with_column(name, values))


def declared(world: Any, spec: ColumnSpec) -> Any:
    inputs = tuple(spec if s.name == spec.name else s for s in world.version.signature.inputs)
    return replace(world.version, signature=Signature(inputs))


def test_inputs_that_agree_with_training_pass(make_material: Make) -> None:
    assert judge(make_material()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param(ColumnSpec("tenure", DType.INT64), "not-INT64:tenure", id="fractions declared whole"),
        pytest.param(ColumnSpec("channel", DType.FP64), "not-FP64:channel", id="text declared number"),
        pytest.param(ColumnSpec("visits", DType.BYTES), "not-BYTES:visits", id="number declared text"),
        pytest.param(ColumnSpec("visits", DType.BOOL), "not-BOOL:visits", id="number declared boolean"),
        pytest.param(ColumnSpec("balance", DType.FP64), "missing-not-allowed:balance", id="missing not declared"),
        pytest.param(
            ColumnSpec("age", DType.INT64, low=18, high=78), "outside-declared:age", id="range too narrow"
        ),
        pytest.param(
            ColumnSpec("channel", DType.BYTES, categories=("web", "phone")),
            "outside-declared:channel",
            id="category not declared",
        ),
    ],
)
def test_a_declaration_that_training_contradicts_fails(
    make_material: Make, world: Any, spec: ColumnSpec, code: str
) -> None:
    found = judge(make_material(version=declared(world, spec)))
    assert (found.verdict, found.reasons, found.defect) == (Verdict.FAIL, (code,), DefectKind.CONTRACT_MISMATCH)


def test_the_range_is_inclusive(make_material: Make, world: Any) -> None:
    assert world.train.frame["age"].max() == 79
    found = judge(make_material(version=declared(world, ColumnSpec("age", DType.INT64, low=18, high=79))))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("values", "dtype", "fits"),
    [
        pytest.param(np.r_[np.nan, np.ones(2999)], DType.INT64, True, id="whole numbers with a gap"),
        pytest.param(np.r_[np.nan, np.full(2999, 0.5)], DType.INT64, False, id="fractions with a gap"),
        pytest.param(np.r_[np.nan, np.ones(2999)], DType.BOOL, True, id="booleans with a gap"),
        pytest.param(np.ones(3000, dtype=np.bool_), DType.BOOL, True, id="booleans"),
        pytest.param(np.arange(3000), DType.FP64, True, id="whole numbers as numbers"),
    ],
)
def test_types_fit_when_every_value_does(
    make_material: Make, world: Any, values: Any, dtype: DType, fits: bool
) -> None:
    spec = ColumnSpec("visits", dtype, missing_allowed=True)
    found = judge(make_material(version=declared(world, spec), train=trained_on(world, "visits", values)))
    assert found.verdict is (Verdict.PASS if fits else Verdict.FAIL)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        pytest.param({"not_known_at_decision": ("visits",)}, "not-known-at-decision:visits", id="from the future"),
        pytest.param({"time_column": "tenure"}, "is-the-time-column:tenure", id="the time column"),
        pytest.param({"target": "visits"}, "is-the-target:visits", id="the target"),
    ],
)
def test_an_input_that_is_not_point_in_time_correct_is_leakage(
    make_material: Make, world: Any, case: dict[str, Any], code: str
) -> None:
    found = judge(make_material(use_case=replace(world.use_case, **case)))
    assert (found.verdict, found.reasons, found.defect) == (Verdict.FAIL, (code,), DefectKind.LEAKAGE)


def test_an_original_variable_from_the_future_hides_behind_no_renamed_feature(
    make_material: Make, world: Any
) -> None:
    version = replace(world.version, original_variables=("age", "call_length"))
    case = replace(world.use_case, not_known_at_decision=("call_length",))
    assert judge(make_material(version=version, use_case=case)).verdict is Verdict.FAIL


def test_undocumented_variables_fail_and_an_unrecorded_revision_warns(make_material: Make, world: Any) -> None:
    bare = judge(make_material(version=replace(world.version, original_variables=())))
    assert (bare.verdict, bare.reasons) == (Verdict.FAIL, ("no-original-variables",))
    undated = judge(make_material(version=replace(world.version, code_revision="")))
    assert (undated.verdict, undated.reasons) == (Verdict.WARN, ("no-code-revision",))


def test_other_training_data_than_the_versions_are_a_question_of_provenance(
    make_material: Make, world: Any
) -> None:
    found = judge(make_material(version=replace(world.version, train_dataset="data-other")))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.PROVENANCE)


def test_an_input_must_be_in_both_sets(make_material: Make, world: Any) -> None:
    sealed = replace(world.sealed, frame=world.sealed.frame.drop(["age"]))
    assert judge(make_material(sealed=sealed)).reasons == ("absent-from-sealed:age",)
    train = replace(world.train, frame=world.train.frame.drop(["age"]))
    assert judge(make_material(train=train)).reasons == ("absent:age",)


def test_a_share_outside_the_range_may_be_allowed(make_material: Make, world: Any) -> None:
    values = world.train.frame["age"].copy()
    values[:30] = 99
    material = make_material(train=trained_on(world, "age", values))
    assert judge(material, max_outside=0.01).verdict is Verdict.PASS
    assert judge(material, max_outside=0.0099).verdict is Verdict.FAIL


def test_few_rows_are_inconclusive(make_material: Make, world: Any) -> None:
    few = replace(world.train, frame=world.train.frame.take(np.arange(5)), y=world.train.y[:5])
    found = judge(make_material(train=few))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("too-few-rows",))
