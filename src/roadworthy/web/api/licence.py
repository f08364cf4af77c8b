"""Keeping a licence: renewal, suspension, reinstatement, retirement, expiry, and delegations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Person
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.sign_off import renew, sign_offs_of
from roadworthy.services.house import House, plain
from roadworthy.services.licence.delegations import delegate, delegations, revoke_delegation
from roadworthy.services.licence.expiry import expire, standing_of
from roadworthy.services.licence.standing import reinstate, retire, suspend
from roadworthy.web.api.entry.access import ActingPerson, TheHouse
from roadworthy.web.api.versions import OpinionRequest

router = APIRouter(tags=["licence"])


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: str = ""


class DelegationRequest(BaseModel):
    """Who may do what in the actor's place, until when; no use case = in all."""

    model_config = ConfigDict(extra="forbid")
    taker: str
    until: datetime
    action: str = "sign-off"
    use_case: str = ""
    reason: str = ""


@router.get("/versions/{version}/licence")
def get_licence(house: TheHouse, actor: ActingPerson, version: str) -> dict[str, Any]:
    """How long a version's approval holds, for what, and every sign-off with whether it counts."""
    house.allow(actor, "read", facts_of(house, version=version))
    return {"standing": plain(standing_of(house, version)), "sign_offs": plain(sign_offs_of(house, version))}


@router.post("/versions/{version}/renewal", status_code=201)
def post_renewal(house: TheHouse, actor: ActingPerson, version: str, body: OpinionRequest) -> dict[str, Any]:
    """Sign the same evidence again; a quorum renews the approval, a rejection recalls the version."""
    found: dict[str, Any] = plain(renew(house, actor, version, **body.opinion()))
    return found


@router.post("/versions/{version}/suspension", status_code=201)
def post_suspension(house: TheHouse, actor: ActingPerson, version: str, body: Reason) -> dict[str, Any]:
    """Take an activated version out of service."""
    return _moved(suspend, house, actor, version, body)


@router.post("/versions/{version}/reinstatement", status_code=201)
def post_reinstatement(house: TheHouse, actor: ActingPerson, version: str, body: Reason) -> dict[str, Any]:
    """Activate a suspended version again, while its approval holds."""
    return _moved(reinstate, house, actor, version, body)


@router.post("/versions/{version}/retirement", status_code=201)
def post_retirement(house: TheHouse, actor: ActingPerson, version: str, body: Reason) -> dict[str, Any]:
    """End a version's life; it may have no traffic."""
    return _moved(retire, house, actor, version, body)


@router.post("/expiry", status_code=201)
def post_expiry(house: TheHouse, actor: ActingPerson) -> list[dict[str, Any]]:
    """Suspend every activated version whose approval has ended, and say how the others stand."""
    house.allow(actor, "suspend")
    return [plain(s) for s in expire(house)]


@router.get("/delegations")
def list_delegations(house: TheHouse, actor: ActingPerson, person: str = "") -> list[dict[str, Any]]:
    """Delegations given or taken by somebody, newest first."""
    house.allow(actor, "read")
    return [plain(d) for d in delegations(house, person)]


@router.post("/delegations", status_code=201)
def post_delegation(house: TheHouse, actor: ActingPerson, body: DelegationRequest) -> dict[str, Any]:
    """Let somebody sign in the actor's place, until a time."""
    given = delegate(
        house,
        actor,
        body.taker,
        body.until,
        action=body.action,
        use_case=body.use_case,
        reason=body.reason,
    )
    found: dict[str, Any] = plain(given)
    return found


@router.post("/delegations/{delegation}/revocation", status_code=201)
def post_revocation(house: TheHouse, actor: ActingPerson, delegation: str, body: Reason) -> dict[str, Any]:
    """End a delegation now; what was signed under it before stands."""
    found: dict[str, Any] = plain(revoke_delegation(house, actor, delegation, body.reason))
    return found


def _moved(
    move: Callable[[House, Person, str, str], ModelVersion], house: House, actor: Person, version: str, body: Reason
) -> dict[str, Any]:
    found: dict[str, Any] = plain(move(house, actor, version, body.reason))
    return found
