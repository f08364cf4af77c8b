"""Lists page by page: every entity once, newest first, whatever is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import CASE, World, at

from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Endpoint
from roadworthy.services.watch.lists import listed


@pytest.fixture(scope="module")
def world() -> World:
    world = at("prepared")
    with world.house.store.begin() as tx:
        (first,) = tx.of(Endpoint).find()
        for n in range(6):
            tx.of(Endpoint).add(replace(first, id=f"letters-{n}", use_case=CASE if n % 2 else "others"))
    return world


def _walked(world: World, **equals: object) -> list[list[str]]:
    pages, cursor = [], ""
    while not pages or cursor:
        page = listed(world.house, Endpoint, limit=2, cursor=cursor, **equals)
        assert page.total == len([e for e in world.endpoints() if not equals or e.use_case in equals.values()])
        pages.append([e.id for e in page.items])
        cursor = page.next
    return pages


def test_pages_follow_one_another_newest_first_to_the_end(world: World) -> None:
    assert _walked(world) == [
        ["letters-5", "letters-4"],
        ["letters-3", "letters-2"],
        ["letters-1", "letters-0"],
        ["mailing"],
    ]


def test_a_field_cuts_the_list_and_an_empty_text_does_not(world: World) -> None:
    assert _walked(world, use_case="others") == [["letters-4", "letters-2"], ["letters-0"]]
    assert (
        listed(world.house, Endpoint, use_case="").total == listed(world.house, Endpoint, use_case=None).total == 7
    )


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_of_no_size_or_too_large_a_one_is_refused(world: World, limit: int) -> None:
    with pytest.raises(SettingError, match="limit is"):
        listed(world.house, Endpoint, limit=limit)


def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    with pytest.raises(SettingError, match="cursor"):
        listed(world.house, Endpoint, cursor="bm8=")
