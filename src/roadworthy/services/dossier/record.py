"""Everything recorded about one version, read in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import GateRun
from roadworthy.domain.model import Dataset, ModelVersion, SealedLook
from roadworthy.domain.ports import Stored, Transaction
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Deployment, Endpoint, RolloutLook
from roadworthy.domain.trust import Change, Delegation, Evidence, EvidenceKind, HandOff, Person, SignOff
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.evidence.licence import STANDING
from roadworthy.evidence.statements import contract_digest
from roadworthy.services.house import House
from roadworthy.services.watch.verify import MAX_LINKS, telling_checkpoints
from roadworthy.services.watch.work_items import ancestors


@dataclass(frozen=True, slots=True)
class Record:
    """What the control store holds about one version. `links` is the whole change record, `changes` what concerns it.

    `family` are the versions it descends from, nearest first. `at` is when this was read.
    """

    at: datetime
    case: UseCase
    version: ModelVersion
    family: tuple[str, ...]
    datasets: tuple[Dataset, ...]
    looks: tuple[SealedLook, ...]
    contracts: tuple[KpiContract, ...]
    runs: tuple[GateRun, ...]
    sign_offs: tuple[SignOff, ...]
    delegations: tuple[Delegation, ...]
    hand_offs: tuple[HandOff, ...]
    endpoints: tuple[Endpoint, ...]
    deployments: tuple[Deployment, ...]
    rollouts: tuple[RolloutLook, ...]
    reviews: tuple[ReviewRun, ...]
    ledger: tuple[LedgerEntry, ...]
    work: tuple[WorkItem, ...]
    evidence: tuple[Evidence, ...]
    people: tuple[Person, ...]
    links: tuple[Change, ...]
    changes: tuple[Change, ...]


def read_record(house: House, version_id: str) -> Record:
    """Everything about one version.

    Raises:
        NotFoundError: no such version.
    """
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(version_id)
        case = tx.of(UseCase).get(version.use_case)
        runs = tuple(tx.of(GateRun).find(version=version.id))
        sign_offs = tuple(tx.of(SignOff).find(version=version.id))
        hand_offs = tuple(tx.of(HandOff).find(version=version.id))
        datasets = _datasets(tx, version, runs)
        contracts = tuple(tx.of(KpiContract).find(use_case=case.id))
        endpoints, deployments = _serving(tx, version)
        rollouts = tuple(look for d in deployments for look in tx.of(RolloutLook).find(deployment=d.id))
        used = {s.delegation for s in sign_offs} | {h.delegation for h in hand_offs}
        delegations = tuple(d for d in tx.of(Delegation).find() if d.id in used)
        links = tuple(tx.changes.read(limit=MAX_LINKS))
        about: tuple[Stored, ...] = (version, case, *datasets, *contracts, *endpoints, *deployments)
        changes = _concerning(links, {entity.id for entity in about}, {d.id for d in deployments})
        signed: tuple[SignOff | HandOff | Delegation | Deployment, ...] = (
            *sign_offs,
            *hand_offs,
            *delegations,
            *deployments,
        )
        named = [*(r.evidence for r in runs), *(s.statement for s in signed)]
        named += [str(c.facts.get("evidence", "")) for c in changes]
        return Record(
            at=house.clock.now(),
            case=case,
            version=version,
            family=ancestors(tx, version),
            datasets=datasets,
            looks=tuple(look for d in datasets for look in tx.of(SealedLook).find(dataset=d.id)),
            contracts=contracts,
            runs=runs,
            sign_offs=sign_offs,
            delegations=delegations,
            hand_offs=hand_offs,
            endpoints=endpoints,
            deployments=deployments,
            rollouts=rollouts,
            reviews=tuple(tx.of(ReviewRun).find(version=version.id)),
            ledger=_newest(tx.of(LedgerEntry).find(version=version.id)),
            work=tuple(tx.of(WorkItem).find(version=version.id)),
            evidence=_evidence(tx, version, contracts, named, links),
            people=tuple(tx.of(Person).find()),
            links=links,
            changes=changes,
        )


def standing_links(record: Record) -> tuple[Change, ...]:
    """Links that moved the version in or out of service and name the statement that was signed of it."""
    return tuple(
        c for c in record.links if c.subject == record.version.id and c.action in STANDING and "evidence" in c.facts
    )


def _concerning(links: Sequence[Change], subjects: set[str], deployments: set[str]) -> tuple[Change, ...]:
    """Links about these subjects; of an endpoint's deployments only those in which the version had an arm."""
    mine = (c for c in links if c.subject in subjects)
    return tuple(c for c in mine if "deployment" not in c.facts or c.facts["deployment"] in deployments)


def _datasets(tx: Transaction, version: ModelVersion, runs: Sequence[GateRun]) -> tuple[Dataset, ...]:
    """The data the version was made of and judged on, each once."""
    named = {version.train_dataset, *(value for run in runs for value in run.inputs.values())}
    return tuple(d for d in tx.of(Dataset).find(use_case=version.use_case) if d.id in named)


def _serving(tx: Transaction, version: ModelVersion) -> tuple[tuple[Endpoint, ...], tuple[Deployment, ...]]:
    """The endpoints that ever carried the version, and the deployments in which it had an arm."""
    endpoints: list[Endpoint] = []
    deployments: list[Deployment] = []
    for endpoint in tx.of(Endpoint).find(use_case=version.use_case):
        mine = [d for d in tx.of(Deployment).find(endpoint=endpoint.id) if _has_arm(d, version.id)]
        if mine:
            endpoints.append(endpoint)
            deployments += mine
    return tuple(endpoints), tuple(deployments)


def _has_arm(deployment: Deployment, version: str) -> bool:
    return any(arm.version == version for arm in deployment.arms)


def _newest(entries: Sequence[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """The ledger counts a version's whole life each time: of every endpoint only the newest entry stands."""
    return tuple({e.endpoint: e for e in entries}.values())


def _evidence(
    tx: Transaction,
    version: ModelVersion,
    contracts: Sequence[KpiContract],
    named: Iterable[str],
    links: Sequence[Change],
) -> tuple[Evidence, ...]:
    """What is signed about the version, its contracts and its deployments; each envelope once, oldest first.

    A named envelope that is not there is left out: proving the record says that it is missing.
    """
    known = {e.id: e for e in tx.of(Evidence).find(version=version.id)}
    for name in named:
        if name and name not in known:
            try:
                known[name] = tx.of(Evidence).get(name)
            except NotFoundError:
                continue
    # A rollout's decisions are about the digest of the deployment they were taken at.
    subjects = {e.subject for e in known.values() if e.kind is EvidenceKind.DEPLOYMENT}
    for subject in sorted({*subjects, *(contract_digest(c) for c in contracts)}):
        known |= {e.id: e for e in tx.of(Evidence).find(subject=subject)}
    known |= {e.id: e for e in telling_checkpoints(tx, links, version.id)}
    return tuple(sorted(known.values(), key=lambda e: (e.created_at, e.id)))
