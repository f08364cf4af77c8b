"""Logins: which person an account of the identity provider is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.services.access.logins import link_login, logins
from roadworthy.services.house import plain
from roadworthy.web.api.access import ActingPerson, TheHouse

router = APIRouter(tags=["logins"])


class NewLogin(BaseModel):
    """An account to link: as the provider names itself (`iss`) and the account (`sub`)."""

    model_config = ConfigDict(extra="forbid")
    person: str
    issuer: str
    subject: str


@router.get("/logins")
def list_logins(house: TheHouse, actor: ActingPerson) -> list[dict[str, Any]]:
    """Every link of an account to a person."""
    house.allow(actor, "read")
    return [plain(link) for link in logins(house)]


@router.post("/logins", status_code=201)
def post_login(house: TheHouse, actor: ActingPerson, body: NewLogin) -> dict[str, Any]:
    """Let an account log in as a person; a former link of the account is replaced."""
    made: dict[str, Any] = plain(link_login(house, actor, body.person, body.issuer, body.subject))
    return made
