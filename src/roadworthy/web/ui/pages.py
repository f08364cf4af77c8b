"""Which page answers at which address, and mounting them on the API's application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from nicegui import Client, ui

from roadworthy.services.house import House
from roadworthy.web.ui.door import Door
from roadworthy.web.ui.layout import Build, nothing, show
from roadworthy.web.ui.page_loop import PAGES
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views import board, changes, data, endpoint, value, version, work

ROUTES: dict[str, Build] = {
    "/": board.build,
    "/versions/{version}": version.build,
    "/endpoints/{endpoint}": endpoint.build,
    "/work": work.build,
    "/value": value.build,
    "/changes": changes.build,
    "/data": data.build,
    "/{rest:path}": nothing,
}
"""Every address and what answers there; the last one catches the rest."""

BUILD_S = 60.0
"""Longest a page may take to be read before the browser is told so."""


def mount_pages(api: FastAPI, house: House) -> None:
    """Put the pages of `house` on an application whose state has `token` and `administrator` (see `build_api`).

    Everything the application itself does not answer goes to the pages, behind the token. When the application
    ends, the pages that are still open in a browser are let go before the house is.
    """
    site = Site(house, str(api.state.token), str(api.state.administrator))
    api.mount("/", Door(site))
    router: Any = api.router
    inner = router.lifespan_context

    @asynccontextmanager
    async def until_closed(app: FastAPI) -> AsyncIterator[Mapping[str, Any] | None]:
        async with inner(app) as state:
            yield state
        if PAGES.started:
            await PAGES.run(_let_go(site))

    router.lifespan_context = until_closed


async def _let_go(site: Site) -> None:
    """Delete what open browsers still refresh from this site."""
    for name in site.open:
        client = Client.instances.get(name)
        if client is not None:
            client.delete()
    site.open.clear()


def _register(path: str, build: Build) -> None:
    async def page(request: Request) -> None:
        await show(request, build, path)

    ui.page(path, response_timeout=BUILD_S)(page)


for _path, _build in ROUTES.items():
    _register(_path, _build)
