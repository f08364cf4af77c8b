from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.release.endpoint_identified import EndpointIdentified, EndpointIdentifiedParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.verdict import Verdict


def judged(make_material: Any, world: Any, point: str = "campaign", **overrides: Any) -> Any:
    endpoint = Endpoint("offers", overrides.pop("belongs_to", "offers"), point, world.version.created_at)
    return EndpointIdentified().evaluate(make_material(endpoint=endpoint, **overrides), EndpointIdentifiedParams())


def test_a_declared_decision_point_with_a_typed_contract_passes(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world)
    assert finding.verdict is Verdict.PASS
    assert finding.details["inputs"]["age"] == "INT64"
    assert "mailer" in finding.message


def test_an_undeclared_decision_point_fails_even_when_it_looks_alike(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, "Campaign")
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == ("decision-point-not-declared",)
    assert finding.defect is DefectKind.OPERATIONS_GAP


def test_a_consumer_that_is_only_blanks_is_not_named(make_material: Any, world: Any) -> None:
    point = replace(world.use_case.decision_points[0], consumer="  ")
    finding = judged(make_material, world, use_case=replace(world.use_case, decision_points=(point,)))
    assert finding.reasons == ("consumer-not-named",)


def test_a_name_declared_twice_is_ambiguous(make_material: Any, world: Any) -> None:
    use_case = replace(world.use_case, decision_points=world.use_case.decision_points * 2)
    assert judged(make_material, world, use_case=use_case).reasons == ("decision-point-declared-twice",)


def test_strangers_are_refused(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, belongs_to="loans", version=replace(world.version, use_case="loans"))
    assert finding.reasons == ("endpoint-of-another-use-case", "version-of-another-use-case")


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (Signature(()), "no-inputs"),
        (Signature((ColumnSpec("", DType.FP64),)), "inputs-not-named"),
        (Signature((ColumnSpec("a", DType.FP64),) * 2), "inputs-repeat"),
        (Signature((ColumnSpec("a", DType.FP64, low=1.0, high=0.0),)), "range-upside-down"),
        (Signature((ColumnSpec("a", DType.FP64),), output=" "), "output-not-named"),
    ],
    ids=["no inputs", "nameless", "twice", "upside down", "no output"],
)
def test_an_untyped_contract_goes_back_to_data_preparation(
    make_material: Any, world: Any, signature: Signature, reason: str
) -> None:
    finding = judged(make_material, world, version=replace(world.version, signature=signature))
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)
    assert finding.defect is DefectKind.CONTRACT_MISMATCH


def test_a_range_of_one_value_is_still_a_range(make_material: Any, world: Any) -> None:
    signature = Signature((ColumnSpec("a", DType.FP64, low=1.0, high=1.0),))
    finding = judged(make_material, world, version=replace(world.version, signature=signature))
    assert finding.verdict is Verdict.PASS


def test_no_endpoint_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.R3, "endpoint-identified"), make_material(endpoint=None))
    assert finding.verdict is Verdict.INCONCLUSIVE
