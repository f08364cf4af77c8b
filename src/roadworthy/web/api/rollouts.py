"""Deployments: putting versions in force by a strategy, looking at a rollout, and what a person decides about it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.domain.serving import Deployment, Endpoint, Strategy
from roadworthy.domain.storing.query import PAGE
from roadworthy.rollout.canary import CanaryRule
from roadworthy.rollout.strategies.recipe import Terms
from roadworthy.services.house import plain
from roadworthy.services.serve.by_hand import pause_rollout, promote_by_hand, resume_rollout
from roadworthy.services.serve.deploy import deploy, roll_back
from roadworthy.services.serve.rollout import looks, step_rollout
from roadworthy.services.serve.shadows import compare_shadows
from roadworthy.services.watch.lists import page_of
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["rollouts"])


class DeployRequest(BaseModel):
    """What to put in force, and how; see `Terms` for the options of the strategies."""

    model_config = ConfigDict(extra="forbid")
    version: str
    strategy: Strategy | None = None
    schedule: list[float] | None = None
    shares: list[float] = Field(default_factory=list)
    beside: list[str] = Field(default_factory=list, max_length=20)


class RuleRequest(BaseModel):
    """The stopping rule; see `CanaryRule` for each field's meaning."""

    model_config = ConfigDict(extra="forbid")
    alpha: float = 0.05
    harm_ratio: float = 1.0
    tolerated_ratio: float = 2.0
    max_failure_rate: float = 0.01
    min_requests: int = 200
    deadline_h: float = 24.0
    advance_unproven: bool = False


class Why(BaseModel):
    """A reason, for the change record."""

    model_config = ConfigDict(extra="forbid")
    reason: str


class Promotion(Why):
    """A reason, and the arm to promote where there are several challengers."""

    arm: str = ""


@router.get("/endpoints/{endpoint}/deployments")
def list_deployments(
    house: TheHouse, actor: ActingPerson, endpoint: str, limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """Deployments, newest first, each with the looks taken at it: `items`, `total`, and `next`, a page's cursor."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        tx.of(Endpoint).get(endpoint)
        found = page_of(tx, Deployment, limit=limit, cursor=cursor, endpoint=endpoint)
    items = [{"deployment": plain(d), "looks": [plain(x) for x in looks(house, d.id)]} for d in found.items]
    return {"items": items, "total": found.total, "next": found.next}


@router.post("/endpoints/{endpoint}/deployments", status_code=201)
def post_deployment(house: TheHouse, actor: ActingPerson, endpoint: str, body: DeployRequest) -> dict[str, Any]:
    """Deploy a version, by itself or with others beside it."""
    schedule = None if body.schedule is None else tuple(body.schedule)
    terms = Terms(body.strategy, schedule, tuple(body.shares), tuple(body.beside))
    found: dict[str, Any] = plain(deploy(house, actor, body.version, endpoint, terms))
    return found


@router.post("/endpoints/{endpoint}/rollout/step")
def post_step(house: TheHouse, actor: ActingPerson, endpoint: str, body: RuleRequest) -> dict[str, Any]:
    """Look at the rollout under way and act on what its traffic proves."""
    house.allow(actor, "promote")
    record = step_rollout(house, endpoint, CanaryRule(**body.model_dump()))
    return {"look": plain(record) if record else None}


@router.post("/endpoints/{endpoint}/rollout/promote")
def post_promote(house: TheHouse, actor: ActingPerson, endpoint: str, body: Promotion) -> dict[str, Any]:
    """Make a challenger the champion, by a person's decision."""
    found: dict[str, Any] = plain(promote_by_hand(house, actor, endpoint, body.reason, body.arm))
    return found


@router.post("/endpoints/{endpoint}/rollout/pause")
def post_pause(house: TheHouse, actor: ActingPerson, endpoint: str, body: Why) -> dict[str, Any]:
    """Stop a rollout where it is."""
    found: dict[str, Any] = plain(pause_rollout(house, actor, endpoint, body.reason))
    return found


@router.post("/endpoints/{endpoint}/rollout/resume")
def post_resume(house: TheHouse, actor: ActingPerson, endpoint: str, body: Why) -> dict[str, Any]:
    """Let a paused rollout go on."""
    found: dict[str, Any] = plain(resume_rollout(house, actor, endpoint, body.reason))
    return found


@router.get("/endpoints/{endpoint}/shadows")
def get_shadows(house: TheHouse, actor: ActingPerson, endpoint: str) -> list[dict[str, Any]]:
    """Every shadow of the deployment in force beside its champion."""
    house.allow(actor, "read")
    return [plain(report) for report in compare_shadows(house, endpoint)]


@router.post("/endpoints/{endpoint}/roll-back")
def post_roll_back(house: TheHouse, actor: ActingPerson, endpoint: str, body: Why) -> dict[str, Any]:
    """Take the new version's traffic away."""
    found: dict[str, Any] = plain(roll_back(house, actor, endpoint, body.reason))
    return found
