from __future__ import annotations

import doctest
import sys
from typing import Any

import msgspec
import pytest

from roadworthy.checks.activation import CHECKS as ACTIVATION
from roadworthy.checks.base import Check
from roadworthy.checks.release import CHECKS as RELEASE
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import Finding, Gate, PlannedCheck, steps_of
from roadworthy.domain.verdict import Verdict

ALL = [*RELEASE, *ACTIVATION]
SECTIONS = ("Needs:", "Parameters:", "Verdict:", "Inconclusive/Error:", "Example:", "References:")


@pytest.mark.parametrize("gate", [Gate.RELEASE, Gate.ACTIVATION], ids=lambda g: g.value)
def test_every_step_has_a_check(gate: Gate) -> None:
    assert {check.step for check in ALL} >= set(steps_of(gate))


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.id)
def test_a_check_is_named_after_its_file_and_documented_in_order(check: type[Check]) -> None:
    assert check.__module__.rsplit(".", 1)[1] == check.id.replace("-", "_")
    places = [(check.__doc__ or "").find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.id)
def test_the_example_in_the_docstring_runs(check: type[Check]) -> None:
    result = doctest.testmod(sys.modules[check.__module__])
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.id)
def test_a_finding_survives_json_and_repeats(check: type[Check], make_material: Any) -> None:
    planned = PlannedCheck(check.step, check.id)
    one, two = (run_check(planned, make_material()) for _ in range(2))
    assert one == two
    assert one.verdict is not Verdict.ERROR
    assert msgspec.json.decode(msgspec.json.encode(one), type=Finding) == one
