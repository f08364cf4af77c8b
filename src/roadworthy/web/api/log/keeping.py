"""Keeping the decision log: rules, upkeep, erasure; and how its outcomes stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.domain.storing.log import LogRules
from roadworthy.services.house import plain
from roadworthy.services.serve.keeping import erase_unit, keep_up, log_rules, set_log_rules
from roadworthy.services.watch.coverage import outcome_coverage
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["decision log"])


class Rules(BaseModel):
    """The rules of one endpoint's log; see `LogRules` for each field's meaning."""

    model_config = ConfigDict(extra="forbid")
    sync: str = ""
    keep_days: int = 0
    redact: dict[str, str] = Field(default_factory=dict)


class UpkeepRequest(BaseModel):
    """Of which endpoint; empty = of all."""

    model_config = ConfigDict(extra="forbid")
    endpoint: str = ""


class ErasureRequest(BaseModel):
    """Who is to be erased, why, and from which endpoint's log (empty = from all)."""

    model_config = ConfigDict(extra="forbid")
    unit_id: str
    reason: str
    endpoint: str = ""


@router.get("/endpoints/{endpoint}/log")
def get_log_rules(house: TheHouse, actor: ActingPerson, endpoint: str) -> dict[str, Any]:
    """By which rules the endpoint's decisions are kept."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(log_rules(house, endpoint))
    return found


@router.put("/endpoints/{endpoint}/log")
def put_log_rules(house: TheHouse, actor: ActingPerson, endpoint: str, body: Rules) -> dict[str, Any]:
    """Put rules in force for all that is decided from now on."""
    found: dict[str, Any] = plain(set_log_rules(house, actor, endpoint, LogRules(**body.model_dump())))
    return found


@router.get("/endpoints/{endpoint}/outcomes")
def get_outcome_coverage(house: TheHouse, actor: ActingPerson, endpoint: str) -> dict[str, Any]:
    """How many decisions have their outcome, which outcomes have no decision, and how long outcomes take."""
    house.allow(actor, "read")
    return asdict(outcome_coverage(house, endpoint))


@router.post("/upkeep")
def post_upkeep(house: TheHouse, actor: ActingPerson, body: UpkeepRequest) -> dict[str, Any]:
    """Remove what is too old, compact what is sealed."""
    return asdict(keep_up(house, actor, body.endpoint))


@router.post("/erasures", status_code=201)
def post_erasure(house: TheHouse, actor: ActingPerson, body: ErasureRequest) -> dict[str, Any]:
    """Erase a unit from the decision log, for good."""
    return asdict(erase_unit(house, actor, body.unit_id, body.reason, body.endpoint))
