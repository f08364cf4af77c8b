from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.technical.leakage import Leakage, LeakageParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Frame

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return Leakage().evaluate(material, LeakageParams(**params))


def with_input(world: Any, name: str, values: Any) -> dict[str, Any]:
    """Overrides of a material whose model also takes the column `name`."""
    kind = DType.BYTES if values.dtype.kind == "O" else DType.FP64
    signature = Signature((*world.version.signature.inputs, ColumnSpec(name, kind)))
    train = replace(world.train, frame=world.train.frame.with_column(name, values))
    return {"train": train, "version": replace(world.version, signature=signature)}


def echo(y: Any, share_kept: float) -> Any:
    """The label, replaced by noise in 1 - share_kept of the rows: AUC (1 + share_kept) / 2."""
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 2, len(y)).astype(np.float64)
    return np.where(rng.random(len(y)) < share_kept, y, noise)


def test_honest_inputs_pass_and_are_listed_best_first(make_material: Make) -> None:
    found = judge(make_material())
    aucs = [row["auc"] for row in found.details["columns"]]
    assert found.verdict is Verdict.PASS
    assert aucs == sorted(aucs, reverse=True)
    assert found.statistic == aucs[0]


@pytest.mark.parametrize(
    ("share_kept", "verdict"),
    [
        pytest.param(0.90, Verdict.FAIL, id="AUC 0.95: a leak"),
        pytest.param(0.80, Verdict.INCONCLUSIVE, id="AUC 0.90: on the bound"),
        pytest.param(0.66, Verdict.WARN, id="AUC 0.83: a person should look"),
        pytest.param(0.40, Verdict.PASS, id="AUC 0.70: a good input"),
    ],
)
def test_a_column_that_echoes_the_label_is_judged_by_how_much_of_it_it_gives_away(
    make_material: Make, world: Any, share_kept: float, verdict: Verdict
) -> None:
    found = judge(make_material(**with_input(world, "echo", echo(world.train.y, share_kept))))
    assert found.verdict is verdict
    assert found.statistic == pytest.approx((1 + share_kept) / 2 if verdict is not Verdict.PASS else 0.7, abs=0.02)


def test_a_leak_hidden_in_missing_values_is_found(make_material: Make, world: Any) -> None:
    values = np.where(world.train.y == 1.0, np.nan, 1.0)
    found = judge(make_material(**with_input(world, "closed_on", values)))
    assert (found.verdict, found.reasons) == (Verdict.FAIL, ("predicts-alone:closed_on",))


def test_a_leak_in_text_is_found_and_an_identifier_is_none(make_material: Make, world: Any) -> None:
    note = np.array(["won" if v else "open" for v in world.train.y], dtype=object)
    assert judge(make_material(**with_input(world, "note", note))).verdict is Verdict.FAIL
    ids = np.array([f"id-{i}" for i in range(len(note))], dtype=object)
    assert judge(make_material(**with_input(world, "key", ids))).verdict is Verdict.PASS


@pytest.mark.parametrize("where", ["inputs", "original variables"])
def test_what_is_not_known_at_the_decision_fails_even_when_it_predicts_nothing(
    make_material: Make, world: Any, where: str
) -> None:
    case = replace(world.use_case, not_known_at_decision=("visits" if where == "inputs" else "call_length",))
    version = replace(world.version, original_variables=(*world.version.original_variables, "call_length"))
    found = judge(make_material(use_case=case, version=version))
    assert (found.verdict, found.defect) == (Verdict.FAIL, DefectKind.LEAKAGE)
    assert found.reasons == (f"not-known-at-decision:{case.not_known_at_decision[0]}",)


def test_the_target_among_the_original_variables_fails(make_material: Make, world: Any) -> None:
    version = replace(world.version, original_variables=("took_offer",))
    assert judge(make_material(version=version)).reasons == ("is-the-target:took_offer",)


def test_few_rows_are_inconclusive(make_material: Make, world: Any) -> None:
    few = replace(world.train, frame=world.train.frame.take(np.arange(100)), y=world.train.y[:100])
    found = judge(make_material(train=few))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("too-few-rows",))


def _bank_2008(data_dir: Path, world: Any, *without: str) -> dict[str, Any]:
    table = Frame.from_arrow(pq.read_table(data_dir / "bank_additional.parquet"))
    rows = np.flatnonzero(table["month_start"] < np.datetime64("2008-11-01"))
    assert len(rows) == 24_064
    table = table.take(rows)
    frame = table.drop(["y", "month_start"])
    kinds = {"O": DType.BYTES, "f": DType.FP64, "i": DType.INT64}
    names = [n for n in frame.names if n not in without]
    signature = Signature(tuple(ColumnSpec(n, kinds[frame[n].dtype.kind]) for n in names))
    y = (table["y"] == "yes").astype(np.float64)
    return {
        "train": Labelled(frame, y, world.train.dataset),
        "version": replace(world.version, signature=signature),
    }


def test_on_the_real_bank_campaign_the_call_length_is_called_a_leak_and_nothing_else_is(
    make_material: Make, world: Any, data_dir: Path
) -> None:
    found = judge(make_material(**_bank_2008(data_dir, world)))
    assert (found.verdict, found.reasons) == (Verdict.FAIL, ("predicts-alone:duration",))
    assert found.statistic == pytest.approx(0.94, abs=0.02)


def test_without_the_call_length_the_bank_campaign_is_clean(
    make_material: Make, world: Any, data_dir: Path
) -> None:
    found = judge(make_material(**_bank_2008(data_dir, world, "duration")))
    assert found.verdict is Verdict.PASS
    assert {"euribor3m", "nr.employed"} <= {row["column"] for row in found.details["columns"]}


def test_an_infinite_value_is_a_large_number_and_not_a_crash(make_material: Make, world: Any) -> None:
    values = np.where(np.arange(3000) % 7 == 0, np.inf, world.train.frame["tenure"])
    assert judge(make_material(**with_input(world, "ratio", values))).verdict is Verdict.PASS


def test_an_input_without_any_value_was_not_checked(make_material: Make, world: Any) -> None:
    found = judge(make_material(**with_input(world, "empty", np.full(3000, np.nan))))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("no-values:empty",))
