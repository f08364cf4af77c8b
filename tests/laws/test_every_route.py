"""Laws of the API's routes: each says in one place what it asks permission for."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.web.api.actions import ROUTES, needs_of
from roadworthy.web.api.app import PREFIX, build_api

OPEN = {"GET /api/openapi.json"}
"""What answers without a token: the description of the API, which is also in the documentation."""

ROWS = {"GET /datasets/{dataset}/content"}
"""What hands out people's rows asks for more than reading: whoever may hand data in may have them back."""

OWN = {"GET /traces/{key}/explanation"}
"""Reading that has an action of its own, so that a policy can say who sees how much."""


def routes_of(app: Any) -> set[str]:
    """Every route of an application as `METHOD /path`, those left out of its description too."""
    found = set()
    for route in app.routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        for each in [route] if inner is None else inner:
            path = each.path if inner is None else PREFIX + each.path
            found |= {f"{method} {path}" for method in each.methods - {"HEAD"}}
    return found


EVERY = routes_of(build_api(None, "", "")) - OPEN  # type: ignore[arg-type] - it is only described


def test_every_route_of_the_description_is_found_and_nothing_else_answers() -> None:
    paths = build_api(None, "", "").openapi()["paths"]  # type: ignore[arg-type]
    assert {f"{m.upper()} {p}" for p, ms in paths.items() for m in ms} == EVERY
    assert len(EVERY) > 30


def test_every_route_names_its_action_in_web_api_actions_and_every_line_there_is_a_route() -> None:
    declared = {route.replace(" ", f" {PREFIX}", 1) for route in ROUTES}
    assert declared == EVERY


@pytest.mark.parametrize("route", ROUTES)
def test_an_action_a_route_names_is_one_of_the_policys(route: str) -> None:
    needs = ROUTES[route]
    assert needs.actions
    assert set(needs.actions) <= set(ACTIONS)
    assert (needs.actions == ("read",)) == (route.startswith("GET ") and route not in ROWS | OWN)


@pytest.mark.parametrize("route", ROUTES)
def test_a_request_finds_the_line_of_its_route(route: str) -> None:
    method, _, path = route.partition(" ")
    filled = path.replace("{", "x:").replace("}", "")
    assert needs_of(method, filled) is ROUTES[route]
    assert needs_of("PATCH", filled) is None
    assert needs_of(method, f"{filled}/more/and/more") is None
