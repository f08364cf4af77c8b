"""Sealed data: every attempt to use it as anything else is refused and stays in the change record.

Also when the person's role allows the action. A look before the contract is signed is refused in `contracts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from roadworthy.domain.errors import ConflictError, RefusedError, RoadworthyError, SettingError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.trust import Person
from roadworthy.services.catalog.tables import read_table
from roadworthy.services.house import House
from roadworthy.statistics.frame import Frame
from roadworthy.statistics.rows import matches


def refuse_sealed_as(house: House, actor: Person, dataset_id: str, role: DatasetRole, attempt: str) -> None:
    """Refuse to use sealed data in another role, where its results would be nobody's look.

    Raises:
        SettingError: the data set is sealed; the attempt is recorded.
        NotFoundError: there is no such data set.
    """
    with house.store.read() as tx:
        dataset = tx.of(Dataset).get(dataset_id)
    if dataset.role is DatasetRole.SEALED:
        refusal = SettingError(
            f"'{dataset.id}' is sealed test data of '{dataset.use_case}'",
            remedy=f"Name a {role.value}: `roadworthy register data FILE --role {role.name.lower()}`. Sealed data are "
            "read by a gate as sealed data, and as nothing else.",
            dataset=dataset.id,
        )
        raise recorded(house, actor, dataset.use_case, attempt, refusal)


def refuse_sealed_bytes(
    house: House, actor: Person, use_case: str, digest: str, role: DatasetRole, name: str
) -> None:
    """Refuse to register bytes that are sealed, anywhere, in another role.

    Raises:
        ConflictError: the bytes are sealed; the attempt is recorded.
    """
    with house.store.read() as tx:
        same = tx.of(Dataset).find(digest=digest, role=DatasetRole.SEALED)
        parts = [
            d for d in tx.of(Dataset).find(use_case=use_case, role=DatasetRole.SEALED) if d.split_from == digest
        ]
    if parts:
        refusal = ConflictError(
            f"'{name}' is the file that '{parts[0].id}' was split off from: it holds the sealed rows",
            remedy="Train on the other part, and judge on the sealed one.",
            digest=digest,
        )
        raise recorded(house, actor, use_case, f"register '{name}' as {role.value}", refusal)
    if same and role is not DatasetRole.SEALED:
        refusal = ConflictError(
            f"'{name}' is registered as sealed test data already",
            remedy="A model may not be judged on what it was trained on or shown before: give other rows.",
            digest=digest,
        )
        raise recorded(house, actor, use_case, f"register '{name}' as {role.value}", refusal)


def refuse_sealed_rows(
    house: House, actor: Person, given: Frame, role: DatasetRole, name: str, earlier: Iterable[Dataset]
) -> dict[str, int]:
    """Refuse rows that are sealed already, or are to be sealed and were shown before, whatever file they came in.

    Rows are recognised by their values: written as another format, in another order, some of them only, among others.
    Returns how many look like those of each earlier data set, no more than by chance, for the change record.

    Args:
        house: keeps the earlier rows, which nobody gets to see here.
        actor: who hands the rows in.
        given: the rows.
        role: what they are to be.
        name: of their file.
        earlier: the use case's data sets of other bytes.

    Raises:
        ConflictError: more of them than by chance; the attempt is recorded.
    """
    alike: dict[str, int] = {}
    for dataset in earlier:
        if DatasetRole.SEALED not in (role, dataset.role):
            continue
        same = matches(read_table(house.artifacts.get(dataset.digest), dataset.source), given)
        if same.beyond_chance:
            refusal = ConflictError(
                f"{same.found} of the {same.rows} rows of '{name}' are those of '{dataset.id}', {dataset.role.value} "
                f"data (by chance {same.by_chance:.2%} would look like them)",
                remedy="A model may not be judged on what it was shown, nor twice on rows called new: give other rows.",
                dataset=dataset.id,
                rows=same.found,
            )
            raise recorded(house, actor, dataset.use_case, f"register '{name}' as {role.value}", refusal)
        if same.found:
            alike[dataset.id] = same.found
    return alike


def refuse_handing_out(house: House, actor: Person, dataset: Dataset) -> None:
    """Refuse to give sealed bytes to anybody.

    Raises:
        RefusedError: the data set is sealed; the attempt is recorded.
    """
    if dataset.role is DatasetRole.SEALED:
        refusal = RefusedError(
            f"'{dataset.id}' is sealed test data, and its rows are handed out to nobody",
            remedy="A gate looks at them for you: `roadworthy validate`.",
            dataset=dataset.id,
        )
        raise recorded(house, actor, dataset.use_case, f"download {dataset.id}", refusal)


def recorded(house: House, actor: Person, use_case: str, attempt: str, refusal: RoadworthyError) -> RoadworthyError:
    """The refusal, after the attempt was written down in a transaction of its own."""
    with house.store.begin() as tx:
        house.record(tx, actor.id, "sealed-look-refused", use_case, attempt, {"because": refusal.what})
    return refusal
