"""Expiry: an approval ends by age, by the number of decisions, or by a proven defect; what served under it stops.

`expire` is safe to call at any time and as often as one likes: it acts on what has ended and on nothing else. A
gateway stops by itself at the signed end, also when nothing calls this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import ReviewRun
from roadworthy.domain.serving import DecisionStatus, Endpoint
from roadworthy.domain.trust import Licence
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.licence.approval import Approval, approval_of, readable_approval
from roadworthy.services.licence.standing import BY_EXPIRY, EXPIRY, publish_case, put_aside
from roadworthy.services.watch.work_items import open_item

WARN_DAYS = 30.0
"""So many days before the end it is said: long enough for a quorum to read the reviews and sign."""

WARN_SHARE = 0.1
"""From this share of the decisions left it is said."""


MEASURED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
"""Verdicts of a signal that measured something."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How long a version's approval still holds. `ended` says why it does not any more, `warning` that it soon will
    not; both are empty while all is well. What is None has no limit.

    `drift_share`: of the signals the newest review under it measured, those that warned or failed (0..1); None before
    one measured anything.
    """

    version: str
    state: State
    approval: Approval | None
    decisions: int | None = None
    days_left: float | None = None
    decisions_left: int | None = None
    ended: str = ""
    warning: str = ""
    drift_share: float | None = None


def expire(house: House, now: datetime | None = None) -> list[Standing]:
    """Suspend every activated version whose approval has ended, and say how the others stand.

    Each is a transaction of its own: one that fails leaves the others done.
    """
    moment = now or house.clock.now()
    with house.store.read() as tx:
        activated = [v.id for v in tx.of(ModelVersion).find(state=State.ACTIVATED)]
    return [_expire_one(house, version, moment) for version in activated]


def standing_of(house: House, version_id: str, now: datetime | None = None) -> Standing:
    """How long the approval of a version still holds."""
    with house.store.read() as tx:
        return standing_in(house, tx, version_id, now)


def standing_in(
    house: House, tx: Transaction, version_id: str, now: datetime | None = None, keys: TrustRoot | None = None
) -> Standing:
    """The same inside of a transaction that only reads; `keys` are `keys_in` of it, for who asks about many."""
    version = tx.of(ModelVersion).get(version_id)
    approval, unproven = readable_approval(tx, version_id, keys)
    reviews = tx.of(ReviewRun).find(version=version_id)
    licence = approval.licence if approval else None
    if licence is None:
        ended = f"proof: {unproven}" if unproven else "" if approval is None else approval.why
        return Standing(version_id, version.state, approval, ended=ended)
    moment = now or house.clock.now()
    made = None
    if licence.max_decisions is not None:
        endpoints = [e.id for e in tx.of(Endpoint).find(use_case=version.use_case)]
        made = _decisions(house, endpoints, licence)
    days = None if licence.until is None else (licence.until - moment) / timedelta(days=1)
    left = None if made is None or licence.max_decisions is None else licence.max_decisions - made
    ended = why_ended(licence, moment, made, _proven(reviews, licence))
    return Standing(
        version=version_id,
        state=version.state,
        approval=approval,
        decisions=made,
        days_left=days,
        decisions_left=left,
        ended=ended,
        warning="" if ended else _warning(licence, days, left),
        drift_share=_drift_share(reviews, licence),
    )


def as_of(standing: Standing, now: datetime) -> Standing:
    """A standing that was read before, as it is now by the calendar alone."""
    licence = standing.approval.licence if standing.approval else None
    if licence is None or licence.until is None:
        return standing
    days = (licence.until - now) / timedelta(days=1)
    ended = standing.ended or why_ended(licence, now, standing.decisions, "")
    warning = "" if ended else _warning(licence, days, standing.decisions_left)
    return replace(standing, days_left=days, ended=ended, warning=warning)


def why_ended(licence: Licence, now: datetime, decisions: int | None, proven: str) -> str:
    """Why an approval does not hold any more; empty while it does.

    Args:
        licence: what the signatures allow.
        now: the time to judge at.
        decisions: how many were made under it; None when they were not counted.
        proven: the defect a review has proved since it was given, if any.

    Example:
        >>> from datetime import UTC
        >>> given = Licence("offers:1", datetime(2026, 3, 1, tzinfo=UTC), max_decisions=10)
        >>> why_ended(given, datetime(2026, 3, 2, tzinfo=UTC), 9, "")
        ''
        >>> why_ended(given, datetime(2026, 3, 2, tzinfo=UTC), 10, "")
        'decisions: 10 were made, approved were 10'
    """
    if licence.until is not None and now >= licence.until:
        return f"age: it held until {licence.until.isoformat()}"
    if licence.max_decisions is not None and decisions is not None and decisions >= licence.max_decisions:
        return f"decisions: {decisions} were made, approved were {licence.max_decisions}"
    if licence.void_on_drift and proven:
        return f"drift: {proven}"
    return ""


@signed_ahead
def _expire_one(house: House, version_id: str, now: datetime) -> Standing:
    before = standing_of(house, version_id, now)
    # What cannot be proven is told and not acted on: the gateway refuses it by itself, and a restored store mends it.
    if not before.ended or before.approval is None:
        return before
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        # Somebody may have renewed, suspended or recalled it while the decisions were counted.
        if version.state is not State.ACTIVATED or not _same(tx, version_id, before.approval):
            return before
        reason = f"the approval of {version.id} ended by {before.ended}"
        put_aside(house, tx, version, PLATFORM, reason, BY_EXPIRY)
        kind = before.ended.partition(":")[0]
        open_item(house, tx, version, DefectKind.OPERATIONS_GAP, f"{EXPIRY} {kind}", reason, "validation")
    publish_case(house, version.use_case)
    return standing_of(house, version_id, now)


def _same(tx: Transaction, version: str, before: Approval | None) -> bool:
    return approval_of(tx, version) == before


def _decisions(house: House, endpoints: list[str], licence: Licence) -> int:
    """Decisions a model made under this licence: what was held out took none of it."""
    return sum(
        d.version == licence.version and d.status is not DecisionStatus.HELD_OUT
        for endpoint in endpoints
        for d in house.decisions.read(endpoint, since=licence.since)
    )


def _proven(reviews: list[ReviewRun], licence: Licence) -> str:
    for run in reversed(reviews):
        if run.at >= licence.since:
            for signal in run.signals:
                if signal.verdict is Verdict.FAIL and signal.defect is not None:
                    return f"{run.id} proved {signal.defect.value} ({signal.monitor})"
    return ""


def _drift_share(reviews: list[ReviewRun], licence: Licence) -> float | None:
    under = [run for run in reviews if run.at >= licence.since]
    measured = [s.verdict for s in under[-1].signals if s.verdict in MEASURED] if under else []
    return sum(v is not Verdict.PASS for v in measured) / len(measured) if measured else None


def _warning(licence: Licence, days: float | None, left: int | None) -> str:
    said: list[str] = []
    if days is not None and days <= WARN_DAYS:
        said.append(f"{days:.1f} days left")
    if left is not None and licence.max_decisions and left <= WARN_SHARE * licence.max_decisions:
        said.append(f"{left} decisions left")
    return f"{' and '.join(said)}: renew it soon" if said else ""
