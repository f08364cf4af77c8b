"""Tokens: making, listing, revoking. Logins: which person an account of the identity provider is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.services.access.logins import link_login, logins
from roadworthy.services.access.tokens import TokenTerms, create_token, revoke_token, tokens
from roadworthy.services.house import plain
from roadworthy.web.api.entry.access import ActingPerson, TheHouse, TheKeeper

router = APIRouter(tags=["tokens"])
accounts = APIRouter(tags=["logins"])


class NewTokenRequest(BaseModel):
    """A token to make. Nobody named: for oneself. No scopes: all one may do. No days: as long as allowed."""

    model_config = ConfigDict(extra="forbid")
    name: str
    person: str = ""
    scopes: list[str] = Field(default_factory=list)
    days: float | None = None


@router.get("/tokens")
def list_tokens(house: TheHouse, actor: ActingPerson, person: str = "") -> list[dict[str, Any]]:
    """Tokens, newest first: one's own, and those one manages. Secrets are never shown again."""
    house.allow(actor, "read")
    return [plain(t) for t in tokens(house, actor, person)]


@router.post("/tokens", status_code=201)
def post_token(house: TheHouse, actor: ActingPerson, keeper: TheKeeper, body: NewTokenRequest) -> dict[str, Any]:
    """Make a token. The answer holds its secret, this once."""
    terms = TokenTerms(body.person or actor.id, body.name, tuple(body.scopes), body.days)
    made: dict[str, Any] = plain(create_token(house, actor, terms, keeper.rules, ACTIONS))
    return made


@router.delete("/tokens/{token}")
def delete_token(house: TheHouse, actor: ActingPerson, token: str) -> dict[str, Any]:
    """Revoke a token: it opens nothing from now on."""
    ended: dict[str, Any] = plain(revoke_token(house, actor, token))
    return ended


class NewLogin(BaseModel):
    """An account to link: as the provider names itself (`iss`) and the account (`sub`)."""

    model_config = ConfigDict(extra="forbid")
    person: str
    issuer: str
    subject: str


@accounts.get("/logins")
def list_logins(house: TheHouse, actor: ActingPerson) -> list[dict[str, Any]]:
    """Every link of an account to a person."""
    house.allow(actor, "read")
    return [plain(link) for link in logins(house)]


@accounts.post("/logins", status_code=201)
def post_login(house: TheHouse, actor: ActingPerson, body: NewLogin) -> dict[str, Any]:
    """Let an account log in as a person; a former link of the account is replaced."""
    made: dict[str, Any] = plain(link_login(house, actor, body.person, body.issuer, body.subject))
    return made
