"""Whatever a check answers, the gate comes to an end and its evidence can be signed: no NaN, no infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_playbooks import WAIVED
from small_world import V1, World, at

from roadworthy.checks import registry
from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.checks.registry import builtin
from roadworthy.checks.runner import finite, run_check
from roadworthy.checks.validation.example import material
from roadworthy.domain.gate import Finding, Gate, PlannedCheck, Step
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Drill, Probe
from roadworthy.domain.use_case import Interval, KpiResult, Measured
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.rollout.canary import CanaryRule, CanaryView, look
from roadworthy.rollout.canary_evidence import ArmCounts
from roadworthy.rollout.failure_e_process import FailureEvent
from roadworthy.services.gates.run import GateOrder, run_gate

NAN, INF = float("nan"), float("inf")
GOOD = Finding(Step.V6, "third-party", 1, Verdict.PASS, "fine", statistic=0.5, threshold=1.0)
SPOILED: dict[str, dict[str, Any]] = {
    "statistic": {"statistic": NAN},
    "endless statistic": {"statistic": INF},
    "threshold": {"threshold": -INF},
    "an end of the interval": {"interval": Interval(NAN, 1.0)},
    "the level of the interval": {"interval": Interval(0.0, 1.0, NAN)},
    "a detail": {"details": {"share": NAN}},
    "a detail deep inside": {"details": {"rows": [{"values": (1.0, INF)}]}},
    "a NumPy number": {"statistic": np.float64("nan")},
    "a NumPy detail": {"details": {"share": np.float32("inf")}},
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_a_number_json_cannot_carry_becomes_none_and_the_finding_lets_nothing_through(
    spoiled: dict[str, Any],
) -> None:
    found = finite(replace(GOOD, **spoiled))
    json.dumps(json.loads(canonical(to_json(found))), allow_nan=False)
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("not-finite",))
    assert found.message == "fine"


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR], ids=lambda v: v.value)
def test_a_finding_that_lets_nothing_through_anyway_keeps_its_verdict(verdict: Verdict) -> None:
    defect = DefectKind.WEAK_MODEL if verdict is Verdict.FAIL else None
    found = finite(replace(GOOD, verdict=verdict, statistic=INF, defect=defect, reasons=("too-slow",)))
    assert (found.verdict, found.defect) == (verdict, defect)
    assert found.reasons == ("too-slow", "not-finite")


def test_a_finding_of_finite_numbers_stays_as_it_is() -> None:
    details = {"n": 3, "rows": [{"name": "a", "share": 0.1}], "none": None, "yes": True}
    found = replace(GOOD, details=details, interval=Interval(0.1, 0.9))
    assert finite(found) == found


def test_numbers_of_numpy_become_pythons_own() -> None:
    found = finite(replace(GOOD, details={"n": np.int64(3), "yes": np.bool_(True), "share": np.float32(0.5)}))
    assert found.details == {"n": 3, "yes": True, "share": 0.5}
    assert [type(v) for v in found.details.values()] == [int, bool, float]


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.floats() | st.none(), anything, st.sampled_from(Verdict))
def test_any_finding_can_be_signed_and_none_with_a_hole_in_it_passes(
    statistic: float | None, detail: Any, verdict: Verdict
) -> None:
    found = finite(replace(GOOD, statistic=statistic, details={"detail": detail}, verdict=verdict))
    canonical(to_json(found))
    if statistic is not None and not math.isfinite(statistic):
        assert not found.verdict.lets_through


NO_NUMBER = Measured("value", None, "EUR", 0)
HOSTILE: dict[str, dict[str, Any]] = {
    "a drill that never ended": {"drill": Drill(True, INF, 10, 0)},
    "a drill that did not run": {"drill": Drill(False, INF, 0, 0, "no traffic")},
    "a probe of nothing": {"probe": Probe(0, 0, 0, NAN, NAN, 0, 0, 0)},
    "a KPI of nothing": {"kpi": KpiResult("kpi-1", NO_NUMBER, NO_NUMBER, None)},
    "scores that are no numbers": {"score": lambda frame: np.full(frame.n_rows, NAN)},
    "scores without end": {"score": lambda frame: np.full(frame.n_rows, INF)},
    "transports that answer nothing": {
        "transports": {n: (lambda frame: np.full(frame.n_rows, NAN)) for n in ("rest", "in-code", "batch")}
    },
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("spoiled", HOSTILE.values(), ids=HOSTILE)
def test_no_check_lets_a_number_through_that_is_none(spoiled: dict[str, Any]) -> None:
    given_ = material(**spoiled)
    for check in (c for c in builtin().values() if set(c.needs) & set(spoiled)):
        found = run_check(PlannedCheck(check.step, check.id), given_)
        canonical(to_json(found))


NOW = datetime(2026, 1, 1, tzinfo=UTC)
VIEWS = {
    "nothing": ((), ArmCounts(0, 0), ArmCounts(0, 0)),
    "only failures": (
        tuple(FailureEvent(0.5, True) for _ in range(5000)),
        ArmCounts(5000, 5000),
        ArmCounts(5000, 5000),
    ),
    "only the champion's": (
        tuple(FailureEvent(0.05, False) for _ in range(5000)),
        ArmCounts(9000, 10),
        ArmCounts(9000, 10),
    ),
    "a million good ones": ((), ArmCounts(10**6, 10**6), ArmCounts(10**6, 10**6)),
}


@pytest.mark.parametrize(("failures", "requests", "stage"), VIEWS.values(), ids=VIEWS)
def test_every_look_at_a_rollout_is_made_of_finite_numbers(failures: Any, requests: Any, stage: Any) -> None:
    view = CanaryView((0.5, 1.0), 0, NOW, NOW, failures, requests, stage)
    decision = look(view, CanaryRule())
    canonical(to_json({"harm": decision.harm_e, "safety": decision.safety_e, "details": decision.details}))


class ThirdParty(Check):
    """What somebody else's check may answer."""

    id = "third-party"
    title = "A check from elsewhere"
    step = Step.V6
    defect = DefectKind.DATA_QUALITY
    answer: ClassVar[Callable[[], Finding]] = lambda: GOOD

    def evaluate(self, material: Material, params: Params) -> Finding:
        """Whatever the test wants."""
        return type(self).answer()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    known = {**builtin(), ThirdParty.id: ThirdParty}
    monkeypatch.setattr(registry, "registered", lambda: known)
    return at("registered")


