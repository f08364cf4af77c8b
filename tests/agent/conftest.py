"""A control plane behind a real socket, with an agent registered and a token that covers its reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from simulated_offers import INPUTS, simulate
from small_world import ENDPOINT, V1, World, at

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.apps.background import BackgroundServer
from roadworthy.domain.serving import Agent as Registered
from roadworthy.domain.serving import Decision
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.agents.registry import register_agent
from roadworthy.web.api.app import build_api


@dataclass
class Plane:
    """Where an agent reports to."""

    world: World
    url: str

    def token(self, *scopes: str) -> str:
        """A secret of the operator's that covers some actions."""
        house = self.world.house
        terms = TokenTerms("omar", f"agent {'-'.join(scopes)}", scopes)
        return create_token(house, self.world.who("admin"), terms, AccessRules(), ACTIONS).secret

    def logged(self) -> list[Decision]:
        """What is on record."""
        return list(self.world.house.decisions.read(ENDPOINT))

    def registered(self) -> Registered:
        """The agent as the control plane knows it."""
        found: Registered = self.world.all(Registered)[0]
        return found


def rows(n: int, seed: int = 5) -> list[dict[str, Any]]:
    """Inputs of some customers."""
    frame, _ = simulate(n, seed)
    return [dict(r) for r in frame.select(INPUTS).rows()]


@pytest.fixture
def plane() -> Iterator[Plane]:
    """A control plane that serves."""
    world = at("activated")
    register_agent(world.house, world.who("omar"), "edge", ENDPOINT, V1, 60.0)
    with BackgroundServer(build_api(world.house, "the-local-token", "admin")) as server:
        yield Plane(world, server.url)
