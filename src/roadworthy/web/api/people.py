"""People, their roles, and the policy that says what each role may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.trust import Person
from roadworthy.services.access.keys import keys, revoke_key, rotate_key
from roadworthy.services.access.reactivation import reactivate_person
from roadworthy.services.catalog.people import add_person, deactivate_person
from roadworthy.services.catalog.policies import matrix, read_expectations, ruling, run_expectations, set_policy
from roadworthy.services.house import plain
from roadworthy.services.watch.lists import listed
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["people"])


class NewPerson(BaseModel):
    """A person to add."""

    model_config = ConfigDict(extra="forbid")
    name: str
    roles: list[str]


@router.get("/people")
def list_people(house: TheHouse, actor: ActingPerson, limit: int = PAGE, cursor: str = "") -> dict[str, Any]:
    """People with roles and public keys, newest first: `items`, `total`, and `next`, the following page's cursor."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(listed(house, Person, limit=limit, cursor=cursor))
    return found


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


class Reactivation(BaseModel):
    """Why a person may act again."""

    model_config = ConfigDict(extra="forbid")
    reason: str


@router.post("/people/{name}/reactivate", status_code=201)
def post_reactivation(house: TheHouse, actor: ActingPerson, name: str, body: Reactivation) -> dict[str, Any]:
    """Let a deactivated person act again, under a new key; their tokens and sessions stay ended."""
    found: dict[str, Any] = plain(reactivate_person(house, actor, name, body.reason))
    return found


class Rotation(BaseModel):
    """Why a key gets a successor, and since when somebody else may have held it (none: nobody has)."""

    model_config = ConfigDict(extra="forbid")
    reason: str
    compromised_since: datetime | None = None


class Revocation(BaseModel):
    """Which former key, since when somebody else may have held it, and how that is known."""

    model_config = ConfigDict(extra="forbid")
    key: str
    compromised_since: datetime
    reason: str


@router.get("/keys")
def list_keys(house: TheHouse, actor: ActingPerson) -> list[dict[str, Any]]:
    """Every signing key there is and was, with the times between which it counts."""
    house.allow(actor, "read")
    return [plain(key) for key in keys(house)]


@router.post("/people/{name}/key", status_code=201)
def post_rotation(house: TheHouse, actor: ActingPerson, name: str, body: Rotation) -> dict[str, Any]:
    """Give a person or the platform a new key; what the former one signed stands."""
    found: dict[str, Any] = plain(rotate_key(house, actor, name, body.reason, body.compromised_since))
    return found


@router.post("/people/{name}/key/revocation", status_code=201)
def post_revocation(house: TheHouse, actor: ActingPerson, name: str, body: Revocation) -> dict[str, Any]:
    """Refuse what a former key signed from a moment on, and what is not proven to be older."""
    since, why = body.compromised_since, body.reason
    found: dict[str, Any] = plain(revoke_key(house, actor, name, body.key, since, why))
    return found


class PolicyText(BaseModel):
    """A policy file and what to call it."""

    model_config = ConfigDict(extra="forbid")
    text: str
    source: str = "policy.cedar"
    reason: str = ""


class Trial(BaseModel):
    """Expectations, to be held against the rules in force or a candidate's text.

    They are lines `PERSON ACTION [OBJECT] -> allow|deny [because RULE]`.
    """

    model_config = ConfigDict(extra="forbid")
    expectations: str
    candidate: str = ""
    source: str = "candidate.cedar"


@router.get("/policy")
def get_policy(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """The rules in force."""
    house.allow(actor, "read")
    return {"source": house.policy.source, "text": house.policy.text, "actions": list(house.policy.actions)}


@router.put("/policy")
def put_policy(house: TheHouse, actor: ActingPerson, body: PolicyText) -> dict[str, Any]:
    """Put other rules in force; refused rules leave the old ones as they are."""
    found: dict[str, Any] = plain(set_policy(house, actor, body.text, body.source, body.reason))
    return found


@router.post("/policy/check")
def post_check(house: TheHouse, actor: ActingPerson, body: PolicyText) -> dict[str, Any]:
    """Whether rules could be put in force; changes nothing."""
    house.allow(actor, "manage-policy")
    return {"source": house.policy.checked(body.text, body.source).source, "holds": True}


@router.get("/policy/matrix")
def get_matrix(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """Which role may do what under the rules in force."""
    house.allow(actor, "read")
    return {"source": house.policy.source, "matrix": matrix(house.policy)}


@router.get("/policy/ruling")
def get_ruling(house: TheHouse, actor: ActingPerson, person: str, action: str, about: str = "") -> dict[str, Any]:
    """Whether somebody may do something (about a version, use case or endpoint) now, and which rules decide it."""
    house.allow(actor, "read")
    return {"source": house.policy.source, "ruling": plain(ruling(house, house.policy, person, action, about))}


@router.post("/policy/trial")
def post_trial(house: TheHouse, actor: ActingPerson, body: Trial) -> dict[str, Any]:
    """What comes out for every expectation, under the rules in force or a candidate; changes nothing."""
    house.allow(actor, "manage-policy")
    policy = house.policy.checked(body.candidate, body.source) if body.candidate else house.policy
    met = run_expectations(house, policy, read_expectations(body.expectations))
    return {"source": policy.source, "holds": all(m.holds for m in met), "met": [plain(m) for m in met]}