BOOK = WAIVED.replace(b"steps: {}", b"steps:\n  V6:\n    - check: third-party")
ANSWERS: dict[str, tuple[Callable[[], Any], Verdict, str]] = {
    "passes with NaN": (lambda: replace(GOOD, statistic=NAN), Verdict.INCONCLUSIVE, "not-finite"),
    "an interval of nothing": (
        lambda: replace(GOOD, interval=Interval(NAN, NAN)),
        Verdict.INCONCLUSIVE,
        "not-finite",
    ),
    "an object in the details": (lambda: replace(GOOD, details={"x": object()}), Verdict.ERROR, "check-raised"),
    "a number beyond JSON's": (lambda: replace(GOOD, details={"n": 2**63 + 1}), Verdict.ERROR, "data"),
    "half a character": (lambda: replace(GOOD, message="\ud800"), Verdict.ERROR, "data"),
    "no finding": (lambda: None, Verdict.ERROR, "check-raised"),
    "an exception": (lambda: 1 / 0, Verdict.ERROR, "check-raised"),
}


@pytest.mark.parametrize(("answer", "verdict", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_a_gate_comes_to_its_end_whatever_a_check_answers(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any], verdict: Verdict, reason: str
) -> None:
    monkeypatch.setattr(ThirdParty, "answer", staticmethod(answer))
    run = run_gate(world.house, world.who("dan"), GateOrder(V1, Gate.VALIDATION, BOOK))
    found = next(f for f in run.findings if f.check == "third-party")
    assert (found.verdict, reason in found.reasons) == (verdict, True)
    assert (run.verdict, world.version(V1).state) == (verdict, State.REGISTERED)
    assert run.evidence


def test_a_kpi_nobody_could_measure_survives_its_json() -> None:
    result = KpiResult("kpi-1", NO_NUMBER, None, None)
    assert msgspec.json.decode(msgspec.json.encode(result), type=KpiResult) == result
    assert math.isnan(NO_NUMBER.known)
