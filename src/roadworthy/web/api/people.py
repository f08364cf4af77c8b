"""People and their roles."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.services.catalog.people import add_person, people
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


@router.post("/people", status_code=201)
def post_person(house: TheHouse, actor: ActingPerson, body: NewPerson) -> dict[str, Any]:
    """Add a person."""
    found: dict[str, Any] = plain(add_person(house, actor, body.name, body.roles))
    return found
