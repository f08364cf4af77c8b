"""A2 `hand-off`: somebody accepted to operate this version, and rolling it back was rehearsed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Drill
from roadworthy.domain.trust import HandOff
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class HandOffParams(Params):
    """`max_restore_s`: longest rollback, in seconds. `min_requests`: fewest requests in flight during the drill."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_restore_s": (0.1, 3600.0),
        "min_requests": (1, 100_000),
    }

    max_restore_s: float = 60.0
    min_requests: int = 10


class HandOffCheck(Check):
    """An operator accepted exactly this version, with a service owner, a run book and a rollback drill that ran.

    Needs:
        version, hand_off; drill: a rehearsal during which requests were sent.

    Parameters:
        max_restore_s (seconds, default 60, 0.1..3600): the old arm answers again within this time.
        min_requests (count, default 10, 1..100000): a drill with fewer requests in flight shows nothing.

    Verdict:
        fail when the hand-off names another version, lies in the future, lacks operator, service owner or run
        book, when a drill's request failed, or when seconds_to_restore > max_restore_s. warn when everything holds
        but the operator developed the version. Otherwise pass. Records are compared, nothing is estimated: no
        error rate.

    Inconclusive/Error:
        inconclusive when there is no drill, it did not run, had fewer than min_requests requests, or its time is
        not a number: a rollback nobody saw is not a rollback.

    Example:
        >>> drill_gaps(Drill(ran=True, seconds_to_restore=61.0, requests=50, failed=2), HandOffParams())
        ('drill-requests-failed', 'restored-too-slowly')
        >>> drill_unproven(Drill(ran=True, seconds_to_restore=1.0, requests=3, failed=0), HandOffParams())
        'drill-too-few-requests'

    References:
        Beyer et al., Site Reliability Engineering, 2016, ch. 32 (production readiness review).
    """

    id = "hand-off"
    version = 1
    title = "Operators accepted, and the rollback was rehearsed"
    step = Step.A2
    needs = ("version", "hand_off")
    defect = DefectKind.OPERATIONS_GAP
    params = HandOffParams

    def evaluate(self, material: Material, params: HandOffParams) -> Finding:
        """Judge the records, then the drill."""
        version, hand_off, drill = material.version, material.hand_off, material.drill
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert hand_off is not None  # noqa: S101 - the runner checked `needs`
        gaps = _acceptance_gaps(hand_off, version, material) + (drill_gaps(drill, params) if drill else ())
        unproven = drill_unproven(drill, params)
        facts: dict[str, Any] = {"operator": hand_off.operator, "service_owner": hand_off.service_owner}
        seconds = None
        if drill is not None:
            facts |= {"requests": drill.requests, "failed": drill.failed, "ran": drill.ran, "reason": drill.reason}
            seconds = drill.seconds_to_restore if math.isfinite(drill.seconds_to_restore) else None

        def found(verdict: Verdict, message: str, reasons: tuple[str, ...]) -> Finding:
            return self.finding(
                verdict,
                message,
                statistic=seconds,
                threshold=params.max_restore_s,
                unit="s",
                rows=drill.requests if drill else 0,
                reasons=reasons,
                details=facts,
            )

        if gaps:
            return found(Verdict.FAIL, f"The hand-off does not hold: {', '.join(gaps)}.", gaps)
        if unproven:
            return found(Verdict.INCONCLUSIVE, f"The rollback is not proven: {unproven}.", (unproven,))
        if hand_off.operator.strip().casefold() in {d.strip().casefold() for d in version.developers}:
            message = f"{hand_off.operator} operates a version they developed; nobody else knows the run book."
            return found(Verdict.WARN, message, ("operator-is-developer",))
        return found(Verdict.PASS, f"{hand_off.operator} accepted; the rollback took {seconds:.3g} s.", ())


def drill_gaps(drill: Drill, params: HandOffParams) -> tuple[str, ...]:
    """What a drill that ran showed to be wrong, as reason codes; empty when it did not run."""
    if not drill.ran:
        return ()
    slow = drill.seconds_to_restore > params.max_restore_s
    return tuple(
        code for code, bad in (("drill-requests-failed", drill.failed > 0), ("restored-too-slowly", slow)) if bad
    )


def drill_unproven(drill: Drill | None, params: HandOffParams) -> str:
    """Why a drill proves nothing, as a reason code; empty when it does."""
    if drill is None:
        return "no-drill"
    if not drill.ran:
        return "drill-did-not-run"
    if drill.requests < params.min_requests:
        return "drill-too-few-requests"
    return "" if 0.0 <= drill.seconds_to_restore < math.inf else "drill-not-timed"


def _acceptance_gaps(hand_off: HandOff, version: ModelVersion, material: Material) -> tuple[str, ...]:
    conditions = {
        "hand-off-of-another-version": hand_off.version != version.id,
        "accepted-in-the-future": hand_off.accepted_at > material.now,
        "no-operator": not hand_off.operator.strip(),
        "no-service-owner": not hand_off.service_owner.strip(),
        "no-run-book": not hand_off.run_book.strip(),
    }
    return tuple(code for code, bad in conditions.items() if bad)
