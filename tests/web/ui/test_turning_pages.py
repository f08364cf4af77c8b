"""Pages with more on them than one can read show the newest, and a link to what follows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from small_world import CASE, ENDPOINT, V1, World

from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItem, WorkItemState
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.web.ui.views.data import SHOWN as CASES
from roadworthy.web.ui.views.endpoint import SHOWN as DEPLOYMENTS
from roadworthy.web.ui.views.reviews import MAX_REVIEWS
from roadworthy.web.ui.views.value import SHOWN as ENDPOINTS


def _many(world: World) -> None:
    now = world.clock.now()
    with world.house.store.begin() as tx:
        case, endpoint = tx.of(UseCase).get(CASE), tx.of(Endpoint).get(ENDPOINT)
        for n in range(CASES + 2):
            tx.of(UseCase).add(replace(case, id=f"case-{n}"))
        for n in range(ENDPOINTS + 2):
            tx.of(Endpoint).add(replace(endpoint, id=f"endpoint-{n}"))
            line = LedgerEntry(
                f"line-{n}",
                f"endpoint-{n}",
                V1,
                "k",
                now,
                now,
                "EUR",
                500,
                500,
                2.0,
                1.0,
                True,
                1.0,
                None,
                500.0,
                9.0,
            )
            tx.of(LedgerEntry).add(line)
        for n in range(1, 56):
            item = WorkItem(
                f"work-{n}", V1, CASE, DefectKind.LEAKAGE, DevelopmentStep.DATA_PREPARATION, "V2 leakage", "It leaks.",
                "validation", now,
            )  # fmt: skip
            closed = replace(item, id=f"work-{n + 100}", state=WorkItemState.CLOSED, closed_by="run", closed_at=now)
            tx.of(WorkItem).add(item)
            tx.of(WorkItem).add(closed)


@pytest.fixture
def pages(place_at: Callable[..., Any]) -> Any:
    place = place_at("serving")
    _many(place.world)
    return place.browser()


def _turned(page: str, name: str) -> str:
    links = [unescape(x) for x in re.findall(r'href=\\?"([^"\\]+)\\?"[^>]*>Next page', unescape(page))]
    return next(x for x in links if f"{name}=" in x)


@pytest.mark.parametrize(
    ("path", "name", "newest", "oldest"),
    [
        ("/work", "open", "item=work-55", "item=work-1"),
        ("/work", "closed", "item=work-155", "item=work-101"),
        (f"/work?version={V1}", "open", "item=work-55", "item=work-1"),
        ("/value", "cursor", f"/endpoints/endpoint-{ENDPOINTS + 1}", "/endpoints/endpoint-0"),
        ("/data", "cursor", f'id=\\"case-{CASES + 1}\\"', f'id=\\"{CASE}\\"'),
    ],
)
def test_a_long_list_shows_its_newest_first_and_the_oldest_on_the_last_page(
    pages: Any, path: str, name: str, newest: str, oldest: str
) -> None:
    def has(text: str, what: str) -> bool:
        plain = unescape(text).replace("\\", "")
        return re.search(re.escape(what.replace("\\", "")) + r"(?!\d)", plain) is not None

    first = pages.get(path).text
    assert (has(first, newest), has(first, oldest)) == (True, False)
    following = pages.get(_turned(first, name)).text
    assert (has(following, newest), has(following, oldest)) == (False, True)


def test_the_headline_counts_all_of_them(pages: Any) -> None:
    assert "55 open work items, 55 closed" in pages.get("/work").text
    assert f"{ENDPOINTS} endpoints of {ENDPOINTS + 3}" in pages.get("/value").text


def test_an_endpoints_deployments_and_reviews_are_turned_each_by_its_own_cursor(
    place_at: Callable[..., Any],
) -> None:
    place = place_at("serving")
    now = place.world.clock.now()
    with place.world.house.store.begin() as tx:
        first = tx.of(Deployment).find(endpoint=ENDPOINT)[0]
        for n in range(DEPLOYMENTS + 3):
            tx.of(Deployment).add(replace(first, id=f"later-{n:02}"))
        for n in range(MAX_REVIEWS + 3):
            run = ReviewRun(
                f"r-{n}", ENDPOINT, CASE, V1, now, now, now, 9, 0, Verdict.PASS, (), f"conclusion-{n:02}."
            )
            tx.of(ReviewRun).add(run)
    client = place.browser()
    page = client.get(f"/endpoints/{ENDPOINT}").text
    assert ("later-27" in page, "later-02" in page) == (True, False)
    assert ("conclusion-26." in page, "conclusion-02." in page) == (True, False)
    reviews = client.get(_turned(page, "reviews")).text
    assert ("conclusion-26." in reviews, "conclusion-02." in reviews, "later-27" in reviews) == (False, True, True)
    deployments = client.get(_turned(page, "deployments")).text
    assert ("later-20" in deployments, "later-02" in deployments) == (False, True)
