"""The canary decision: go on, wait, ask a person, or turn back, from what the traffic has proven so far.

Three questions, all of them safe to ask at every look:

1. Harm: does the canary fail more than `harm_ratio` times as often as the champion? (failure e-process; what
   counts is its peak, so a look that came late cannot miss a crossing) -> roll back.
2. Assignment: do units reach the arms as promised? (sequential sample-ratio test) -> roll back, or pause.
3. Safety, proven along either of two roads -> advance:
   - relative: the failure e-process refuses "at least `tolerated_ratio` times the champion's failures";
   - absolute: a beta mixture refuses "every canary request fails with probability `max_failure_rate` or more".
   The second exists because the common good case has no failures at all, and then there are no events for the
   first to learn from. The evidence is the weighted mean of the two e-values, itself an e-value against
   "unsafe by both measures": so an unsafe canary advances with probability at most `alpha`, over all looks and
   both roads together.

Safety uses the evidence *now*, not its peak: a canary that was good and turns bad loses what it had proven. No
data, an unreadable or missing metric, a termination, a clock that ran backwards: all inconclusive, never a pass.
They hold the weights, and at the stage's deadline pause the rollout for a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.rollout import assignment_health
from roadworthy.rollout.assignment_health import AssignmentTest
from roadworthy.rollout.canary_evidence import (
    ArmCounts,
    AssignmentPeriod,
    FailureEvidence,
    fold,
    no_failures,
    refuse_other_rule,
)
from roadworthy.rollout.failure_e_process import FailureEvent, bounded_exp
from roadworthy.rollout.strategies.canary import last_stage
from roadworthy.statistics.rate_sequences import log_e_rate_below, rate_interval

RELATIVE_SHARE = 0.8
"""Weight of the relative road in the safety evidence: it is the slower one, so it gets most of the error budget."""


class Action(Enum):
    """What to do with the weights."""

    ADVANCE = "advance"
    PROMOTE = "promote"
    HOLD = "hold"
    PAUSE = "pause"
    ROLL_BACK = "roll_back"


class Reason(Enum):
    """Why; the value is the stable code."""

    HARM_PROVEN = "harm-proven"
    ASSIGNMENT_BROKEN = "assignment-broken"
    TERMINATED = "terminated"
    METRIC_OUTAGE = "metric-outage"
    METRIC_UNREADABLE = "metric-unreadable"
    CLOCK_BACKWARDS = "clock-backwards"
    NO_DATA = "no-data"
    TOO_FEW_REQUESTS = "too-few-requests"
    SAFETY_PROVEN = "safety-proven"
    ADVANCED_UNPROVEN = "advanced-unproven"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CanaryRule:
    """The stopping rule, fixed before the rollout starts.

    Attributes:
        alpha: error probability of a false rollback, and of a false proof of safety; 0..0.5, default 0.05.
        harm_ratio: the rate ratio (canary / champion) above which the canary is harmful; default 1.
        tolerated_ratio: the rate ratio that must be refused as proof of relative safety; default 2.
        max_failure_rate: the failure rate (0..1) that must be refused as proof of absolute safety; default 0.01.
        min_requests: canary requests a stage must see before it may advance; default 200.
        deadline_h: hours after which an undecided stage pauses; default 24.
        advance_unproven: whether a stage may advance at `min_requests` when the evidence does not point to harm
            (harm E now <= 1), though safety is not proven; recorded as `advanced-unproven`, verdict `warn`.
        srm_alpha: false alarm probability of the assignment test, over all looks; default 0.001.
        roll_back_on_srm: roll back on a broken assignment (default), or only pause.

    Raises:
        SettingError: a value outside its range; names the field and the range.
    """

    alpha: float = 0.05
    harm_ratio: float = 1.0
    tolerated_ratio: float = 2.0
    max_failure_rate: float = 0.01
    min_requests: int = 200
    deadline_h: float = 24.0
    advance_unproven: bool = False
    srm_alpha: float = 0.001
    roll_back_on_srm: bool = True

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        _in_range("alpha", self.alpha, 1e-6, 0.5)
        _in_range("srm_alpha", self.srm_alpha, 1e-9, 0.5)
        _in_range("harm_ratio", self.harm_ratio, 0.1, 100.0)
        _in_range("tolerated_ratio", self.tolerated_ratio, 1.01, 100.0)
        _in_range("max_failure_rate", self.max_failure_rate, 1e-6, 0.5)
        _in_range("min_requests", self.min_requests, 1, 10**9)
        _in_range("deadline_h", self.deadline_h, 0.001, 24.0 * 365)
        if self.tolerated_ratio < self.harm_ratio:
            raise SettingError(
                f"tolerated_ratio {self.tolerated_ratio} is below harm_ratio {self.harm_ratio}",
                remedy="Tolerate at least as much as counts as harm.",
                field="tolerated_ratio",
            )


@dataclass(frozen=True, slots=True)
class CanaryView:
    """Everything one look sees: counts since the rollout started, with `now` given from outside.

    `failures` are in time order, over all stages, each with the canary's share in force then; with `before` (the
    evidence of an earlier decision) only those since. `requests` are over all stages, `stage_requests` since
    `stage_since`. `outages` name signals that could not be read.
    """

    schedule: tuple[float, ...]
    stage: int
    stage_since: datetime
    now: datetime
    failures: tuple[FailureEvent, ...]
    requests: ArmCounts
    stage_requests: ArmCounts
    assignments: tuple[AssignmentPeriod, ...] = ()
    outages: tuple[str, ...] = ()
    terminated: bool = False
    before: FailureEvidence | None = None


@dataclass(frozen=True, slots=True)
class CanaryDecision:
    """One decision with all it rests on. `harm_e` (peak) and `safety_e` (now) are compared with `threshold`.

    `failure_rate` is the canary's, as a confidence sequence; None when nothing readable is there to estimate from.
    `requests` and `failures` count per arm since the rollout began. `evidence` may start the next view.
    """

    action: Action
    reason: Reason
    sentence: str
    verdict: Verdict
    harm_e: float
    safety_e: float
    threshold: float
    share: float
    requests: dict[str, int]
    failures: dict[str, int]
    failure_rate: Interval | None
    evidence: FailureEvidence
    defect: DefectKind | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """All that a view proves. `unreadable` says what is wrong with the numbers, when something is."""

    failures: FailureEvidence
    log_absolute: float
    assignment: AssignmentTest
    unreadable: str = ""

    @property
    def log_safety(self) -> float:
        """log of the weighted mean of the two safety e-values."""
        relative = math.log(RELATIVE_SHARE) + self.failures.safety.log_e
        absolute = math.log1p(-RELATIVE_SHARE) + self.log_absolute
        top = max(relative, absolute)
        return top + math.log(math.exp(relative - top) + math.exp(absolute - top))


def look(view: CanaryView, rule: CanaryRule) -> CanaryDecision:
    """Decide from one view; the same view and rule always give the same decision, however often one looks.

    Raises:
        DataError: a view that cannot be (stage outside the schedule, times without a zone). Numbers that cannot be
            are not raised but decided on: inconclusive.
    """
    _refuse_impossible(view)
    evidence = _weigh(view, rule)
    action, reason, why = _decide(view, rule, evidence)
    late = view.now - view.stage_since >= timedelta(hours=rule.deadline_h)
    if action is Action.HOLD and late:
        action, why = Action.PAUSE, f"{why}; the stage's deadline of {rule.deadline_h:g} h has passed"
    return CanaryDecision(
        action=action,
        reason=reason,
        sentence=f"{_VERBS[action]} at share {view.schedule[view.stage]:g}: {why}.",
        verdict=_verdict(action, reason),
        harm_e=evidence.failures.harm.peak_e,
        safety_e=bounded_exp(evidence.log_safety),
        threshold=1.0 / rule.alpha,
        share=view.schedule[view.stage],
        requests=view.requests.as_dict(),
        failures=evidence.failures.failures.as_dict(),
        failure_rate=_rate(view, rule, evidence),
        evidence=evidence.failures,
        defect=_defect(action, reason),
        details=_details(view, evidence),
    )


def _decide(view: CanaryView, rule: CanaryRule, seen: _Evidence) -> tuple[Action, Reason, str]:
    goal = math.log(1.0 / rule.alpha)
    if seen.failures.harm.peak_log_e >= goal:
        return Action.ROLL_BACK, Reason.HARM_PROVEN, _harm_sentence(seen, rule)
    if seen.assignment.alarms(rule.srm_alpha):
        action = Action.ROLL_BACK if rule.roll_back_on_srm else Action.PAUSE
        return action, Reason.ASSIGNMENT_BROKEN, _srm_sentence(seen.assignment)
    blocked = _blocked(view, seen)
    if blocked is not None:
        return blocked
    n = view.stage_requests.canary
    if n < rule.min_requests:
        return Action.HOLD, Reason.TOO_FEW_REQUESTS, f"{n} of {rule.min_requests} canary requests in this stage"
    forward = Action.PROMOTE if view.stage >= last_stage(view.schedule) else Action.ADVANCE
    proof = f"safety E {bounded_exp(seen.log_safety):.3g} against {1.0 / rule.alpha:.3g}"
    if seen.log_safety >= goal:
        return forward, Reason.SAFETY_PROVEN, f"safety is proven, {proof}"
    if rule.advance_unproven and seen.failures.harm.log_e <= 0.0:
        return forward, Reason.ADVANCED_UNPROVEN, f"no evidence of harm, but safety is not proven ({proof})"
    return Action.HOLD, Reason.UNDECIDED, f"neither harm nor safety is proven ({proof})"


def _blocked(view: CanaryView, seen: _Evidence) -> tuple[Action, Reason, str] | None:
    """Why nothing may be concluded from this view, if so."""
    if view.terminated:
        return Action.PAUSE, Reason.TERMINATED, "the analysis was terminated before it could conclude"
    if view.outages:
        return Action.HOLD, Reason.METRIC_OUTAGE, f"no reading of {', '.join(view.outages[:8])}"
    if seen.unreadable:
        return Action.HOLD, Reason.METRIC_UNREADABLE, seen.unreadable
    if view.now < view.stage_since:
        return Action.HOLD, Reason.CLOCK_BACKWARDS, "the stage began in the future"
    if view.stage_requests.canary == 0:
        return Action.HOLD, Reason.NO_DATA, "the canary has answered nothing in this stage"
    return None


def _weigh(view: CanaryView, rule: CanaryRule) -> _Evidence:
    start = view.before or no_failures(rule.harm_ratio, rule.tolerated_ratio)
    refuse_other_rule(start, rule.harm_ratio, rule.tolerated_ratio)
    evidence = fold(start, view.failures)
    unreadable = _contradiction(view, evidence)
    assignment = AssignmentTest()
    try:
        for period in view.assignments:
            assignment = assignment_health.observe(assignment, period.weights, period.counts)
    except DataError as problem:
        unreadable = problem.what
    log_absolute = -math.inf
    if not unreadable:
        log_absolute = log_e_rate_below(evidence.failures.canary, view.requests.canary, rule.max_failure_rate)
    return _Evidence(evidence, log_absolute, assignment, unreadable)


def _contradiction(view: CanaryView, evidence: FailureEvidence) -> str:
    if evidence.unreadable:
        return f"{evidence.unreadable} failures have no possible share of traffic"
    failed, requests, stage = evidence.failures.as_dict(), view.requests.as_dict(), view.stage_requests.as_dict()
    for arm, n in requests.items():
        if not 0 <= stage[arm] <= n or failed[arm] > n:
            return f"the {arm} counts contradict: {failed[arm]} failures, {n} requests, {stage[arm]} in this stage"
    return ""


def _rate(view: CanaryView, rule: CanaryRule, seen: _Evidence) -> Interval | None:
    """The canary's failure rate as a confidence sequence; None when there is nothing readable to estimate from."""
    if seen.unreadable or view.requests.canary == 0:
        return None
    return rate_interval(seen.failures.failures.canary, view.requests.canary, 1.0 - rule.alpha)


