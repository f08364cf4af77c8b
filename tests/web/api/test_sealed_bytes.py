"""No route hands out what is sealed: every GET of the API is asked, and no answer holds a sealed row or its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulated_offers import parquet, table
from small_world import CASE, ENDPOINT, V1

from roadworthy.domain.model import DatasetRole
from roadworthy.services.catalog.datasets import register_dataset
from roadworthy.web.api.actions import ROUTES

MARK = 918273.645
"""A number that only sealed rows hold."""


def test_no_answer_of_any_reading_route_holds_a_sealed_row(api_at: Callable[[str], Any]) -> None:
    api = api_at("serving")
    world = api.world
    rows = table(700, 9)
    balance = rows["balance"].copy()
    balance[:] = MARK
    data = parquet(rows.with_column("balance", balance))
    sealed = register_dataset(world.house, world.who("dan"), CASE, DatasetRole.SEALED, data, "new.parquet")
    names = {
        "use_case": CASE, "version": V1, "endpoint": ENDPOINT, "run": f"validation-{V1}-1", "dataset": sealed.id,
        "item": "work-1", "key": sealed.digest, "name": "dan", "token": "none",
    }  # fmt: skip
    asked = [route.partition(" ")[2] for route in ROUTES if route.startswith("GET ")]
    assert "/datasets/{dataset}/content" in asked
    for path in asked:
        for who in ("dan", "ada", "admin"):
            reply = api.ask("GET", path.format_map(names), who)
            assert data not in reply.content, path
            assert str(MARK).encode() not in reply.content, path


def test_sealed_content_is_refused_to_all_and_training_content_is_the_very_bytes(
    api_at: Callable[[str], Any],
) -> None:
    api = api_at("prepared")
    sealed, train = api.world.dataset("sealed"), api.world.dataset("train")
    for who in ("dan", "admin"):
        reply = api.ask("GET", f"/datasets/{sealed.id}/content", who)
        assert (reply.status_code, reply.json()["code"]) == (403, "refused")
    given = api.ask("GET", f"/datasets/{train.id}/content", "dan")
    assert given.content == api.world.house.artifacts.get(train.digest)
    assert api.ask("GET", "/datasets/none/content", "dan").status_code == 404
