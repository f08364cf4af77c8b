"""Status: where every version stands, what each endpoint serves, what is open."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.domain.gate import Gate, GateRun, tally
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.use_case import UseCase
from roadworthy.services.house import House
from roadworthy.services.serve.plan import current_deployment


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version: the newest run of each gate as counts per verdict, and its open work items."""

    version: ModelVersion
    gates: dict[str, dict[str, int]]
    verdicts: dict[str, str]
    open_work: int


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """One endpoint: what is in force, the newest review, and the newest ledger entry per version."""

    endpoint: Endpoint
    deployment: Deployment | None
    review: ReviewRun | None
    ledger: tuple[LedgerEntry, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The whole picture."""

    use_cases: tuple[UseCase, ...]
    versions: tuple[VersionStatus, ...]
    endpoints: tuple[EndpointStatus, ...]
    work_items: tuple[WorkItem, ...]
    changes: int


def status(house: House) -> Status:
    """Everything in one read."""
    with house.store.read() as tx:
        items = tx.of(WorkItem).find(state=WorkItemState.OPEN)
        head = tx.changes.head()
        versions = tx.of(ModelVersion).find()
        runs = {v.id: tx.of(GateRun).find(version=v.id) for v in versions}
        endpoints = tuple(
            EndpointStatus(
                endpoint=e,
                deployment=current_deployment(tx, e.id),
                review=next(iter(tx.of(ReviewRun).find(endpoint=e.id, newest_first=True, limit=1)), None),
                ledger=_newest_per_version(tx.of(LedgerEntry).find(endpoint=e.id)),
            )
            for e in tx.of(Endpoint).find()
        )
        cases = tuple(tx.of(UseCase).find())
    return Status(
        use_cases=cases,
        versions=tuple(_version(v, runs[v.id], items) for v in versions),
        endpoints=endpoints,
        work_items=tuple(items),
        changes=head.seq if head else 0,
    )


def _version(version: ModelVersion, runs: list[GateRun], items: list[WorkItem]) -> VersionStatus:
    newest = {gate: [r for r in runs if r.gate is gate][-1:] for gate in Gate}
    return VersionStatus(
        version=version,
        gates={g.value: tally(r[0].findings) for g, r in newest.items() if r},
        verdicts={g.value: r[0].verdict.value if r[0].verdict else "running" for g, r in newest.items() if r},
        open_work=sum(i.version == version.id for i in items),
    )


def _newest_per_version(entries: list[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    newest = {e.version: e for e in entries}
    return tuple(newest.values())
