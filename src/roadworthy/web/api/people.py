"""People and their roles."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.services.catalog.people import add_person, deactivate_person, people
from roadworthy.services.house import plain
from roadworthy.web.api.access import ActingPerson, TheHouse

router = APIRouter(tags=["people"])


class NewPerson(BaseModel):
    """A person to add."""

    model_config = ConfigDict(extra="forbid")
    name: str
    roles: list[str]


@router.get("/people")
def list_people(house: TheHouse, actor: ActingPerson) -> list[dict[str, Any]]:
    """Everybody, with roles and public keys."""
    house.allow(actor, "read")
    return [plain(p) for p in people(house)]


class Deactivation(BaseModel):
    """Why a person may do nothing any more."""

    model_config = ConfigDict(extra="forbid")
    reason: str


@router.post("/people", status_code=201)
def post_person(house: TheHouse, actor: ActingPerson, body: NewPerson) -> dict[str, Any]:
    """Add a person."""
    found: dict[str, Any] = plain(add_person(house, actor, body.name, body.roles))
    return found


@router.post("/people/{name}/deactivate", status_code=201)
def post_deactivation(house: TheHouse, actor: ActingPerson, name: str, body: Deactivation) -> dict[str, Any]:
    """End what a person may do, from now on; what they signed before stands."""
    found: dict[str, Any] = plain(deactivate_person(house, actor, name, body.reason))
    return found
