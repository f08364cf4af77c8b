"""Which page answers at which address, and mounting them on the API's application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui

from roadworthy.domain.ports import IdentityProvider
from roadworthy.services.house import House
from roadworthy.web.ui.door import Door
from roadworthy.web.ui.layout import Build, nothing, show
from roadworthy.web.ui.provider import ProviderLogin
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views import access, board, catalog, changes, data, endpoint, value, version, work

ROUTES: dict[str, Build] = {
    "/": board.build,
    "/versions": catalog.build,
    "/versions/{version}": version.build,
    "/endpoints/{endpoint}": endpoint.build,
    "/work": work.build,
    "/value": value.build,
    "/changes": changes.build,
    "/data": data.build,
    "/access": access.build,
    "/{rest:path}": nothing,
}
"""Every address and what answers there; the last one catches the rest."""

BUILD_S = 60.0
"""Longest a page may take to be read before the browser is told so."""


def mount_pages(api: FastAPI, house: House) -> None:
    """Put the pages of `house` on an application whose state has the gatekeeper (see `build_api`).

    Everything the application itself does not answer goes to the pages, behind the token. When the application
    ends, no page that is still open in a browser reads the house any more.
    """
    site = Site(house)
    provider: IdentityProvider | None = api.state.provider
    login = ProviderLogin(provider, house.clock.now) if provider else None
    api.mount("/", Door(site, api.state.keeper, api.state.failures, login, api.state.public_url))
    router: Any = api.router
    inner = router.lifespan_context

    @asynccontextmanager
    async def until_closed(app: FastAPI) -> AsyncIterator[Mapping[str, Any] | None]:
        async with inner(app) as state:
            yield state
        await asyncio.to_thread(site.close)

    router.lifespan_context = until_closed


def _register(path: str, build: Build) -> None:
    async def page(request: Request) -> None:
        await show(request, build, path)

    ui.page(path, response_timeout=BUILD_S)(page)


for _path, _build in ROUTES.items():
    _register(_path, _build)
