"""The API over the small world (`tests/worlds/small_world.py`), asked through ASGI."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from small_world import World, at

from roadworthy.web.api.app import PREFIX, build_api

TOKEN = "a-token-of-this-test"


class Api:
    """A caller of the API: who asks is said with every request."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = build_api(world.house, TOKEN, "admin")

    def get(self, path: str, method: str = "GET", **about: Any) -> httpx.Response:
        """One request, as it stands."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, **about)

        return asyncio.run(send())

    def ask(self, method: str, path: str, actor: str = "", token: str = TOKEN, **about: Any) -> httpx.Response:
        """One request below the API's prefix."""
        # Whoever sends bytes says what they are; httpx says it itself for `json`, `data` and `files`.
        headers = {"Content-Type": "application/json"} if "content" in about else {}
        headers |= {"Authorization": f"Bearer {token}"} | ({"X-Roadworthy-Actor": actor} if actor else {})
        return self.get(PREFIX + path, method, headers=headers, **about)


@pytest.fixture
def api_at() -> Callable[[str], Api]:
    """Opens the API on a world that has come as far as a stage."""
    return lambda stage: Api(at(stage))
