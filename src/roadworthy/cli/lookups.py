"""Finding what a command line leaves out: the only endpoint, the newest data set, who may do the next step."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec

from roadworthy.domain.errors import InputError, NotFoundError, shortlist
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.storing.query import Page
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import UseCase
from roadworthy.sdk import Road
from roadworthy.services.watch.status import Status


def status_of(road: Road) -> Status:
    """Where everything stands."""
    return msgspec.convert(road.status(), Status)


def find_use_case(road: Road, name: str) -> UseCase | None:
    """The use case with this name, or None."""
    try:
        return road.ask("GET", f"/use-cases/{quote(name, safe='')}", UseCase) if name else None
    except NotFoundError:
        return None


def use_cases(road: Road) -> Page[UseCase]:
    """The newest use cases, and how many there are."""
    return road.ask("GET", "/use-cases", Page[UseCase])


def use_case_named(road: Road, name: str) -> UseCase:
    """The use case with this name.

    Raises:
        NotFoundError: there is none; names those there are.
    """
    found = find_use_case(road, name)
    if found is None:
        known = shortlist([u.id for u in use_cases(road).items]) or "none yet"
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
    if given:
        with suppress(NotFoundError):
            return road.ask("GET", f"/endpoints/{quote(given, safe='')}", Endpoint)
    mine = endpoints(road, "" if given else use_case)
    if mine.total == 1 and not given:
        return mine.items[0]
    if mine.total > 1 and not given:
        names = shortlist([e.id for e in mine.items])
        raise InputError("there are several endpoints", remedy=f"Name one with --endpoint: {names}.")
    names = shortlist([e.id for e in endpoints(road).items]) or "none yet"
    what = f"there is no endpoint '{given}'" if given else "there is no endpoint"
    raise NotFoundError(what, remedy=f"Known: {names}; `roadworthy endpoint NAME` registers one.", name=given)


def endpoints(road: Road, use_case: str = "") -> Page[Endpoint]:
    """The newest endpoints (of a use case), and how many there are."""
    return road.ask("GET", "/endpoints", Page[Endpoint], use_case=use_case)


def who_may(road: Road, role: Role, besides: Sequence[str] = ()) -> str:
    """A person with a role, to be named in a hint; the role itself in capitals when nobody has it."""
    able = [p.id for p in road.people() if role in p.roles and p.id not in besides]
    return able[0] if able else role.value.upper()
