"""Gate runs: their progress as it happens, cancelling, trying again, and what stands in a version's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from roadworthy.services.facts import facts_of
from roadworthy.services.gates.interventions import cancel_gate, retry_gate
from roadworthy.services.gates.progress import Progress, progress_of
from roadworthy.services.gates.run import gate_run
from roadworthy.services.gates.why import why
from roadworthy.services.house import House, plain
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["gate runs"])

LONGEST_S = 30.0
"""Longest one request may wait for something to happen."""

LOOK_S = 0.1
"""Seconds between two looks at the store while a request waits."""


class CancelRequest(BaseModel):
    """Why a gate is ended."""

    model_config = ConfigDict(extra="forbid")
    reason: str


class RetryRequest(BaseModel):
    """Whether everything is measured anew."""

    model_config = ConfigDict(extra="forbid")
    fresh: bool = False


@router.get("/runs/{run}")
def get_run(
    house: TheHouse,
    actor: ActingPerson,
    run: str,
    seen: str = "",
    wait_s: Annotated[float, Query(ge=0, le=LONGEST_S)] = 0.0,
) -> dict[str, Any]:
    """A gate run as it stands, with every check's status and times.

    `stamp` changes with every check that is begun or done. With `seen` (a stamp) and `wait_s` the answer comes when
    the stamp is another one, at the latest after so many seconds.
    """
    house.allow(actor, "read", facts_of(house, version=gate_run(house, run).version))
    return awaited(lambda: _shown(house, run), seen, wait_s)


@router.post("/runs/{run}/cancel")
def post_cancel(house: TheHouse, actor: ActingPerson, run: str, body: CancelRequest) -> dict[str, Any]:
    """End a run that has not concluded: it lets nothing through, and is signed as cancelled."""
    found: dict[str, Any] = plain(cancel_gate(house, actor, run, body.reason))
    return found


@router.post("/runs/{run}/retry", status_code=201)
def post_retry(house: TheHouse, actor: ActingPerson, run: str, body: RetryRequest) -> dict[str, Any]:
    """Take up a run nobody carries out any more, or start one again that could not conclude; without waiting."""
    found: dict[str, Any] = plain(retry_gate(house, actor, run, fresh=body.fresh))
    return found


@router.get("/versions/{version}/why")
def get_why(house: TheHouse, actor: ActingPerson, version: str) -> dict[str, Any]:
    """What stands between a version and its next state, or what comes next when nothing does."""
    house.allow(actor, "read", facts_of(house, version=version))
    found = why(house, version)
    return {**plain(found), "blocked": found.blocked}


def awaited(
    look: Callable[[], dict[str, Any]],
    seen: str,
    wait_s: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """What `look` shows as soon as its stamp is not `seen`, or after `wait_s` seconds."""
    until = now() + wait_s
    while True:
        shown = look()
        if shown["stamp"] != seen or shown["verdict"] is not None or now() >= until:
            return shown
        sleep(LOOK_S)


def _shown(house: House, run_id: str) -> dict[str, Any]:
    run = gate_run(house, run_id)
    progress: Progress = progress_of(run)
    return {**plain(run), "stamp": progress.stamp, "checks": plain(progress.checks)}
