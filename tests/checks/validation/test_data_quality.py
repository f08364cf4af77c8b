from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.data_quality import DataQuality, DataQualityParams, shared_rows
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DatasetRole, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Frame, concat

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return DataQuality().evaluate(material, DataQualityParams(**params))


def column(data: Labelled, name: str, values: Any) -> Labelled:
    return replace(data, frame=data.frame.with_column(name, values))


def with_copies(world: Any, copies: int) -> Labelled:
    """The sealed set with its first rows replaced by training rows."""
    frame = concat([world.train.frame.take(np.arange(copies)), world.sealed.frame.take(np.arange(copies, 4000))])
    return replace(world.sealed, frame=frame, y=np.concatenate([world.train.y[:copies], world.sealed.y[copies:]]))


def test_clean_data_pass(make_material: Make) -> None:
    found = judge(make_material())
    assert (found.verdict, found.statistic, found.reasons) == (Verdict.PASS, 0.0, ())


@pytest.mark.parametrize(
    ("copies", "verdict"),
    [pytest.param(40, Verdict.PASS, id="1 % of 4000: just allowed"), pytest.param(41, Verdict.FAIL, id="one more")],
)
def test_training_rows_in_the_sealed_set_are_counted(
    make_material: Make, world: Any, copies: int, verdict: Verdict
) -> None:
    found = judge(make_material(sealed=with_copies(world, copies)))
    assert found.verdict is verdict
    assert found.statistic == pytest.approx(copies / 4000)
    assert found.defect is (DefectKind.LEAKAGE if verdict is Verdict.FAIL else None)


def test_a_copy_is_found_through_other_types_missing_values_and_column_order() -> None:
    train = Frame({"n": np.array([1.0, np.nan]), "t": np.array(["a", None], dtype=object)})
    sealed = Frame({"t": np.array([None, "a", "b"], dtype=object), "n": np.array([np.nan, 1.0, 1.0])})
    y, same = np.array([1.0, 0.0]), np.array([0.0, 1.0, 1.0])
    assert shared_rows(train, y, sealed, same) == 2
    whole = Frame({"t": np.array(["a"], dtype=object), "n": np.array([1])})
    assert shared_rows(train, y, whole, np.array([1.0])) == 1
    assert shared_rows(train, y, whole, np.array([0.0])) == 0
    assert shared_rows(train, y, Frame({"other": np.array([1])}), np.array([1.0])) is None


@pytest.mark.parametrize(
    ("change", "code", "defect"),
    [
        pytest.param({"synthetic": True}, "synthetic:sealed", DefectKind.PROVENANCE, id="synthetic"),
        pytest.param({"role": DatasetRole.VALIDATION}, "not-sealed:sealed", DefectKind.PROVENANCE, id="not sealed"),
        pytest.param({"source": "  "}, "no-source:sealed", DefectKind.PROVENANCE, id="no source"),
        pytest.param({"digest": ""}, "no-digest:sealed", DefectKind.PROVENANCE, id="no digest"),
    ],
)
def test_a_sealed_set_of_doubtful_origin_proves_nothing(
    make_material: Make, world: Any, change: dict[str, Any], code: str, defect: DefectKind
) -> None:
    sealed = replace(world.sealed, dataset=replace(world.sealed.dataset, **change))
    found = judge(make_material(sealed=sealed))
    assert (found.verdict, found.reasons, found.defect) == (Verdict.FAIL, (code,), defect)


def test_synthetic_training_rows_are_no_fault_of_the_sealed_proof(make_material: Make, world: Any) -> None:
    train = replace(world.train, dataset=replace(world.train.dataset, synthetic=True))
    assert judge(make_material(train=train)).verdict is Verdict.PASS


def test_testing_on_the_training_set_itself_fails(make_material: Make, world: Any) -> None:
    sealed = replace(world.train, dataset=replace(world.train.dataset, role=DatasetRole.SEALED))
    found = judge(make_material(sealed=sealed))
    assert found.reasons == ("same-data", "train-rows-in-sealed")
    assert found.defect is DefectKind.LEAKAGE


@pytest.mark.parametrize(
    ("first", "code"),
    [pytest.param(np.nan, "label-missing", id="missing"), pytest.param(2.0, "label-not-0-or-1", id="two")],
)
def test_labels_that_are_none_fail(make_material: Make, world: Any, first: float, code: str) -> None:
    y = world.sealed.y.copy()
    y[0] = first
    found = judge(make_material(sealed=replace(world.sealed, y=y)))
    assert (found.verdict, found.reasons) == (Verdict.FAIL, (f"{code}:sealed",))


def test_a_training_set_of_one_class_fails(make_material: Make, world: Any) -> None:
    found = judge(make_material(train=replace(world.train, y=np.zeros(3000))))
    assert found.reasons == ("one-class:train",)


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        pytest.param(900, Verdict.PASS, id="30 % of 3000: just allowed"),
        pytest.param(901, Verdict.FAIL, id="one more"),
    ],
)
def test_too_many_missing_values_of_an_input_fail(
    make_material: Make, world: Any, gaps: int, verdict: Verdict
) -> None:
    values = world.train.frame["tenure"].copy()
    values[:gaps] = np.nan
    found = judge(make_material(train=column(world.train, "tenure", values)))
    assert found.verdict is verdict
    assert found.reasons == (("too-much-missing:train.tenure",) if verdict is Verdict.FAIL else ())


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        pytest.param(np.full(3000, 3), True, id="one value"),
        pytest.param(np.r_[np.full(2999, 3), 4], False, id="one exception"),
    ],
)
def test_an_input_with_one_value_fails(make_material: Make, world: Any, values: Any, constant: bool) -> None:
    found = judge(make_material(train=column(world.train, "visits", values)))
    assert found.reasons == (("constant:visits",) if constant else ())


def test_the_dead_sensors_of_the_real_electricity_data_are_found(
    make_material: Make, world: Any, data_dir: Path
) -> None:
    frame = Frame.from_arrow(pq.read_table(data_dir / "elec2.parquet"))
    names = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
    y, dead = frame.floats("class"), np.arange(17_424)
    awake = np.arange(17_424, len(y))
    version = replace(world.version, signature=Signature(tuple(ColumnSpec(n, DType.FP64) for n in names)))
    train = Labelled(frame.drop(["class"]).take(dead), y[dead], world.train.dataset)
    sealed = Labelled(frame.drop(["class"]).take(awake), y[awake], world.sealed.dataset)
    found = judge(make_material(train=train, sealed=sealed, version=version))
    assert found.reasons == ("constant:vicprice", "constant:vicdemand", "constant:transfer")
    later = judge(
        make_material(
            train=replace(sealed, dataset=train.dataset),
            sealed=replace(train, dataset=sealed.dataset),
            version=version,
        )
    )
    assert later.verdict is Verdict.PASS


def test_few_rows_and_absent_inputs_are_inconclusive(make_material: Make, world: Any) -> None:
    few = replace(world.sealed, frame=world.sealed.frame.take(np.arange(50)), y=world.sealed.y[:50])
    assert judge(make_material(sealed=few)).reasons == ("too-few-rows:sealed",)
    absent = replace(world.sealed, frame=world.sealed.frame.drop(["age"]))
    found = judge(make_material(sealed=absent))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("input-missing:age",))
