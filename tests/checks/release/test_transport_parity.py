from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.checks.material import TrafficSample
from roadworthy.checks.release.transport_parity import TransportParity, TransportParityParams
from roadworthy.domain.errors import ModelRaisedError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame


def judged(make_material: Any, world: Any, rest: Any, **overrides: Any) -> Any:
    params = TransportParityParams(**overrides.pop("params", {}))
    transports = overrides.pop("transports", {"in-code": world.score, "rest": rest, "batch": world.score})
    return TransportParity().evaluate(make_material(transports=transports, **overrides), params)


def test_the_same_model_through_three_transports_passes(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, world.score)
    assert finding.verdict is Verdict.PASS
    assert (finding.statistic, finding.rows) == (0.0, 200)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.9e-6, Verdict.PASS), (1.1e-6, Verdict.FAIL)], ids=["just inside", "just outside"]
)
def test_the_tolerance_is_where_a_difference_starts(
    make_material: Any, world: Any, shift: float, verdict: Verdict
) -> None:
    version = replace(world.version, threshold=1.0)
    finding = judged(make_material, world, lambda f: world.score(f) - shift, version=version)
    assert finding.verdict is verdict
    assert finding.statistic == pytest.approx(shift, rel=1e-6)


def test_the_transport_that_differs_is_named(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, lambda f: world.score(f) * 0.999)
    assert finding.defect is DefectKind.SERVING_FAILURE
    assert [r.split(":")[1] for r in finding.reasons] == ["rest"]
    assert finding.details["transports"]["batch"]["largest_difference"] == 0.0


def test_a_difference_inside_the_tolerance_that_changes_an_action_fails(make_material: Any, world: Any) -> None:
    row = float(world.score(world.sealed.frame.take(np.arange(1)))[0])
    version = replace(world.version, threshold=row)
    finding = judged(make_material, world, lambda f: world.score(f) - 1e-9, version=version)
    assert finding.reasons == ("action-differs:rest",)


def test_a_transport_that_loses_missing_values_is_found(make_material: Any, world: Any) -> None:
    def fills_zero(frame: Frame) -> Floats:
        return world.score(frame.with_column("balance", np.nan_to_num(frame.floats("balance"))))

    assert judged(make_material, world, fills_zero).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (lambda f: np.full(f.n_rows, np.nan), "not-finite:rest"),
        (lambda f: np.full(f.n_rows - 1, 0.5), "count-differs:rest"),
    ],
    ids=["nan", "a row short"],
)
def test_unusable_answers_fail(make_material: Any, world: Any, rest: Any, reason: str) -> None:
    assert judged(make_material, world, rest).reasons == (reason,)


def test_a_transport_that_raises_is_an_error_and_no_failure(make_material: Any, world: Any) -> None:
    def down(frame: Frame) -> Floats:
        raise ModelRaisedError("the endpoint is down", remedy="Start it.")

    finding = judged(make_material, world, down)
    assert finding.verdict is Verdict.ERROR
    assert finding.reasons == ("transport-broken:rest",)
    assert finding.defect is None


def test_one_transport_or_no_pack_is_inconclusive(make_material: Any, world: Any) -> None:
    alone = judged(make_material, world, None, transports={"in-code": world.score})
    assert alone.reasons == ("too-few-transports",)
    for gone in ({"sealed": None, "traffic": None}, {"sealed": None, "traffic": None, "params": {"min_rows": 30}}):
        assert judged(make_material, world, world.score, **gone).reasons == ("too-few-rows",)
    short = TrafficSample(world.production.frame.take(np.arange(29)), np.arange(29.0))
    few = judged(make_material, world, world.score, sealed=None, traffic=short)
    assert few.verdict is Verdict.INCONCLUSIVE
