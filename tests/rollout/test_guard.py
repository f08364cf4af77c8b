"""A challenger with a fixed share: turned back by evidence, never moved on by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from roadworthy.domain.errors import SettingError
from roadworthy.rollout.canary import Action, CanaryRule, CanaryView, Reason, look
from roadworthy.rollout.canary_evidence import ArmCounts, AssignmentPeriod
from roadworthy.rollout.failure_e_process import FailureEvent
from roadworthy.rollout.guard import guard

T0 = datetime(2026, 1, 1, tzinfo=UTC)
RULE = CanaryRule(min_requests=100)


def view(requests: int = 2000, failed: int = 0, of_champion: int = 0, hours: float = 1.0) -> CanaryView:
    """A challenger with half the traffic that failed `failed` times."""
    events = (FailureEvent(share=0.5, from_canary=True),) * failed
    events += (FailureEvent(share=0.5, from_canary=False),) * of_champion
    counts = ArmCounts(champion=requests, canary=requests)
    units = AssignmentPeriod({"old": 0.5, "new": 0.5}, {"old": requests, "new": requests})
    now = T0 + timedelta(hours=hours)
    return CanaryView((0.5,), 0, T0, now, events, counts, counts, (units,))


def test_what_would_promote_a_canary_is_recorded_and_holds():
    assert look(view(), RULE).action is Action.PROMOTE
    found = guard(view(), RULE)
    assert (found.action, found.reason) == (Action.HOLD, Reason.SAFETY_PROVEN)
    assert found.sentence.startswith("Hold at share 0.5: safety is proven")
    assert found.sentence.endswith("a person decides whether to promote it.")


def test_proven_harm_turns_back():
    found = guard(view(failed=60), RULE)
    assert (found.action, found.reason) == (Action.ROLL_BACK, Reason.HARM_PROVEN)


def test_there_is_no_deadline_for_a_person():
    few = replace(view(hours=24 * 30), requests=ArmCounts(5, 5), stage_requests=ArmCounts(5, 5), assignments=())
    assert look(few, RULE).action is Action.PAUSE
    assert guard(few, RULE).action is Action.HOLD


def test_each_of_several_challengers_has_to_prove_more():
    assert guard(view(), RULE, of=4).threshold == 4 / RULE.alpha


def test_nobody_is_no_number_of_challengers():
    with pytest.raises(SettingError, match="0 challengers"):
        guard(view(), RULE, of=0)


def test_of_three_harmless_challengers_none_is_turned_back_more_often_than_alpha():
    """200 tests of three that fail as often as the champion; the peak counts, so one look stands for a look at each."""
    rng = np.random.default_rng(11)
    turned = 0
    for _ in range(200):
        paths = rng.random((3, 200)) < 0.5
        seen = [tuple(FailureEvent(share=0.5, from_canary=bool(own)) for own in path) for path in paths]
        views = [replace(view(requests=10_000), failures=failures) for failures in seen]
        turned += any(guard(v, RULE, of=3).action is Action.ROLL_BACK for v in views)
    assert turned / 200 <= RULE.alpha
