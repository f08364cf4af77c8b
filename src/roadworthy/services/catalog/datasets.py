"""Registering a data set: its bytes, its digest, and the role it may be used in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.ports import ArtifactStore, Transaction
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.digest import sha256
from roadworthy.services.catalog.sealed import refuse_handing_out, refuse_sealed_bytes, refuse_sealed_rows
from roadworthy.services.catalog.tables import read_table, refuse_other_shape, split_target
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.statistics.frame import Floats, Frame


def register_dataset(
    house: House,
    actor: Person,
    use_case: str,
    role: DatasetRole,
    data: bytes,
    source: str,
    *,
    synthetic: bool = False,
) -> Dataset:
    """Record a data set after reading it once; the same bytes in the same role are one data set.

    Raises:
        DataError: the file or its columns cannot be used.
        ConflictError: the same bytes are registered as training data and now as sealed test, or sealed bytes or rows
            as anything else; the latter is recorded.
    """
    house.allow(actor, "register-dataset", facts_of(house, use_case=use_case))
    with house.store.read() as tx:
        case = tx.of(UseCase).get(use_case)
        earlier = tx.of(Dataset).find(use_case=use_case)
    frame = read_table(data, source)
    split_target(frame, case, source, both_classes=role is not DatasetRole.PRODUCTION)
    trained = next((d for d in earlier if d.role is DatasetRole.TRAIN), None)
    if trained is not None:
        refuse_other_shape(frame, read_table(house.artifacts.get(trained.digest), trained.source), source)
    digest = sha256(data)
    refuse_sealed_bytes(house, actor, use_case, digest, role, source)
    alike = refuse_sealed_rows(house, actor, frame, role, source, (d for d in earlier if d.digest != digest))
    house.artifacts.put(data)
    dataset = described(house, use_case, role, digest, frame, source)
    with house.store.begin() as tx:
        return add_dataset(house, tx, actor, replace(dataset, synthetic=synthetic), alike)


def described(house: House, use_case: str, role: DatasetRole, digest: str, frame: Frame, source: str) -> Dataset:
    """A data set of these rows, not yet recorded."""
    return Dataset(
        id=f"{use_case}-{role.name.lower()}-{digest[:10]}",
        use_case=use_case,
        role=role,
        digest=digest,
        rows=frame.n_rows,
        columns=frame.names,
        source=source,
        created_at=house.clock.now(),
    )


def add_dataset(
    house: House, tx: Transaction, actor: Person, dataset: Dataset, alike: Mapping[str, int] | None = None
) -> Dataset:
    """Record a data set whose bytes are kept already; the same bytes in the same role are there once.

    `alike`: how many of its rows look like those of other data sets, by chance.

    Raises:
        ConflictError: the bytes are sealed here and training data there, or sealed in whichever use case.
    """
    there = _same_rows(tx, dataset)
    if there is not None:
        return there
    tx.of(Dataset).add(dataset)
    facts: dict[str, Any] = {"digest": dataset.digest, "role": dataset.role.value, "rows": dataset.rows}
    if alike:
        facts["rows_alike"] = dict(alike)
    house.record(tx, actor.id, "dataset-registered", dataset.id, facts=facts)
    return dataset


def _same_rows(tx: Transaction, dataset: Dataset) -> Dataset | None:
    """The data set that has these bytes in this role already.

    Raises:
        ConflictError: they are sealed here and training data there, or sealed in whichever use case.
    """
    for other in tx.of(Dataset).find(digest=dataset.digest):
        here = other.use_case == dataset.use_case
        if here and other.role is dataset.role:
            return other
        sealed = other.role is DatasetRole.SEALED and dataset.role is not DatasetRole.SEALED
        if sealed or (here and {other.role, dataset.role} == {DatasetRole.TRAIN, DatasetRole.SEALED}):
            raise ConflictError(
                f"'{dataset.source}' is registered as {other.role.value} data already",
                remedy="A model may not be judged on what it was trained on: give other rows.",
                digest=dataset.digest,
            )
    return None


def dataset_bytes(house: House, actor: Person, dataset_id: str) -> tuple[Dataset, bytes]:
    """A data set's bytes, for who may hand in data; sealed ones go to nobody.

    Raises:
        RefusedError: the data set is sealed; the attempt is recorded.
    """
    with house.store.read() as tx:
        dataset = tx.of(Dataset).get(dataset_id)
    house.allow(actor, "register-dataset", facts_of(house, use_case=dataset.use_case))
    refuse_handing_out(house, actor, dataset)
    return dataset, house.artifacts.get(dataset.digest)


class Shelf(Protocol):
    """Anything that has the artifact store."""

    @property
    def artifacts(self) -> ArtifactStore:
        """The artifact store."""
        ...


def load_dataset(house: Shelf, dataset: Dataset, case: UseCase) -> tuple[Frame, Floats]:
    """A data set's inputs and answers, its bytes checked against the digest."""
    frame = read_table(house.artifacts.get(dataset.digest), dataset.source)
    return split_target(frame, case, dataset.source, both_classes=False)


def count_read(
    house: House, tx: Transaction, actor: str, dataset: str, why: str, facts: Mapping[str, Any] | None = None
) -> Dataset:
    """Count one access to sealed data, in the transaction that begins it and in the change record."""
    current = tx.of(Dataset).get(dataset)
    counted = replace(current, reads=current.reads + 1)
    tx.of(Dataset).replace(current, counted)
    house.record(tx, actor, "sealed-data-read", dataset, why, {"reads": counted.reads, **(facts or {})})
    return counted
