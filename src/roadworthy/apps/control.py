"""The control plane: page, API and gateway of one workspace behind one port (`roadworthy up`)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from roadworthy.adapters.served.newest import FileNewest
from roadworthy.apps.building import open_house
from roadworthy.apps.data_plane import MEMORY, build_gateway, watches
from roadworthy.apps.identity import identity_provider
from roadworthy.apps.settings import Settings, access_rules
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.errors import StorageUnavailableError
from roadworthy.domain.ports import Clock
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.plane import Gateway
from roadworthy.services.house import House
from roadworthy.web.api.app import build_api

GATEWAY_PATHS = ("/v2", "/metrics", "/openapi.json")
"""Paths the gateway answers; everything else is page or API."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Control:
    """An open workspace: its house, its application, its gateway and its token."""

    house: House
    app: Composite
    gateway: Gateway
    token: str = field(repr=False)
    settings: Settings


class Composite:
    """One ASGI application: the gateway's paths to the gateway, the rest to API and page."""

    def __init__(self, control: FastAPI, gateway: GatewayApp) -> None:
        self.control = control
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the connection to whom it belongs."""
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path.startswith(GATEWAY_PATHS):
            await self.gateway(scope, receive, send)
        else:
            await self.control(scope, receive, send)


@contextmanager
def open_control(
    settings: Settings,
    clock: Clock | None = None,
    engine: WorkEngine | None = None,
    mount: Callable[[FastAPI, House], None] | None = None,
) -> Iterator[Control]:
    """API and gateway of a workspace, until the block ends; `mount` adds what else the port serves (the page)."""
    opened = open_house(settings, clock, engine)
    house = opened.house
    memory = FileNewest(settings.root / MEMORY)
    gateway = build_gateway(
        house.served, house.trust, house.artifacts, house.decisions, house.clock, memory, house.tallies
    )
    try:
        token = local_token(settings)
        api = build_api(house, token, settings.administrator, access_rules(settings))
        api.state.provider = identity_provider(settings, house.clock)
        api.state.public_url = settings.public_url
        if mount is not None:
            mount(api, house)
        yield Control(
            house, Composite(api, GatewayApp(gateway, watches=watches(settings))), gateway, token, settings
        )
    finally:
        gateway.close()
        opened.close()


def local_token(settings: Settings) -> str:
    """The workspace's token, made at the first start; only its owner can read the file."""
    path = settings.root / "token"
    try:
        if not path.exists() or not path.read_text().strip():
            # Written aside: a process that dies in between must not leave an empty token, which anybody could send.
            fresh = path.with_name(f".token-{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(32))
            fresh.replace(path)
        return path.read_text().strip()
    except OSError as problem:
        raise StorageUnavailableError(
            f"the token file '{path}' cannot be used: {problem.strerror}", remedy="Make the workspace writable."
        ) from problem