def _details(view: CanaryView, seen: _Evidence) -> dict[str, Any]:
    return {
        "stage": view.stage,
        "harm_e_now": seen.failures.harm.e,
        "relative_safety_e": bounded_exp(seen.failures.safety.log_e),
        "absolute_safety_e": bounded_exp(seen.log_absolute),
        "assignment_e": bounded_exp(seen.assignment.log_e),
        "stage_requests": view.stage_requests.as_dict(),
        "leaked_arms": list(seen.assignment.leaked),
        "outages": list(view.outages[:20]),
    }


def _harm_sentence(seen: _Evidence, rule: CanaryRule) -> str:
    times = "more often than" if rule.harm_ratio == 1.0 else f"more than {rule.harm_ratio:g} times as often as"
    return (
        f"the canary fails {times} the champion, harm E "
        f"{seen.failures.harm.peak_e:.3g} against {1.0 / rule.alpha:.3g} after {seen.failures.harm.events} failures"
    )


def _srm_sentence(assignment: AssignmentTest) -> str:
    if assignment.leaked:
        return f"units reached {', '.join(assignment.leaked[:8])}, which has weight 0"
    return f"units do not reach the arms as promised, E {bounded_exp(assignment.peak_log_e):.3g}"


def _verdict(action: Action, reason: Reason) -> Verdict:
    if reason is Reason.ADVANCED_UNPROVEN:
        return Verdict.WARN
    return _VERDICTS[action]


