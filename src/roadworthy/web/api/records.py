"""What was recorded: status, work items and the way back, the change record, traces."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from roadworthy.domain.lifecycle import State
from roadworthy.domain.storing.query import PAGE
from roadworthy.evidence.checkpoints import RecordReport
from roadworthy.services.house import plain
from roadworthy.services.serve.looking_back.explanation import explain
from roadworthy.services.serve.looking_back.replay import replay
from roadworthy.services.watch.catalog import Search, catalog
from roadworthy.services.watch.status import status
from roadworthy.services.watch.trace import trace
from roadworthy.services.watch.verify import changes, checkpoint, verify_against
from roadworthy.services.watch.way_back import assign, comment, link_successor, re_enter, work_item
from roadworthy.services.watch.work_items import work_items
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["records"])


class CatalogSearch(BaseModel):
    """What is looked for in the catalog. Moments carry their time zone."""

    model_config = ConfigDict(extra="forbid")
    use_case: str = ""
    state: list[State] = Field(default_factory=list)
    name: str = ""
    owner: str = ""
    developer: str = ""
    words: str = ""
    approved_since: AwareDatetime | None = None
    approved_before: AwareDatetime | None = None
    order: str = "newest"
    limit: int = PAGE
    cursor: str = ""

    def asked(self) -> Search:
        """The same as the service takes it."""
        given = dict(self)
        return Search(states=tuple(given.pop("state")), **given)


class WorkSearch(BaseModel):
    """Which work items."""

    model_config = ConfigDict(extra="forbid")
    use_case: str = ""
    version: str = ""
    open_only: bool = False
    limit: int = PAGE
    cursor: str = ""


class Assignment(BaseModel):
    """Who takes a work item."""

    model_config = ConfigDict(extra="forbid")
    assignee: str


class NewComment(BaseModel):
    """What somebody says about a work item."""

    model_config = ConfigDict(extra="forbid")
    text: str


class Successor(BaseModel):
    """The version that is to mend a work item."""

    model_config = ConfigDict(extra="forbid")
    successor: str


class ReEntryRequest(BaseModel):
    """What was mended."""

    model_config = ConfigDict(extra="forbid")
    why: str


class Kept(BaseModel):
    """Envelopes of signed checkpoints that somebody kept elsewhere."""

    model_config = ConfigDict(extra="forbid")
    against: list[str]


@router.get("/catalog")
def list_catalog(house: TheHouse, actor: ActingPerson, search: Annotated[CatalogSearch, Query()]) -> dict[str, Any]:
    """Versions as cards: one page as `items`, how many match as `total`, and the `next` page's cursor."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(catalog(house, search.asked()))
    return found


@router.get("/status")
def get_status(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """Where everything stands."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(status(house))
    return found


@router.get("/work-items")
def list_work_items(house: TheHouse, actor: ActingPerson, search: Annotated[WorkSearch, Query()]) -> dict[str, Any]:
    """Work items, newest first: `items`, `total`, and `next`, the cursor of the page that follows."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(work_items(house, **dict(search)))
    return found


@router.put("/work-items/{item}/assignee")
def put_assignee(house: TheHouse, actor: ActingPerson, item: str, body: Assignment) -> dict[str, Any]:
    """Give a work item to a person."""
    found: dict[str, Any] = plain(assign(house, actor, item, body.assignee))
    return found


@router.get("/work-items/{item}")
def get_work_item(house: TheHouse, actor: ActingPerson, item: str) -> dict[str, Any]:
    """One work item, its re-entry rule and its history."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(work_item(house, item))
    return found


@router.post("/work-items/{item}/comments", status_code=201)
def post_comment(house: TheHouse, actor: ActingPerson, item: str, body: NewComment) -> dict[str, Any]:
    """Say something about a work item."""
    found: dict[str, Any] = plain(comment(house, actor, item, body.text))
    return found


@router.put("/work-items/{item}/successor")
def put_successor(house: TheHouse, actor: ActingPerson, item: str, body: Successor) -> dict[str, Any]:
    """Name the version that is to mend a work item."""
    found: dict[str, Any] = plain(link_successor(house, actor, item, body.successor))
    return found


@router.post("/versions/{version}/re-entry", status_code=201)
def post_re_entry(house: TheHouse, actor: ActingPerson, version: str, body: ReEntryRequest) -> dict[str, Any]:
    """Bring a returned version back, to pass the gates again."""
    found: dict[str, Any] = plain(re_enter(house, actor, version, body.why))
    return found


@router.get("/changes")
def list_changes(house: TheHouse, actor: ActingPerson, subject: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """The change record, newest first."""
    house.allow(actor, "read")
    return [plain(c) for c in changes(house, subject or None, limit)]


@router.get("/changes/verification")
def get_verification(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """Verify the whole change record by its links and its signed checkpoints."""
    house.allow(actor, "read")
    return _verified(verify_against(house))


@router.post("/changes/verification")
def verify_with_kept(house: TheHouse, actor: ActingPerson, body: Kept) -> dict[str, Any]:
    """Verify it also by checkpoints that somebody kept elsewhere."""
    house.allow(actor, "export")
    return _verified(verify_against(house, body.against))


@router.get("/changes/checkpoint")
def get_checkpoint(house: TheHouse, actor: ActingPerson) -> dict[str, Any]:
    """The signed checkpoint of the newest link, made when there is none yet: keep it elsewhere."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(checkpoint(house, "asked for, to be kept elsewhere"))
    return found


def _verified(report: RecordReport) -> dict[str, Any]:
    return {"verified": report.links, "checkpoints": report.checkpoints, "covered": report.covered}


@router.get("/traces/{key}")
def get_trace(house: TheHouse, actor: ActingPerson, key: str) -> list[dict[str, Any]]:
    """Everything about the decisions with this id or request id."""
    house.allow(actor, "read")
    return [plain(t) for t in trace(house, key)]


@router.get("/traces/{key}/replay")
def get_replay(house: TheHouse, actor: ActingPerson, key: str) -> list[dict[str, Any]]:
    """Score the decisions with this id or request id again, and compare bit for bit; nothing is recorded."""
    house.allow(actor, "read")
    return [plain(r) for r in replay(house, key)]


@router.get("/traces/{key}/explanation")
def get_explanation(house: TheHouse, actor: ActingPerson, key: str) -> list[dict[str, Any]]:
    """Which inputs moved the score of the decisions with this id or request id; as much as the actor may see."""
    return [plain(e) for e in explain(house, actor, key)]
