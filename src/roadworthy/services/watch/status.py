"""Status: where the newest versions stand, what each endpoint serves, what is open; and how much there is in all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Agent, Deployment, Endpoint
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.log import LogRules
from roadworthy.domain.storing.query import Query
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.agents import heard_of
from roadworthy.services.catalog.contracts import contract_in_force, contract_of
from roadworthy.services.house import House
from roadworthy.services.licence.approval import keys_in
from roadworthy.services.licence.expiry import Standing, standing_in
from roadworthy.services.serve.plan import current_deployment

VERSIONS, ENDPOINTS, USE_CASES, ITEMS = 100, 10, 50, 50
"""At most so many of each, the newest; the lists of the API have all."""

LINES = 50
"""Newest ledger lines of an endpoint that are looked through for the newest of each version."""


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version: the newest run of each gate as counts per verdict, and its open work items."""

    version: VersionCard
    gates: dict[str, dict[str, int]]
    verdicts: dict[str, str]
    open_work: int


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """One endpoint: what is in force, the newest review, and the newest ledger entry per version.

    `outdated` maps a version that answers there to the contract it was validated under, when another is in force.
    `silent` are agents that should have been heard of, each with what is known.
    `approvals` says of every version that answers there how long its approval still holds.
    `log` says how its decisions are kept.
    """

    endpoint: Endpoint
    deployment: Deployment | None
    review: ReviewRun | None
    ledger: tuple[LedgerEntry, ...]
    outdated: dict[str, str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    approvals: tuple[Standing, ...] = ()
    log: LogRules = field(default_factory=LogRules)


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is in all, whatever is listed: versions by state, and the rest by number."""

    versions: dict[str, int]
    use_cases: int
    endpoints: int
    open_work: int


@dataclass(frozen=True, slots=True)
class Status:
    """The whole picture, each list in the order of addition; a long one has its newest, and `totals` says so."""

    use_cases: tuple[UseCase, ...]
    versions: tuple[VersionStatus, ...]
    endpoints: tuple[EndpointStatus, ...]
    work_items: tuple[WorkItem, ...]
    changes: int
    totals: Totals


def status(house: House) -> Status:
    """Everything in one read."""
    with house.store.read() as tx:
        cards = tx.of(VersionCard).page(Query(limit=VERSIONS, counted=False)).items[::-1]
        return Status(
            use_cases=tuple(tx.of(UseCase).find(newest_first=True, limit=USE_CASES)[::-1]),
            versions=tuple(VersionStatus(c, c.gates, c.verdicts, c.open_work) for c in cards),
            endpoints=tuple(replace(e, log=house.decisions.rules(e.endpoint.id)) for e in endpoints_now(house, tx)),
            work_items=open_items(tx),
            changes=length(tx),
            totals=totals(tx),
        )


def endpoints_now(house: House, tx: Transaction) -> tuple[EndpointStatus, ...]:
    """What the newest endpoints serve, under which approvals, and what they earned."""
    found, keys = [], keys_in(tx)
    for e in tx.of(Endpoint).find(newest_first=True, limit=ENDPOINTS)[::-1]:
        lines = tx.of(LedgerEntry).find(endpoint=e.id, newest_first=True, limit=LINES)[::-1]
        current = current_deployment(tx, e.id)
        found.append(
            EndpointStatus(
                endpoint=e,
                deployment=current,
                review=next(iter(tx.of(ReviewRun).find(endpoint=e.id, newest_first=True, limit=1)), None),
                ledger=_newest_per_version(lines),
                outdated=_outdated(tx, e.use_case, current) if current else {},
                silent=_silent(tx, e.id, house.clock.now()),
                approvals=tuple(standing_in(house, tx, v, keys=keys) for v in _answering(current)),
            )
        )
    return tuple(found)


def _outdated(tx: Transaction, use_case: str, current: Deployment) -> dict[str, str]:
    signed = contract_in_force(tx, use_case)
    under = {version: contract_of(tx, version) for version in _answering(current)}
    return {v: contract for v, contract in under.items() if signed and contract and contract != signed[0].id}


def _silent(tx: Transaction, endpoint: str, now: datetime) -> dict[str, str]:
    heard = [heard_of(agent, now) for agent in tx.of(Agent).find(endpoint=endpoint)]
    return {s.subject: s.message for s in heard if s.verdict is Verdict.FAIL}


def _answering(current: Deployment | None) -> list[str]:
    """The versions with traffic; none where everything is held out."""
    arms = current.arms if current else ()
    if any(not arm.version and arm.weight >= 1.0 for arm in arms):
        return []
    return sorted({arm.version for arm in arms if arm.version and arm.role.answers and arm.weight > 0})


def open_items(tx: Transaction, limit: int = ITEMS) -> tuple[WorkItem, ...]:
    """The newest open work items, in the order in which they were opened."""
    return tuple(tx.of(WorkItem).find(state=WorkItemState.OPEN, newest_first=True, limit=limit)[::-1])


def totals(tx: Transaction) -> Totals:
    """How much there is; counted, not read."""
    return Totals(
        versions=tx.of(VersionCard).tally("state", Query()),
        use_cases=tx.of(UseCase).count(),
        endpoints=tx.of(Endpoint).count(),
        open_work=tx.of(WorkItem).count(state=WorkItemState.OPEN),
    )


def length(tx: Transaction) -> int:
    """How many changes are recorded."""
    head = tx.changes.head()
    return head.seq if head else 0


def _newest_per_version(entries: list[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    newest = {e.version: e for e in entries}
    return tuple(newest.values())
