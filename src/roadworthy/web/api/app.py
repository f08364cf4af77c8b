"""Joins the resources into one application."""

from __future__ import annotations

from fastapi import FastAPI

from roadworthy import __version__
from roadworthy.services.house import House
from roadworthy.web.api import endpoints, people, records, use_cases, versions
from roadworthy.web.api.edge import install

PREFIX = "/api/v1"
"""Where the API begins."""


def build_api(house: House, token: str, administrator: str) -> FastAPI:
    """The API over one house. No page of FastAPI's own: it would load scripts from elsewhere."""
    app = FastAPI(
        title="Roadworthy", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.house = house
    app.state.token = token
    app.state.administrator = administrator
    install(app)
    for resource in (people, use_cases, versions, endpoints, records):
        app.include_router(resource.router, prefix=PREFIX)
    return app
