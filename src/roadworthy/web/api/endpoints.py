"""Endpoints: registering, outcomes, reviews, the ledger."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict

from roadworthy.domain.errors import SettingError
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.services.house import House, plain
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.serve.outcomes import Reported, ingest_outcomes, read_outcome_file
from roadworthy.services.watch.lists import listed, page_of
from roadworthy.services.watch.review import review_endpoint
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["endpoints"])


class NewEndpoint(BaseModel):
    """An endpoint to register."""

    model_config = ConfigDict(extra="forbid")
    name: str
    use_case: str
    decision_point: str


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
def list_reviews(
    house: TheHouse, actor: ActingPerson, endpoint: str, limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """Reviews, newest first: `items`, `total`, and `next`, the cursor of the page that follows."""
    return _of_endpoint(house, actor, ReviewRun, endpoint, limit, cursor)


@router.get("/endpoints/{endpoint}/ledger")
def list_ledger(
    house: TheHouse, actor: ActingPerson, endpoint: str, limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """The value ledger, newest line first: `items`, `total`, and `next`, the cursor of the page that follows."""
    return _of_endpoint(house, actor, LedgerEntry, endpoint, limit, cursor)


def _of_endpoint(
    house: House, actor: Person, kind: type[Any], endpoint: str, limit: int, cursor: str
) -> dict[str, Any]:
    house.allow(actor, "read")
    with house.store.read() as tx:
        of = tx.of(Endpoint).get(endpoint).id
        found: dict[str, Any] = plain(page_of(tx, kind, limit=limit, cursor=cursor, endpoint=of))
    return found
