"""A list of the API is read to its end, however many pages it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_world import CASE, V1, at

from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.storing.query import MOST, Page
from roadworthy.sdk import listing
from roadworthy.services.watch.lists import listed


def test_every_entity_of_a_long_list_comes_once_and_in_order() -> None:
    world = at("registered")
    with world.house.store.begin() as tx:
        first = tx.of(ModelVersion).get(V1)
        for n in range(2, MOST + 3):
            tx.of(ModelVersion).add(replace(first, id=f"offers:{n}", number=n))
    asked: list[str] = []

    def ask(method: str, path: str, kind: Any, **query: str) -> Any:
        asked.append(f"{method} {path}")
        return listed(world.house, ModelVersion, **{**query, "limit": int(query["limit"])})

    found = listing.every(ask, "/versions", ModelVersion, use_case=CASE)
    assert [v.number for v in found] == list(range(MOST + 2, 0, -1))
    assert asked == ["GET /versions"] * 2


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 3)
    with pytest.raises(UnavailableError, match="more than 1,500"):
        listing.every(lambda *_, **__: Page((1,), 9, "on"), "/endless", int)
