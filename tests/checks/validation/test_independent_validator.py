from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.material import Material
from roadworthy.checks.validation.independent_validator import IndependentValidator, IndependentValidatorParams
from roadworthy.domain.gate import Finding
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict

Make = Callable[..., Material]


def judge(material: Material, **params: Any) -> Finding:
    return IndependentValidator().evaluate(material, IndependentValidatorParams(**params))


@pytest.mark.parametrize(
    ("validators", "needed", "verdict", "reasons"),
    [
        pytest.param(("vera",), 1, Verdict.PASS, (), id="one outsider"),
        pytest.param(("dora", "vera"), 1, Verdict.PASS, (), id="an outsider beside a developer"),
        pytest.param(("dora", "dan"), 1, Verdict.FAIL, ("no-independent-validator",), id="developers only"),
        pytest.param((), 1, Verdict.FAIL, ("no-independent-validator",), id="nobody"),
        pytest.param(("vera", "victor"), 2, Verdict.PASS, (), id="just enough"),
        pytest.param(("vera",), 2, Verdict.FAIL, ("too-few-validators",), id="just too few"),
        pytest.param(("vera", " Vera"), 2, Verdict.FAIL, ("too-few-validators",), id="one person twice"),
        pytest.param(("DORA ", ""), 1, Verdict.FAIL, ("no-independent-validator",), id="a developer in disguise"),
    ],
)
def test_somebody_who_did_not_build_it_must_exist(
    make_material: Make, validators: tuple[str, ...], needed: int, verdict: Verdict, reasons: tuple[str, ...]
) -> None:
    found = judge(make_material(validators=validators), min_validators=needed)
    assert (found.verdict, found.reasons) == (verdict, reasons)
    assert found.defect is (DefectKind.OPERATIONS_GAP if verdict is Verdict.FAIL else None)


@pytest.mark.parametrize("developers", [(), ("",), (" ",)], ids=["none", "empty", "blank"])
def test_a_version_without_developers_cannot_show_independence(
    make_material: Make, world: Any, developers: tuple[str, ...]
) -> None:
    found = judge(make_material(version=replace(world.version, developers=developers)))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("no-developers",))
