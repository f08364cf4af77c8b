"""People, and what an endpoint has done, page by page: every entry once, newest first, and the rest by the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from small_world import CASE, ENDPOINT, V1, World

from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Deployment
from roadworthy.domain.trust import Person
from roadworthy.domain.verdict import Verdict

Open = Callable[[str], Any]
MANY = 7
ROUTES = {
    "people": "/people",
    "reviews": f"/endpoints/{ENDPOINT}/reviews",
    "ledger": f"/endpoints/{ENDPOINT}/ledger",
    "deployments": f"/endpoints/{ENDPOINT}/deployments",
}


def fill(world: World) -> None:
    """Seven more of each."""
    now = world.clock.now()
    with world.house.store.begin() as tx:
        vera, first = tx.of(Person).get("vera"), tx.of(Deployment).find(endpoint=ENDPOINT)[0]
        for n in range(MANY):
            at = now + timedelta(days=n)
            tx.of(Person).add(replace(vera, id=f"person-{n}"))
            tx.of(Deployment).add(replace(first, id=f"{ENDPOINT}-x{n}", created_at=at))
            run = ReviewRun(f"r-{n}", ENDPOINT, CASE, V1, now, at, at, 9, 0, Verdict.PASS, (), "all well")
            tx.of(ReviewRun).add(run)
            line = LedgerEntry(f"l-{n}", ENDPOINT, V1, "k", now, at, "EUR", 5, 5, 2.0, 1.0, measurable=True)
            tx.of(LedgerEntry).add(line)


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_every_entry_comes_once_newest_first_and_the_last_page_says_so(api_at: Open, path: str) -> None:
    api = api_at("serving")
    fill(api.world)
    whole = api.ask("GET", f"{path}?limit=500").json()
    assert (whole["next"], len(whole["items"])) == ("", whole["total"])
    assert whole["total"] >= MANY
    paged: list[Any] = []
    cursor = ""
    for _ in range(whole["total"]):
        page = api.ask("GET", f"{path}?limit=3&cursor={cursor}").json()
        assert (page["total"], 1 <= len(page["items"]) <= 3) == (whole["total"], True)
        paged += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert paged == whole["items"]
    ids = [i.get("id") or i["deployment"]["id"] for i in paged]
    assert len(set(ids)) == len(ids)
    assert ids[0].endswith(str(MANY - 1))


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_a_page_nobody_would_wait_for_or_a_foreign_cursor_is_refused(api_at: Open, path: str) -> None:
    api = api_at("serving")
    for asked in ("limit=0", "limit=501", "cursor=elsewhere"):
        reply = api.ask("GET", f"{path}?{asked}")
        assert (reply.status_code, reply.json()["code"]) == (422, "setting"), asked
