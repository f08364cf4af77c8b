"""What a canary's traffic has proven so far: the failure tests and counts, foldable piece by piece.

`look` (canary.py) starts from scratch or from the evidence of an earlier look; both give the same numbers, so a
long rollout need not read its whole log at every look, and a restarted controller may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from roadworthy.domain.errors import DataError
from roadworthy.rollout import failure_e_process
from roadworthy.rollout.failure_e_process import FailureEvent, FailureTest

LATE_HARM_WEIGHT = 0.05
"""Capital of the harm test kept for a canary that turns bad late: E from the start must reach 21 instead of 20, and
a canary that turns bad after 10,000 good requests is found in half the requests (500 instead of 1,010)."""


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """A count per version arm."""

    champion: int = 0
    canary: int = 0

    def as_dict(self) -> dict[str, int]:
        """{"champion": n, "canary": n}, as a stored look keeps it."""
        return {"champion": self.champion, "canary": self.canary}


@dataclass(frozen=True, slots=True)
class AssignmentPeriod:
    """Units first assigned while `weights` (arm -> share) were in force, as `counts` (arm -> units)."""

    weights: dict[str, float]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FailureEvidence:
    """Both failure tests after `failures`; `unreadable` events are left out of them, and bar the way forward."""

    harm: FailureTest
    safety: FailureTest
    failures: ArmCounts = ArmCounts()
    unreadable: int = 0


def no_failures(harm_ratio: float, tolerated_ratio: float) -> FailureEvidence:
    """The evidence at the start of a rollout, for the two rate ratios of its rule."""
    harm = failure_e_process.harm_test(harm_ratio, LATE_HARM_WEIGHT)
    return FailureEvidence(harm, failure_e_process.safety_test(tolerated_ratio))


def fold(evidence: FailureEvidence, events: Sequence[FailureEvent]) -> FailureEvidence:
    """The evidence after some more failures, in time order; cutting the list in pieces changes nothing.

    One unreadable event must not hide the harm the others prove, so it is left out and counted.
    """
    readable = [e for e in events if failure_e_process.is_possible(e)]
    canary = sum(e.from_canary for e in events)
    return replace(
        evidence,
        harm=failure_e_process.observe(evidence.harm, readable),
        safety=failure_e_process.observe(evidence.safety, readable),
        failures=ArmCounts(evidence.failures.champion + len(events) - canary, evidence.failures.canary + canary),
        unreadable=evidence.unreadable + len(events) - len(readable),
    )


def refuse_other_rule(evidence: FailureEvidence, harm_ratio: float, tolerated_ratio: float) -> None:
    """Refuse evidence gathered against other ratios than the rule's: a rule may not change during a rollout.

    Raises:
        DataError: the ratios differ.
    """
    if (evidence.harm.null_ratio, evidence.safety.null_ratio) != (harm_ratio, tolerated_ratio):
        raise DataError(
            f"the evidence was gathered against the ratios {evidence.harm.null_ratio:g} and "
            f"{evidence.safety.null_ratio:g}, the rule has {harm_ratio:g} and {tolerated_ratio:g}",
            remedy="Keep the rule of the rollout, or fold all its failures anew.",
            field="evidence",
        )
