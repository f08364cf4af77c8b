"""Finding what a command line leaves out: the only endpoint, the newest data set, who may do the next step."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from roadworthy.domain.errors import InputError, NotFoundError
from roadworthy.domain.model import DatasetRole
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import UseCase
from roadworthy.sdk import Road
from roadworthy.services.watch.status import Status

MANY = 1_000_000
"""More changes than are looked through."""


def status_of(road: Road) -> Status:
    """Where everything stands."""
    return msgspec.convert(road.status(), Status)


def find_use_case(road: Road, name: str) -> UseCase | None:
    """The use case with this name, or None."""
    return next((u for u in status_of(road).use_cases if u.id == name), None)


def use_case_named(road: Road, name: str) -> UseCase:
    """The use case with this name.

    Raises:
        NotFoundError: there is none; names those there are.
    """
    cases = status_of(road).use_cases
    found = next((u for u in cases if u.id == name), None)
    if found is None:
        known = ", ".join(u.id for u in cases) or "none yet"
        raise NotFoundError(
            f"there is no use case '{name}'",
            remedy=f"Known: {known}; `roadworthy use-case` registers one.",
            name=name,
        )
    return found


def newest_dataset(road: Road, use_case: str, role: DatasetRole) -> str:
    """The id of the newest data set of a use case in a role, from the change record; empty when there is none."""
    prefix = f"{use_case}-{role.name.lower()}-"
    return next(
        (
            c.subject
            for c in road.changes(limit=MANY)
            if c.action == "dataset-registered" and c.subject.rpartition("-")[0] + "-" == prefix
        ),
        "",
    )


def has_contract(road: Road, use_case: str) -> bool:
    """Whether a KPI contract was agreed for the use case."""
    return any(
        c.action == "kpi-contract-agreed" and c.subject.rpartition("-kpi-")[0] == use_case
        for c in road.changes(limit=MANY)
    )


def the_endpoint(road: Road, given: str, use_case: str = "") -> Endpoint:
    """The endpoint named, or the only one there is (of the use case).

    Raises:
        NotFoundError: none of that name, or none at all.
        InputError: several, and none was named.
    """
    known = [e.endpoint for e in status_of(road).endpoints]
    mine = [e for e in known if (not given or e.id == given) and (given or not use_case or e.use_case == use_case)]
    names = ", ".join(e.id for e in known) or "none yet"
    if not mine:
        what = f"there is no endpoint '{given}'" if given else "there is no endpoint"
        raise NotFoundError(what, remedy=f"Known: {names}; `roadworthy endpoint NAME` registers one.", name=given)
    if len(mine) > 1:
        raise InputError("there are several endpoints", remedy=f"Name one with --endpoint: {names}.")
    return mine[0]


def who_may(road: Road, role: Role, besides: Sequence[str] = ()) -> str:
    """A person with a role, to be named in a hint; the role itself in capitals when nobody has it."""
    able = [p.id for p in road.people() if role in p.roles and p.id not in besides]
    return able[0] if able else role.value.upper()
