"""Laws that every registered check keeps, whoever wrote it: a new check is held to them by being registered."""

from __future__ import annotations

import doctest
import math
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pytest

from roadworthy.checks.base import Check
from roadworthy.checks.material import Labelled, Material, TrafficSample
from roadworthy.checks.registry import builtin, check_named
from roadworthy.checks.runner import run_check
from roadworthy.checks.validation.example import NOW, customers, logistic, material
from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.gate import Finding, PlannedCheck, Playbook, Step
from roadworthy.domain.model import DatasetRole
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.serving import (
    Arm,
    ArmRole,
    Deployment,
    DeploymentState,
    Drill,
    Endpoint,
    MonitorPlan,
    Probe,
    Scan,
    Strategy,
)
from roadworthy.domain.standing.protection import ProtectionTerms
from roadworthy.domain.trust import Change, Evidence, EvidenceKind, HandOff
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Array, Floats, Frame

CHECKS = list(builtin().values())
DATA = ("train", "sealed", "production", "traffic")
SECTIONS = ("Needs:", "Parameters:", "Verdict:", "Inconclusive/Error:", "Example:", "References:")
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)


def _signals() -> tuple[Signal, ...]:
    kinds = (SignalKind.DATA_DRIFT, SignalKind.MATHEMATICAL_DRIFT, SignalKind.BUSINESS_DRIFT)
    return tuple(Signal(k.value, k, "all", Verdict.PASS, "steady", 0.01, threshold=0.1, rows=2000) for k in kinds)


@lru_cache(maxsize=1)
def _full() -> Material:
    arms = (Arm("champion", ArmRole.CHAMPION, 1.0, "offers-1", "sha256:model"), Arm("h", ArmRole.HOLD_OUT, 0.05))
    state = DeploymentState.PROGRESSING
    production = customers(DatasetRole.PRODUCTION)
    watched = ProtectionTerms(detectors=("extraction",))
    return material(
        playbook=Playbook("law", RiskTier.MEDIUM, (), (), "sha256:playbook", protection=watched),
        production=production,
        traffic=TrafficSample(production.frame.select(["age", "visits"]), np.arange(2000.0)),
        transports={"in-code": logistic, "rest": logistic, "batch": logistic},
        signals=_signals(),
        scan=Scan("onnx", True, (), ""),
        evidence=(Evidence("e2", EvidenceKind.GATE_RUN, "sha256:model", "offers-1", "vera", "{}", NOW),),
        endpoint=Endpoint("offers", "offers", "mailing", NOW),
        deployment=Deployment("d1", "offers", Strategy.BASIC, arms, "salt", False, state, NOW, "otto"),
        hand_off=HandOff("h1", "offers-1", "otto", "olga", "https://runbook.example/offers", NOW),
        drill=Drill(True, 1.0, 100, 0),
        probe=Probe(200, 200, 200, 4.0, 12.0, 200, 5, 5),
        monitor_plan=MonitorPlan(("data-drift", "score-drift"), ("olga",), "offers.training:train", 2000),
        changes=(Change(1, NOW, "dora", "register-version", "offers-1", "first", "", "sha256:c1"),),
    )


def run(check: type[Check], given: Material) -> Finding:
    return run_check(PlannedCheck(check.step, check.id), given)


def with_data(change: Callable[[Labelled], Labelled]) -> Material:
    """The full material, all its tables changed alike."""
    full = _full()
    tables = {name: change(getattr(full, name)) for name in ("train", "sealed", "production")}
    frame = tables["production"].frame.select(["age", "visits"])
    return replace(full, **tables, traffic=TrafficSample(frame, np.arange(float(frame.n_rows))))


def first_rows(rows: int) -> Callable[[Labelled], Labelled]:
    return lambda data: replace(data, frame=data.frame.take(np.arange(rows)), y=data.y[:rows])


def blank(data: Labelled) -> Labelled:
    """Every value missing, labels too."""
    columns: dict[str, Array] = {
        n: np.full(data.frame.n_rows, None, dtype=object) if a.dtype.kind == "O" else np.full(len(a), np.nan)
        for n, a in data.frame.columns.items()
    }
    return replace(data, frame=Frame(columns), y=np.full(len(data.y), np.nan))


def one_class(data: Labelled) -> Labelled:
    return replace(data, y=np.ones_like(data.y))


def test_every_step_of_every_gate_has_a_check() -> None:
    assert {check.step for check in CHECKS} == set(Step)


@every_check
def test_the_module_is_named_after_the_id_and_the_attributes_are_there(check: type[Check]) -> None:
    assert check.__module__.rpartition(".")[2] == check.id.replace("-", "_")
    assert check.title
    assert check.version >= 1
    assert check.defect is not None
    assert check_named(check.id) is check
    assert set(check.needs) <= {f.name for f in fields(Material)}


@every_check
def test_the_docstring_has_the_claim_and_all_sections_in_order(check: type[Check]) -> None:
    lines = [line.strip() for line in (check.__doc__ or "").splitlines()]
    places = [next((i for i, line in enumerate(lines) if line.startswith(s)), -1) for s in SECTIONS]
    assert -1 not in places, f"lacks {SECTIONS[places.index(-1)]}"
    assert places == sorted(places)
    assert lines[0].endswith(".")


