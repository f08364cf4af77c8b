"""The short form of `register`: use case, data sets and version from one model file and one data file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roadworthy.cli.desk import Desk
from roadworthy.cli.handing_in.preflight import read_file, try_data, try_model, try_pair
from roadworthy.cli.lookups import find_use_case, newest_dataset, who_may
from roadworthy.domain.errors import SettingError
from roadworthy.domain.model import DatasetRole, ModelVersion
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import DecisionPoint, DecisionPointKind, RiskTier, UseCase
from roadworthy.sdk import Road
from roadworthy.services.catalog.splitting import split
from roadworthy.statistics.frame import Frame

POINT = DecisionPoint("main", DecisionPointKind.APPLICATION, "the application")


@dataclass(frozen=True)
class HandedIn:
    """What one command line handed in. `about` are further fields of the version."""

    model: Path
    use_case: str
    data: Path
    sealed: Path | None
    target: str
    positive: str
    owner: str
    time_column: str
    share: float
    seed: int
    threshold: float
    name: str
    inputs: tuple[str, ...]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """The registered version, everything that was done on the way, and what the reader must know."""

    version: ModelVersion
    owner: str
    did: tuple[str, ...]
    warnings: tuple[str, ...]


def register_all(desk: Desk, road: Road, given: HandedIn) -> Done:
    """Try everything here, then record it: use case (when new), training data, sealed data (when none), version."""
    known = find_use_case(road, given.use_case)
    case = known or _proposed(road, given)
    _refuse_other_target(case, given)
    whole = read_file(given.data)
    y = try_data(whole, case, given.data.name)
    did: list[str] = []
    warnings: list[str] = []
    train, sealed, about = whole, None, dict(given.about)
    if given.sealed is not None:
        sealed = read_file(given.sealed)
        how = f"'{given.sealed.name}'"
    elif known is None or not newest_dataset(road, case.id, DatasetRole.SEALED):
        parts = split(whole, y, given.share, given.seed, case.time_column)
        train, sealed, how = parts.train, parts.sealed, f"{parts.how} of '{given.data.name}'"
        warnings.append(
            f"The sealed rows were split off here: {parts.how}. They prove something only if the model was not "
            "trained on them. To be sure, split first (`roadworthy register data FILE --split 0.25 --train-to "
            "TRAIN.csv`), train on TRAIN.csv, then register."
        )
        word = (
            f"Sealed by the command line ({parts.how}); that training left these rows out is the developer's word."
        )
        about["description"] = f"{about.get('description', '')} {word}".strip()
    if sealed is not None:
        try_pair(train, sealed, case, given.data.name)
    try_model(given.model, train, case, given.name, given.threshold, given.inputs)
    desk.note("Everything was tried and can be registered.")
    if known is None:
        _record_case(road, case)
        did.append(
            f"registered the use case '{case.id}': target {case.target} = {case.positive_label}, "
            f"risk tier {case.risk_tier.value}, owner {case.owner}, decision point {case.decision_points[0].name}"
        )
    trained = _record_data(road, given.data, train if train is not whole else None, case.id, "train")
    did.append(f"training data: {trained.rows:,} rows, {trained.id}")
    if sealed is not None:
        kept = _record_data(road, given.sealed or given.data, None if given.sealed else sealed, case.id, "sealed")
        did.append(f"sealed {kept.rows:,} rows for judging ({how}): {kept.id}")
    version = road.register(
        given.model,
        case.id,
        train=trained,
        name=given.name,
        threshold=given.threshold,
        inputs=list(given.inputs),
        **about,
    )
    names = ", ".join(version.signature.names)
    did.append(f"registered the version {version.id} ({version.format.value}), inputs {names}")
    return Done(version, case.owner, tuple(did), tuple(warnings))


def _proposed(road: Road, given: HandedIn) -> UseCase:
    for name, option in (("target", "--target"), ("positive", "--positive")):
        if not getattr(given, name):
            raise SettingError(
                f"'{given.use_case}' is a new use case and has no {name}",
                remedy=f"Give {option}, or register it first with `roadworthy use-case`.",
                field=name,
            )
    return UseCase(
        id=given.use_case,
        objective=f"predict {given.target} = {given.positive}",
        owner=given.owner or who_may(road, Role.BUSINESS_OWNER),
        risk_tier=RiskTier.MEDIUM,
        target=given.target,
        positive_label=given.positive,
        label_delay_days=0.0,
        decision_points=(POINT,),
        created_at=datetime.now(UTC),
        time_column=given.time_column,
    )


def _refuse_other_target(case: UseCase, given: HandedIn) -> None:
    asked = (("target", given.target, case.target), ("positive", given.positive, case.positive_label))
    for name, said, agreed in asked:
        if said and said != agreed:
            raise SettingError(
                f"--{name} is '{said}', the use case '{case.id}' has '{agreed}'",
                remedy=f"Leave out --{name}, or register another use case.",
                field=name,
            )


def _record_case(road: Road, case: UseCase) -> None:
    road.use_case(
        case.id,
        objective=case.objective,
        owner=case.owner,
        target=case.target,
        positive_label=case.positive_label,
        risk_tier=case.risk_tier.value,
        time_column=case.time_column,
        decision_points=[
            {"name": p.name, "kind": p.kind.value, "consumer": p.consumer} for p in case.decision_points
        ],
    )


def _record_data(road: Road, path: Path, part: Frame | None, use_case: str, role: str) -> Any:
    if part is None:
        return road.data(path, use_case, role)
    return road.data(part, use_case, role, name=f"{path.stem}-{role}.parquet")
