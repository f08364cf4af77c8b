"""Finding what a command line leaves out: the only endpoint, the newest data set, who may do the next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from roadworthy.domain.errors import InputError, NotFoundError, shortlist
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import UseCase
from roadworthy.sdk import Road
from roadworthy.services.watch.status import Status


def status_of(road: Road) -> Status:
    """Where everything stands."""
    return msgspec.convert(road.status(), Status)


def find_use_case(road: Road, name: str) -> UseCase | None:
    """The use case with this name, or None."""
    return next((u for u in use_cases(road) if u.id == name), None)


def use_cases(road: Road) -> list[UseCase]:
    """Every use case."""
    return road.ask("GET", "/use-cases", list[UseCase])


def use_case_named(road: Road, name: str) -> UseCase:
    """The use case with this name.

    Raises:
        NotFoundError: there is none; names those there are.
    """
    cases = use_cases(road)
    found = next((u for u in cases if u.id == name), None)
    if found is None:
        known = shortlist([u.id for u in cases]) or "none yet"
        raise NotFoundError(
            f"there is no use case '{name}'",
            remedy=f"Known: {known}; `roadworthy use-case` registers one.",
            name=name,
        )
    return found


def newest_dataset(road: Road, use_case: str, role: DatasetRole) -> str:
    """The id of the newest data set of a use case in a role; empty when there is none."""
    try:
        known = road.ask("GET", f"/use-cases/{quote(use_case, safe='')}/datasets", list[Dataset])
    except NotFoundError:
        return ""
    return next((d.id for d in reversed(known) if d.role is role), "")


def has_contract(road: Road, use_case: str) -> bool:
    """Whether a KPI contract was agreed for the use case."""
    try:
        road.ask("GET", f"/use-cases/{quote(use_case, safe='')}/contract", dict[str, Any])
    except NotFoundError:
        return False
    return True


def the_endpoint(road: Road, given: str, use_case: str = "") -> Endpoint:
    """The endpoint named, or the only one there is (of the use case).

    Raises:
        NotFoundError: none of that name, or none at all.
        InputError: several, and none was named.
    """
    known = road.ask("GET", "/endpoints", list[Endpoint])
    mine = [e for e in known if (not given or e.id == given) and (given or not use_case or e.use_case == use_case)]
    names = shortlist([e.id for e in known]) or "none yet"
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