@every_check
def test_the_example_runs(check: type[Check]) -> None:
    names = vars(sys.modules[check.__module__])
    examples = doctest.DocTestFinder(recurse=False).find(check, check.__name__, globs=dict(names))
    assert any(test.examples for test in examples)
    for test in examples:
        assert doctest.DocTestRunner().run(test).failed == 0


@every_check
def test_the_same_material_gives_the_same_finding(check: type[Check]) -> None:
    assert run(check, _full()) == run(check, _full())


@every_check
def test_with_all_it_needs_it_measures_and_says_so_in_a_sentence(check: type[Check]) -> None:
    found = run(check, _full())
    assert found.verdict is not Verdict.ERROR, found.message
    assert (found.check, found.step, found.check_version) == (check.id, check.step, check.version)
    assert not {f"missing:{need}" for need in check.needs} & set(found.reasons)
    assert found.message.endswith(".")
    assert (found.defect is not None) is (found.verdict in (Verdict.FAIL, Verdict.WARN))


@every_check
def test_the_finding_survives_json_and_holds_no_number_that_is_none(check: type[Check]) -> None:
    found = run(check, _full())
    assert msgspec.json.decode(msgspec.json.encode(found), type=Finding) == found
    assert all(math.isfinite(number) for number in _numbers(msgspec.to_builtins(found)))


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [n for v in value.values() for n in _numbers(v)]
    if isinstance(value, list):
        return [n for v in value for n in _numbers(v)]
    return [value] if isinstance(value, float) else []


@every_check
def test_the_material_is_left_as_it_was(check: type[Check]) -> None:
    full = _full()
    before = {key: array.copy() for key, array in _arrays(full)}
    run(check, full)
    after = dict(_arrays(full))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[k], after[k], equal_nan=after[k].dtype.kind == "f") for k in before)


def _arrays(given: Material) -> list[tuple[str, Array]]:
    found = []
    for name in DATA:
        data = getattr(given, name)
        found += [(f"{name}.{n}", a) for n, a in data.frame.columns.items()]
        found.append((f"{name}!", data.y if isinstance(data, Labelled) else data.arrivals_s))
    return found


@pytest.mark.parametrize(
    ("check", "need"),
    [pytest.param(c, need, id=f"{c.id} without {need}") for c in CHECKS for need in c.needs],
)
def test_without_what_it_needs_it_is_inconclusive_never_a_pass(check: type[Check], need: str) -> None:
    found = run(check, replace(_full(), **{need: None}))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, (f"missing:{need}",))
    assert found.statistic is None


@every_check
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(first_rows(0), id="no rows"),
        pytest.param(first_rows(1), id="one row"),
        pytest.param(first_rows(2), id="two rows"),
        pytest.param(blank, id="nothing but missing values"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_data_that_say_nothing_are_no_evidence_and_no_crash(
    check: type[Check], change: Callable[[Labelled], Labelled]
) -> None:
    found = run(check, with_data(change))
    if set(check.needs) & set(DATA):
        assert not found.verdict.lets_through, found.message
    msgspec.json.encode(found)


@every_check
def test_labels_of_one_class_do_not_crash_it(check: type[Check]) -> None:
    assert "check-raised" not in run(check, with_data(one_class)).reasons


def _raises(_frame: Frame) -> Floats:
    raise ValueError("the model is broken")


@pytest.mark.parametrize("check", [c for c in CHECKS if "score" in c.needs], ids=lambda c: c.id)
@pytest.mark.parametrize(
    "score",
    [
        pytest.param(_raises, id="raises"),
        pytest.param(lambda frame: np.full(frame.n_rows, np.nan), id="answers no numbers"),
        pytest.param(lambda frame: np.full(frame.n_rows, 7.0), id="answers seven"),
        pytest.param(lambda frame: np.zeros((frame.n_rows, 2)), id="answers two columns"),
        pytest.param(lambda _frame: np.zeros(3), id="answers three rows"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_broken_model_never_passes(check: type[Check], score: Any) -> None:
    assert not run(check, replace(_full(), score=score)).verdict.lets_through


@every_check
def test_an_unknown_parameter_is_refused_with_the_allowed_ones(check: type[Check]) -> None:
    with pytest.raises(PlaybookError, match="'no_such_thing'") as refused:
        check.params.read({"no_such_thing": 1}, check.id)
    assert refused.value.fields["allowed"] == [f.name for f in fields(check.params)]


@pytest.mark.parametrize(
    ("check", "name"), [pytest.param(c, n, id=f"{c.id} {n}") for c in CHECKS for n in c.params.RANGES]
)
def test_a_parameter_outside_its_range_is_refused_by_name(check: type[Check], name: str) -> None:
    low, high = check.params.RANGES[name]
    for bad in (low - 1, high + max(1.0, high), float("nan"), "many", True, None):
        with pytest.raises(PlaybookError, match=f"'{name}'"):
            check.params.read({name: bad}, check.id)
    assert getattr(check.params.read({name: low}, check.id), name) == low


@every_check
def test_every_number_among_the_parameters_has_a_range_and_none_can_be_changed(check: type[Check]) -> None:
    params = check.params()
    numbers = {f.name for f in fields(params) if isinstance(getattr(params, f.name), int | float)}
    assert numbers - {n for n in numbers if isinstance(getattr(params, n), bool)} <= set(check.params.RANGES)
    for field in fields(params):
        with pytest.raises(FrozenInstanceError):
            setattr(params, field.name, 0)
