"""Endpoints: deploying, stepping and rolling back, outcomes, reviews, the ledger."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.domain.errors import SettingError
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.use_case import UseCase
from roadworthy.rollout.canary import CanaryRule
from roadworthy.services.house import plain
from roadworthy.services.serve.deploy import deploy, roll_back
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.serve.outcomes import Reported, ingest_outcomes, read_outcome_file
from roadworthy.services.serve.plan import DEFAULT_SCHEDULE
from roadworthy.services.serve.rollout import looks, resume_rollout, step_rollout
from roadworthy.services.watch.lists import listed
from roadworthy.services.watch.review import review_endpoint
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["endpoints"])


class NewEndpoint(BaseModel):
    """An endpoint to register."""

    model_config = ConfigDict(extra="forbid")
    name: str
    use_case: str
    decision_point: str


class DeployRequest(BaseModel):
    """What to put in force."""

    model_config = ConfigDict(extra="forbid")
    version: str
    schedule: list[float] = Field(default_factory=lambda: list(DEFAULT_SCHEDULE))


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


class NewOutcome(BaseModel):
    """One outcome."""

    model_config = ConfigDict(extra="forbid")
    request_id: str
    value: float
    observed_at: datetime | None = None


class ReviewRequest(BaseModel):
    """Which window of decisions to review: since <= decided at < until."""

    model_config = ConfigDict(extra="forbid")
    since: datetime | None = None
    until: datetime | None = None


@router.get("/endpoints")
def list_endpoints(
    house: TheHouse, actor: ActingPerson, use_case: str = "", limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """Endpoints, newest first: `items`, `total`, and `next`, the cursor of the page that follows."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(listed(house, Endpoint, use_case=use_case, limit=limit, cursor=cursor))
    return found


@router.get("/endpoints/{endpoint}")
def get_endpoint(house: TheHouse, actor: ActingPerson, endpoint: str) -> dict[str, Any]:
    """One endpoint."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        found: dict[str, Any] = plain(tx.of(Endpoint).get(endpoint))
    return found


@router.post("/endpoints", status_code=201)
def post_endpoint(house: TheHouse, actor: ActingPerson, body: NewEndpoint) -> dict[str, Any]:
    """Register an endpoint."""
    found: dict[str, Any] = plain(register_endpoint(house, actor, body.name, body.use_case, body.decision_point))
    return found


@router.get("/endpoints/{endpoint}/deployments")
def list_deployments(house: TheHouse, actor: ActingPerson, endpoint: str) -> list[dict[str, Any]]:
    """Deployments, newest first, each with the looks taken at it."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        tx.of(Endpoint).get(endpoint)
        found = tx.of(Deployment).find(endpoint=endpoint, newest_first=True)
    return [{"deployment": plain(d), "looks": [plain(x) for x in looks(house, d.id)]} for d in found]


@router.post("/endpoints/{endpoint}/deployments", status_code=201)
def post_deployment(house: TheHouse, actor: ActingPerson, endpoint: str, body: DeployRequest) -> dict[str, Any]:
    """Deploy a version."""
    found: dict[str, Any] = plain(deploy(house, actor, body.version, endpoint, tuple(body.schedule)))
    return found


@router.post("/endpoints/{endpoint}/rollout/step")
def post_step(house: TheHouse, actor: ActingPerson, endpoint: str, body: RuleRequest) -> dict[str, Any]:
    """Look at the rollout under way and act on what its traffic proves."""
    house.allow(actor, "promote")
    record = step_rollout(house, endpoint, CanaryRule(**body.model_dump()))
    return {"look": plain(record) if record else None}


@router.post("/endpoints/{endpoint}/rollout/resume")
def post_resume(house: TheHouse, actor: ActingPerson, endpoint: str, body: Why) -> dict[str, Any]:
    """Let a paused rollout go on."""
    found: dict[str, Any] = plain(resume_rollout(house, actor.id, endpoint, body.reason))
    return found


@router.post("/endpoints/{endpoint}/roll-back")
def post_roll_back(house: TheHouse, actor: ActingPerson, endpoint: str, body: Why) -> dict[str, Any]:
    """Take the new version's traffic away."""
    found: dict[str, Any] = plain(roll_back(house, actor, endpoint, body.reason))
    return found


@router.post("/endpoints/{endpoint}/outcomes")
def post_outcomes(house: TheHouse, actor: ActingPerson, endpoint: str, body: list[NewOutcome]) -> dict[str, Any]:
    """Take in outcomes one by one."""
    now = house.clock.now()
    reported = [Reported(o.request_id, o.value, o.observed_at or now) for o in body]
    return asdict(ingest_outcomes(house, actor, endpoint, reported))


@router.post("/endpoints/{endpoint}/outcomes/file")
async def post_outcome_file(
    house: TheHouse, actor: ActingPerson, endpoint: str, request: Request, name: Annotated[str, Query()]
) -> dict[str, Any]:
    """Take in outcomes from a CSV or Parquet file: the body is its bytes."""
    data = await request.body()

    def take_in() -> dict[str, Any]:
        with house.store.read() as tx:
            case = tx.of(UseCase).get(tx.of(Endpoint).get(endpoint).use_case)
        reported = read_outcome_file(house, data, name, case.positive_label)
        return asdict(ingest_outcomes(house, actor, endpoint, reported))

    # In a thread: this process answers decisions on the same event loop.
    return await run_in_threadpool(take_in)


@router.post("/endpoints/{endpoint}/reviews", status_code=201)
def post_review(house: TheHouse, actor: ActingPerson, endpoint: str, body: ReviewRequest) -> dict[str, Any]:
    """Review what the endpoint did in a window."""
    for name in ("since", "until"):
        moment = getattr(body, name)
        if moment is not None and moment.tzinfo is None:
            raise SettingError(
                f"'{name}' has no time zone", remedy="Add one, for example 2026-01-31T00:00:00Z.", field=name
            )
    found: dict[str, Any] = plain(review_endpoint(house, actor, endpoint, body.since, body.until))
    return found


@router.get("/endpoints/{endpoint}/reviews")
def list_reviews(house: TheHouse, actor: ActingPerson, endpoint: str) -> list[dict[str, Any]]:
    """Reviews, oldest first."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        return [plain(r) for r in tx.of(ReviewRun).find(endpoint=tx.of(Endpoint).get(endpoint).id)]


@router.get("/endpoints/{endpoint}/ledger")
def list_ledger(house: TheHouse, actor: ActingPerson, endpoint: str) -> list[dict[str, Any]]:
    """The value ledger, oldest first."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        return [plain(x) for x in tx.of(LedgerEntry).find(endpoint=tx.of(Endpoint).get(endpoint).id)]
