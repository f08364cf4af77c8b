from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.checks.activation.catalogued import Catalogued, CataloguedParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import Change
from roadworthy.domain.verdict import Verdict

AT = datetime(2026, 2, 1, tzinfo=UTC)
REGISTERED = Change(1, AT, "dora", "version-registered", "offers-1", "first try", "", "d-1")


def judged(make_material: Any, world: Any, changes: Any = (REGISTERED,), **overrides: Any) -> Any:
    evidence = overrides.pop("evidence", (replace(world.contract_evidence, version="offers-1"),))
    params = CataloguedParams(**overrides.pop("params", {}))
    return Catalogued().evaluate(make_material(changes=changes, evidence=evidence, **overrides), params)


def test_a_documented_registered_and_evidenced_version_passes(make_material: Any, world: Any) -> None:
    assert judged(make_material, world).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("empty", "reason"),
    [
        ({"description": "  "}, "missing:description"),
        ({"original_variables": ()}, "missing:original-variables"),
        ({"train_dataset": ""}, "missing:training-data"),
        ({"code_revision": " "}, "missing:code-revision"),
        ({"environment": {}}, "missing:environment"),
        ({"environment": {"scikit-learn": ""}}, "missing:environment"),
        ({"developers": ("",)}, "missing:developers"),
    ],
    ids=["description", "variables", "data", "code", "environment", "no library version", "developers"],
)
def test_each_missing_field_is_named(make_material: Any, world: Any, empty: Any, reason: str) -> None:
    finding = judged(make_material, world, version=replace(world.version, **empty), train=None)
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == (reason,)
    assert finding.defect is DefectKind.OPERATIONS_GAP


@pytest.mark.parametrize(("length", "verdict"), [(10, Verdict.PASS), (9, Verdict.FAIL)], ids=["just", "short"])
def test_a_description_has_a_least_length(make_material: Any, world: Any, length: int, verdict: Verdict) -> None:
    version = replace(world.version, description="x" * length + " " * 50)
    assert judged(make_material, world, version=version).verdict is verdict


@pytest.mark.parametrize(
    "change",
    [
        replace(REGISTERED, subject="offers-2"),
        replace(REGISTERED, action="version-retired"),
        replace(REGISTERED, facts={"artifact": "other bytes"}),
    ],
    ids=["another version", "another action", "other bytes"],
)
def test_a_change_that_registers_something_else_does_not_count(
    make_material: Any, world: Any, change: Change
) -> None:
    assert judged(make_material, world, (change,)).reasons == ("not-in-the-change-record",)


def test_evidence_of_another_version_does_not_count(make_material: Any, world: Any) -> None:
    evidence = (replace(world.contract_evidence, version="offers-2"),)
    assert judged(make_material, world, evidence=evidence).reasons == ("no-signed-evidence",)


def test_training_data_that_is_not_what_the_version_names_is_found(make_material: Any, world: Any) -> None:
    assert judged(make_material, world, train=world.sealed).reasons == ("training-data-differs",)
    blank = replace(world.train, dataset=replace(world.train.dataset, digest=""))
    assert judged(make_material, world, train=blank).reasons == ("training-data-without-digest",)


def test_all_gaps_are_told_at_once(make_material: Any, world: Any) -> None:
    version = replace(world.version, description="", code_revision="", developers=())
    finding = judged(make_material, world, version=version, changes=(replace(REGISTERED, subject="x"),))
    assert finding.statistic == len(finding.reasons) == 4


def test_no_change_record_is_inconclusive(make_material: Any) -> None:
    finding = run_check(PlannedCheck(Step.A1, "catalogued"), make_material())
    assert finding.reasons == ("missing:changes", "missing:evidence")
