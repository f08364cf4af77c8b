"""Joins the resources into one application."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import FastAPI

from roadworthy import __version__
from roadworthy.services.access.gatekeeper import Gatekeeper
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.house import House
from roadworthy.web.api import (
    agents,
    endpoints,
    licence,
    people,
    records,
    rollouts,
    runs,
    tokens,
    use_cases,
    versions,
)
from roadworthy.web.api.entry.edge import install
from roadworthy.web.api.entry.guard import PREFIX, Guard
from roadworthy.web.api.log import keeping
from roadworthy.web.buckets import Buckets

__all__ = ["PREFIX", "build_api"]


def build_api(
    house: House,
    token: str,
    administrator: str,
    rules: AccessRules | None = None,
    now: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The API over one house. No page of FastAPI's own: it would load scripts from elsewhere.

    Args:
        house: the house.
        token: the workspace's own token.
        administrator: as whom that token acts.
        rules: how long tokens live and how much one may ask.
        now: seconds of a clock that never goes back, for the limits.
    """
    app = FastAPI(
        title="Roadworthy", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    keeper = Gatekeeper(house, token, administrator, rules or AccessRules())
    app.state.house = house
    app.state.keeper = keeper
    app.state.provider = None
    app.state.public_url = ""
    app.state.failures = Buckets(keeper.rules.failures_per_minute, now)
    install(app)
    for resource in (
        people,
        tokens,
        use_cases,
        versions,
        runs,
        licence,
        endpoints,
        rollouts,
        agents,
        keeping,
        records,
    ):
        app.include_router(resource.router, prefix=PREFIX)
    app.include_router(tokens.accounts, prefix=PREFIX)
    app.add_middleware(Guard, keeper=keeper, now=now, failures=app.state.failures)
    return app
