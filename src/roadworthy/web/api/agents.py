"""Agents: who reports what a version decides that is served elsewhere, and what they report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.domain.serving import Agent
from roadworthy.services.agents.registry import agents, register_agent, retire_agent
from roadworthy.services.agents.reports import Life, Told, take_report
from roadworthy.services.house import plain
from roadworthy.web.api.entry.access import ActingPerson, TheHouse
from roadworthy.web.api.rollouts import Why

router = APIRouter(tags=["agents"])


class NewAgent(BaseModel):
    """An agent to register: it is to be heard of at least every `every_s` seconds."""

    model_config = ConfigDict(extra="forbid")
    name: str
    endpoint: str
    version: str
    every_s: float = 60.0


class MadeElsewhere(BaseModel):
    """One decision as the application made it; `inputs` has every column of the version, null where missing."""

    model_config = ConfigDict(extra="forbid")
    request_id: str
    unit_id: str
    inputs: dict[str, Any]
    score: float | None
    acted: bool
    at: datetime
    latency_ms: float = 0.0
    error: str = ""


class SignOfLife(BaseModel):
    """What the agent says of itself: since when it runs, and of how many decisions it could not tell."""

    model_config = ConfigDict(extra="forbid")
    started_at: datetime | None = None
    waiting: int = Field(default=0, ge=0, le=2**53)
    lost: int = Field(default=0, ge=0, le=2**53)
    refused: int = Field(default=0, ge=0, le=2**53)


class Report(BaseModel):
    """What happened since the last one; without decisions it is a sign of life."""

    model_config = ConfigDict(extra="forbid")
    decisions: list[MadeElsewhere] = Field(default_factory=list)
    life: SignOfLife = Field(default_factory=SignOfLife)


@router.get("/agents")
def list_agents(house: TheHouse, actor: ActingPerson, endpoint: str = "") -> list[dict[str, Any]]:
    """Agents, oldest first; with `silent`, whether each should have been heard of."""
    house.allow(actor, "read")
    return [_shown(house, agent) for agent in agents(house, endpoint)]


@router.post("/agents", status_code=201)
def post_agent(house: TheHouse, actor: ActingPerson, body: NewAgent) -> dict[str, Any]:
    """Register an agent."""
    made = register_agent(house, actor, body.name, body.endpoint, body.version, body.every_s)
    return _shown(house, made)


@router.post("/agents/{agent}/retirement")
def post_retirement(house: TheHouse, actor: ActingPerson, agent: str, body: Why) -> dict[str, Any]:
    """Take an agent out of service."""
    return _shown(house, retire_agent(house, actor, agent, body.reason))


@router.post("/agents/{agent}/reports")
def post_report(house: TheHouse, actor: ActingPerson, agent: str, body: Report) -> dict[str, Any]:
    """Take in a report: all of it or nothing, and the same one twice only once."""
    told = [Told(**dict(one)) for one in body.decisions]
    taken: dict[str, Any] = plain(take_report(house, actor, agent, told, Life(**dict(body.life))))
    return taken


def _shown(house: TheHouse, agent: Agent) -> dict[str, Any]:
    return {**plain(agent), "silent": agent.silent(house.clock.now())}
