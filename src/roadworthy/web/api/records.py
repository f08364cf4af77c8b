"""What was recorded: status, work items, the change record, traces."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadworthy.services.house import plain
from roadworthy.services.watch.status import status
from roadworthy.services.watch.trace import trace
from roadworthy.services.watch.verify import changes, verify_changes
from roadworthy.services.watch.work_items import assign, work_items
from roadworthy.web.api.access import ActingPerson, TheHouse

router = APIRouter(tags=["records"])


class Assignment(BaseModel):
    """Who takes a work item."""

    model_config = ConfigDict(extra="forbid")
    assignee: str


@router.get("/status")
def get_status(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """Where everything stands."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(status(house))
    return found


@router.get("/work-items")
def list_work_items(house: TheHouse, actor: ActingPerson, use_case: str = "", open_only: bool = False) -> list[Any]:
    """Work items, newest first."""
    house.allow(actor, "read")
    return [plain(w) for w in work_items(house, use_case or None, open_only=open_only)]


@router.put("/work-items/{item}/assignee")
def put_assignee(house: TheHouse, actor: ActingPerson, item: str, body: Assignment) -> dict[str, Any]:
    """Give a work item to a person."""
    found: dict[str, Any] = plain(assign(house, actor, item, body.assignee))
    return found


@router.get("/changes")
def list_changes(house: TheHouse, actor: ActingPerson, subject: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """The change record, newest first."""
    house.allow(actor, "read")
    return [plain(c) for c in changes(house, subject or None, limit)]


@router.get("/changes/verification")
def get_verification(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """Verify the whole change record."""
    house.allow(actor, "read")
    return {"verified": verify_changes(house)}


@router.get("/traces/{key}")
def get_trace(house: TheHouse, actor: ActingPerson, key: str) -> list[dict[str, Any]]:
    """Everything about the decisions with this id or request id."""
    house.allow(actor, "read")
    return [plain(t) for t in trace(house, key)]
