"""The canary decision."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.rollout.canary import Action, CanaryDecision, CanaryRule, CanaryView, Reason, look
from roadworthy.rollout.canary_evidence import ArmCounts, AssignmentPeriod
from roadworthy.rollout.failure_e_process import FailureEvent, harm_test, observe, safety_test
from roadworthy.statistics.rate_sequences import log_e_rate_below

T0 = datetime(2026, 1, 1, tzinfo=UTC)
RULE = CanaryRule()
SCHEDULE = (0.05, 0.25, 0.5)


def view(champion=0, canary=0, *, stage=0, n=1000, share=None, hours=1.0, **more) -> CanaryView:
    share = SCHEDULE[stage] if share is None else share
    events = [FailureEvent(share, True)] * canary + [FailureEvent(share, False)] * champion
    requests = ArmCounts(round(n * (1 - share) / share), n)
    base = CanaryView(SCHEDULE, stage, T0, T0 + timedelta(hours=hours), tuple(events), requests, requests)
    return replace(base, **more)


def test_proven_harm_rolls_back():
    found = look(view(champion=6, canary=4), RULE)
    assert (found.action, found.reason, found.verdict) == (Action.ROLL_BACK, Reason.HARM_PROVEN, Verdict.FAIL)
    assert found.defect is DefectKind.SERVING_FAILURE
    assert found.harm_e >= found.threshold == 20.0
    assert (found.failures, found.requests["canary"]) == ({"champion": 6, "canary": 4}, 1000)


def test_no_failures_at_all_prove_safety_by_the_absolute_guard():
    found = look(view(n=600), RULE)
    assert (found.action, found.reason, found.verdict) == (Action.ADVANCE, Reason.SAFETY_PROVEN, Verdict.PASS)
    assert found.details["relative_safety_e"] == pytest.approx(1.0)


def test_few_requests_without_failures_prove_nothing_yet():
    found = look(view(n=300), RULE)
    assert (found.action, found.reason, found.verdict) == (Action.HOLD, Reason.UNDECIDED, Verdict.INCONCLUSIVE)


def test_many_failures_shared_as_promised_prove_safety_by_the_relative_road():
    shared = tuple(FailureEvent(0.05, i % 21 == 20) for i in range(315))
    found = look(view(n=300, failures=shared), RULE)
    assert found.reason is Reason.SAFETY_PROVEN
    assert found.details["absolute_safety_e"] < 1 < found.details["relative_safety_e"]


def test_safety_is_the_weighted_mean_of_the_two_roads():
    v = view(champion=40, canary=2, n=800)
    relative = observe(safety_test(2.0), v.failures).e
    absolute = math.exp(log_e_rate_below(2, 800, 0.01))
    assert look(v, RULE).safety_e == pytest.approx(0.8 * relative + 0.2 * absolute)


@pytest.mark.parametrize(
    ("schedule", "stage", "action"),
    [
        ((0.05, 0.25, 0.5), 1, Action.ADVANCE),
        ((0.05, 0.25, 0.5), 2, Action.PROMOTE),
        ((0.05, 0.25, 0.5, 1.0), 2, Action.PROMOTE),
    ],
)
def test_the_last_stage_with_a_champion_promotes(schedule, stage, action):
    assert look(replace(view(stage=stage, n=900), schedule=schedule), RULE).action is action


@pytest.mark.parametrize(("n", "action"), [(199, Action.HOLD), (200, Action.ADVANCE)])
def test_a_stage_waits_for_its_own_requests_even_when_safety_is_proven(n, action):
    v = replace(view(n=5000), stage_requests=ArmCounts(n, n))
    assert look(v, RULE).action is action


@pytest.mark.parametrize(("hours", "action"), [(23.9, Action.HOLD), (24.0, Action.PAUSE)])
def test_an_undecided_stage_pauses_at_its_deadline(hours, action):
    found = look(view(n=300, hours=hours), RULE)
    assert (found.action, found.verdict) == (action, Verdict.INCONCLUSIVE)


def test_unproven_advance_happens_only_when_declared_and_is_recorded_as_such():
    v = view(champion=5, canary=0, n=250)
    declared = replace(RULE, advance_unproven=True)
    found = look(v, declared)
    assert look(v, RULE).action is Action.HOLD
    assert (found.action, found.reason) == (Action.ADVANCE, Reason.ADVANCED_UNPROVEN)
    assert found.verdict is Verdict.WARN


def test_evidence_that_leans_towards_harm_does_not_advance_unproven():
    v = view(champion=1, canary=1, n=250)
    assert observe(harm_test(), v.failures).e > 1
    assert look(v, replace(RULE, advance_unproven=True)).action is Action.HOLD


FAULTS = {
    "no data": ({"requests": ArmCounts(), "stage_requests": ArmCounts()}, Reason.NO_DATA),
    "metric outage": ({"outages": ("failures",)}, Reason.METRIC_OUTAGE),
    "NaN": ({"failures": (FailureEvent(math.nan, False),)}, Reason.METRIC_UNREADABLE),
    "failure of an arm without traffic": ({"failures": (FailureEvent(0.0, True),)}, Reason.METRIC_UNREADABLE),
    "more in the stage than in all": ({"stage_requests": ArmCounts(1, 10_000)}, Reason.METRIC_UNREADABLE),
    "more failures than requests": (
        {"failures": (FailureEvent(0.05, False),) * 3, "requests": ArmCounts(2, 900),
         "stage_requests": ArmCounts(2, 900)},
        Reason.METRIC_UNREADABLE,
    ),
    "assignment of an unknown arm": (
        {"assignments": (AssignmentPeriod({"a": 1.0}, {"b": 3}),)}, Reason.METRIC_UNREADABLE,
    ),
    "clock ran backwards": ({"now": T0 - timedelta(hours=1)}, Reason.CLOCK_BACKWARDS),
    "early termination": ({"terminated": True}, Reason.TERMINATED),
}  # fmt: skip


@pytest.mark.parametrize("unproven", [False, True], ids=["strict", "advance_unproven"])
@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_inconclusive_with_its_reason_and_never_goes_forward(case, unproven):
    broken, reason = case
    good, rule = view(n=900), replace(RULE, advance_unproven=unproven)
    assert look(good, rule).action is Action.ADVANCE
    found = look(replace(good, **broken), rule)
    assert (found.reason, found.verdict) == (reason, Verdict.INCONCLUSIVE)
    assert found.action in (Action.HOLD, Action.PAUSE)


def test_one_unreadable_failure_does_not_hide_proven_harm():
    bad = view(champion=6, canary=4)
    found = look(replace(bad, failures=(FailureEvent(math.nan, True), *bad.failures)), RULE)
    assert found.reason is Reason.HARM_PROVEN


@pytest.mark.parametrize(
    "blocked", [{"outages": ("latency",)}, {"terminated": True}], ids=["outage", "termination"]
)
def test_proven_harm_rolls_back_even_when_something_else_is_missing(blocked):
    assert look(view(champion=6, canary=4, **blocked), RULE).action is Action.ROLL_BACK


def test_harm_that_showed_between_two_looks_is_not_forgotten():
    found = look(view(champion=400, canary=4), RULE)
    assert (found.action, found.details["harm_e_now"] < 1) == (Action.ROLL_BACK, True)


@pytest.mark.parametrize(("roll_back", "action"), [(True, Action.ROLL_BACK), (False, Action.PAUSE)])
def test_a_broken_assignment_stops_the_rollout(roll_back, action):
    v = view(n=900, assignments=(AssignmentPeriod({"old": 0.95, "new": 0.05}, {"old": 700, "new": 300}),))
    found = look(v, replace(RULE, roll_back_on_srm=roll_back))
    assert (found.action, found.reason) == (action, Reason.ASSIGNMENT_BROKEN)
    assert found.defect is (DefectKind.OPERATIONS_GAP if roll_back else None)


def test_a_unit_on_an_arm_of_weight_zero_stops_the_rollout_at_once():
    v = view(n=900, assignments=(AssignmentPeriod({"old": 0.95, "new": 0.05, "gone": 0.0}, {"gone": 1}),))
    assert "gone" in look(v, RULE).sentence


def test_the_failure_rate_comes_with_its_interval_or_not_at_all():
    assert look(view(n=0), RULE).failure_rate is None
    rate = look(view(canary=3, champion=60), RULE).failure_rate
    assert rate is not None
    assert 0.0 < rate.low < 0.003 < rate.high


events = st.lists(st.builds(FailureEvent, share=st.just(0.25), from_canary=st.booleans()), max_size=60)


@given(events, st.data())
@settings(max_examples=50, deadline=None)
def test_going_on_from_an_earlier_look_equals_starting_over(failed, data):
    cut = data.draw(st.integers(0, len(failed)))
    whole = view(n=900, failures=tuple(failed))
    before = look(replace(whole, failures=tuple(failed[:cut])), RULE).evidence
    assert look(replace(whole, failures=tuple(failed[cut:]), before=before), RULE) == look(whole, RULE)


def test_evidence_gathered_under_another_rule_is_refused():
    before = look(view(), RULE).evidence
    with pytest.raises(DataError, match="Keep the rule"):
        look(view(before=before), CanaryRule(tolerated_ratio=3.0))


@pytest.mark.parametrize("made", [view(), view(6, 4), view(champion=1, canary=1, outages=("x",))])
def test_a_decision_survives_json(made):
    found = look(made, RULE)
    assert msgspec.json.decode(msgspec.json.encode(found), type=CanaryDecision) == found


RANGES = {
    "alpha": 0.9, "srm_alpha": 0.0, "harm_ratio": 0.0, "tolerated_ratio": 1.0, "max_failure_rate": 1.0,
    "min_requests": 0, "deadline_h": math.nan,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), RANGES.items())
def test_a_rule_outside_its_range_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        CanaryRule(**{name: value})


def test_tolerating_less_than_counts_as_harm_is_refused():
    with pytest.raises(SettingError, match="harm_ratio"):
        CanaryRule(harm_ratio=3.0, tolerated_ratio=2.0)


@pytest.mark.parametrize("wrong", [{"stage": 3}, {"stage": -1}, {"now": datetime(2026, 1, 1)}])  # noqa: DTZ001
def test_a_view_that_cannot_be_is_refused(wrong):
    with pytest.raises(DataError):
        look(replace(view(), **wrong), RULE)


def outcomes(bad: float, good: float, runs: int, seed: int) -> list[CanaryDecision]:
    """Rollouts at share 0.1, looked at every 100 canary requests until they end or 3,000 were served."""
    rng, ended = np.random.default_rng(seed), []
    for _ in range(runs):
        before, counts = None, ArmCounts()
        for _ in range(30):
            own, other = int(rng.binomial(100, bad)), int(rng.binomial(900, good))
            counts = ArmCounts(counts.champion + 900, counts.canary + 100)
            order = rng.permutation(np.arange(own + other) < own)
            failed = tuple(FailureEvent(0.1, bool(y)) for y in order)
            found = look(CanaryView((0.1,), 0, T0, T0, failed, counts, counts, before=before), RULE)
            before = found.evidence
            if found.action is not Action.HOLD:
                break
        ended.append(found)
    return ended


def test_a_bad_canary_is_always_stopped_and_soon():
    ended = outcomes(bad=0.05, good=0.01, runs=200, seed=1)
    assert {d.action for d in ended} == {Action.ROLL_BACK}
    assert np.quantile([d.requests["canary"] for d in ended], 0.95) <= 400


@pytest.mark.parametrize("rate", [0.0, 0.002, 0.01])
def test_a_good_canary_is_rarely_rolled_back_and_mostly_promoted(rate):
    ended = [d.action for d in outcomes(bad=rate, good=rate, runs=150, seed=2)]
    assert ended.count(Action.ROLL_BACK) / len(ended) <= 0.05
    assert ended.count(Action.PROMOTE) / len(ended) >= 0.75


def test_a_canary_unsafe_by_both_measures_is_hardly_ever_promoted():
    ended = [d.action for d in outcomes(bad=0.02, good=0.01, runs=200, seed=3)]
    assert ended.count(Action.PROMOTE) / len(ended) <= 0.05