def _defect(action: Action, reason: Reason) -> DefectKind | None:
    if action is not Action.ROLL_BACK:
        return None
    return DefectKind.SERVING_FAILURE if reason is Reason.HARM_PROVEN else DefectKind.OPERATIONS_GAP


def _refuse_impossible(view: CanaryView) -> None:
    if not 0 <= view.stage < len(view.schedule):
        raise DataError(
            f"stage {view.stage} is outside a schedule of {len(view.schedule)} shares",
            remedy="Give the index of the share in force.",
            field="stage",
        )
    if view.now.tzinfo is None or view.stage_since.tzinfo is None:
        raise DataError("a time has no zone", remedy="Give UTC times.", field="now, stage_since")


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingError(f"canary rule: {name} is {value}", remedy=f"It may be {low:g} to {high:g}.", field=name)


_VERDICTS = {
    Action.ADVANCE: Verdict.PASS,
    Action.PROMOTE: Verdict.PASS,
    Action.HOLD: Verdict.INCONCLUSIVE,
    Action.PAUSE: Verdict.INCONCLUSIVE,
    Action.ROLL_BACK: Verdict.FAIL,
}
_VERBS = {
    Action.ADVANCE: "Advance",
    Action.PROMOTE: "Promote",
    Action.HOLD: "Hold",
    Action.PAUSE: "Pause",
    Action.ROLL_BACK: "Roll back",
}
