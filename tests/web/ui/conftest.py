"""The pages behind their real door and a real port, over the small world; no browser."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from small_world import World, at

from roadworthy.apps.background import BackgroundServer
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import form_token
from roadworthy.web.api.app import build_api
from roadworthy.web.ui.pages import mount_pages

LOCAL = "the-local-token"


class Browser(httpx.Client):
    """A client with cookies that may be used before it is entered."""

    def __enter__(self) -> Browser:
        return self


@dataclass
class Place:
    """A world served with its pages; `stack` closes what was opened."""

    world: World
    url: str
    stack: ExitStack

    def browser(self, token: str = LOCAL) -> Browser:
        """A client that has logged in with a token."""
        client = Browser(base_url=self.url)
        self.stack.callback(client.close)
        entered = client.post("/login", data={"token": token}, headers={"Origin": self.url})
        assert entered.status_code == 200, entered.text
        return client

    def send(self, client: httpx.Client, path: str, **fields: str) -> httpx.Response:
        """One form as a page of this server sends it; `form` is the session's own when not given."""
        if "form" not in fields:
            fields["form"] = form_of(client)
        return client.post(path, data=fields, headers={"Origin": self.url})


def form_of(client: httpx.Client) -> str:
    """What the forms of this client's session carry, as the session's own cookie gives it."""
    return form_token(next(c.value or "" for c in client.cookies.jar if not c.name.endswith("-login")))


@pytest.fixture
def place_at() -> Iterator[Callable[..., Place]]:
    """Opens a served world at a stage, under rules."""
    with ExitStack() as stack:

        def opened(
            stage: str, prepare: Callable[[Any], None] | None = None, *, world: World | None = None, **rules: Any
        ) -> Place:
            world = world or at(stage)
            api = build_api(world.house, LOCAL, "admin", AccessRules(**rules))
            if prepare is not None:
                prepare(api)
            mount_pages(api, world.house)
            server = stack.enter_context(BackgroundServer(api))
            return Place(world, server.url, stack)

        yield opened
