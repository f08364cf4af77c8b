"""Splitting a use case's first data file into rows to train on and rows to seal, before anybody sees the sealed ones.

Rule, seed and the digests of the file and of both parts go into the change record: the same file, rule and seed give
the same parts again, so anybody who has the file can check that nothing was chosen.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.parquet as papq

from roadworthy.domain.errors import ConflictError, SettingError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.digest import sha256
from roadworthy.services.catalog.datasets import add_dataset, described
from roadworthy.services.catalog.splitting import split
from roadworthy.services.catalog.tables import read_table, split_target
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.statistics.frame import Frame

RULES = ("random", "time")
"""How rows may be chosen: at random, the same share of each class; or the latest by the use case's time column."""


@dataclass(frozen=True, slots=True)
class SplitTerms:
    """`share` (above 0 to 0.9) of the rows is sealed, chosen by one of `RULES`; `seed` draws the random ones."""

    share: float
    by: str = "random"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SplitDone:
    """Both parts as data sets, the digest of the file they come from, and in words how they were made."""

    train: Dataset
    sealed: Dataset
    source: str
    how: str


def split_at_creation(
    house: House, actor: Person, use_case: str, data: bytes, file: str, terms: SplitTerms
) -> SplitDone:
    """Split a file once, as the first data of a use case; the file itself is not kept.

    Raises:
        ConflictError: the use case has data already, so somebody may have seen these rows.
        SettingError: an unknown rule, a share outside its range, or by time without a time column.
        DataError: the file, or one of the parts, cannot be used.
    """
    house.allow(actor, "register-dataset", facts_of(house, use_case=use_case))
    with house.store.read() as tx:
        case = tx.of(UseCase).get(use_case)
        _refuse_later(tx.of(Dataset).count(use_case=use_case), use_case)
    _check(terms, case)
    frame = read_table(data, file)
    y = split_target(frame, case, file)[1]
    parts = split(frame, y, terms.share, terms.seed, case.time_column if terms.by == "time" else "")
    for part, name in ((parts.train, "training"), (parts.sealed, "sealed")):
        split_target(part, case, f"{file} ({name} part)")
    source, stem = sha256(data), file.rpartition(".")[0] or file
    train, sealed = (house.artifacts.put(_parquet(part)) for part in (parts.train, parts.sealed))
    facts: dict[str, Any] = {
        "source": source,
        "rule": terms.by,
        "share": terms.share,
        "seed": terms.seed,
        "train": train,
        "sealed": sealed,
    }
    with house.store.begin() as tx:
        _refuse_later(tx.of(Dataset).count(use_case=use_case), use_case)
        made = [
            add_dataset(house, tx, actor, replace(described(house, use_case, *about), split_from=source))
            for about in (
                (DatasetRole.TRAIN, train, parts.train, f"{stem}-train.parquet"),
                (DatasetRole.SEALED, sealed, parts.sealed, f"{stem}-sealed.parquet"),
            )
        ]
        house.record(tx, actor.id, "data-split", use_case, parts.how, facts)
    return SplitDone(made[0], made[1], source, parts.how)


def _check(terms: SplitTerms, case: UseCase) -> None:
    if terms.by not in RULES:
        raise SettingError(f"there is no rule '{terms.by}'", remedy=f"Allowed: {', '.join(RULES)}.", field="by")
    if terms.by == "time" and not case.time_column:
        raise SettingError(
            f"the use case '{case.id}' has no time column to split by",
            remedy="Register it with one (`--time-column`), or split at random.",
            field="by",
        )


def _refuse_later(datasets: int, use_case: str) -> None:
    if datasets:
        raise ConflictError(
            f"'{use_case}' has {datasets} data sets already: rows that somebody may have seen are not sealed any more",
            remedy="Split the first file, when the use case is new.",
            use_case=use_case,
        )


def _parquet(part: Frame) -> bytes:
    stored = io.BytesIO()
    papq.write_table(part.to_arrow(), stored)
    return stored.getvalue()
