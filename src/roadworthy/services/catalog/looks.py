"""Looks at sealed data: every access is counted, shown and, when it judges a model anew, charged to its lineage."""

from __future__ import annotations

from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion, SealedLook
from roadworthy.domain.ports import Transaction
from roadworthy.domain.use_case import UseCase
from roadworthy.services.catalog.datasets import count_read
from roadworthy.services.house import House

MAX_LINEAGE = 1000
"""How many versions a lineage is followed back over."""


def look(
    house: House,
    tx: Transaction,
    actor: str,
    dataset: str,
    version: ModelVersion,
    run: str,
    why: str,
    *,
    charged: bool,
) -> SealedLook:
    """Count one look in the transaction that precedes it; the change record says whose it was and which.

    It counts however the run that looks ends: who cancels one may have seen its findings.
    """
    lineage = roots(tx, version)[0]
    number = len(charged_looks(tx, dataset, version)) + charged
    facts = {"lineage": lineage, "number": number, "version": version.id}
    counted = count_read(house, tx, actor, dataset, why, facts)
    seen = SealedLook(
        id=f"{dataset}-look-{counted.reads}",
        dataset=dataset,
        lineage=lineage,
        version=version.id,
        gate_run=run,
        actor=actor,
        at=house.clock.now(),
        number=number,
        why=why,
        charged=charged,
    )
    tx.of(SealedLook).add(seen)
    return seen


def charged_looks(tx: Transaction, dataset: str, version: ModelVersion) -> list[SealedLook]:
    """The charged looks of a version's lineage at a data set, oldest first."""
    found = [
        seen
        for root in roots(tx, version)
        for seen in tx.of(SealedLook).find(dataset=dataset, lineage=root)
        if seen.charged
    ]
    return sorted(found, key=lambda seen: (seen.at, seen.number))


def roots(tx: Transaction, version: ModelVersion) -> tuple[str, ...]:
    """The first versions of a version's lineage, oldest first; they name it.

    A lineage is what a version descends from by its parents, and the earlier versions of the same name: leaving out
    `--parent` makes no look cheaper.
    """
    seen = {version.id: version}
    waiting = [version]
    first: list[ModelVersion] = []
    while waiting and len(seen) < MAX_LINEAGE:
        current = waiting.pop()
        before = [tx.of(ModelVersion).get(parent) for parent in current.parents]
        named = tx.of(ModelVersion).find(use_case=current.use_case, name=current.name, limit=1)
        before += [v for v in named if v.id != current.id]
        if not before:
            first.append(current)
        for v in before:
            if v.id not in seen:
                seen[v.id] = v
                waiting.append(v)
    first = first or [version]  # versions that name each other in a circle: none is first
    return tuple(v.id for v in sorted(first, key=lambda v: (v.created_at, v.id)))


def looks_in(tx: Transaction, use_case: str) -> tuple[SealedLook, ...]:
    """Every look at a use case's sealed data, newest first."""
    sealed = tx.of(Dataset).find(use_case=use_case, role=DatasetRole.SEALED)
    found = [seen for dataset in sealed for seen in tx.of(SealedLook).find(dataset=dataset.id)]
    return tuple(sorted(found, key=lambda seen: seen.at, reverse=True))


def looks(house: House, use_case: str) -> tuple[SealedLook, ...]:
    """The same, as one reads it. Raises NotFoundError for an unknown use case."""
    with house.store.read() as tx:
        tx.of(UseCase).get(use_case)
        return looks_in(tx, use_case)
