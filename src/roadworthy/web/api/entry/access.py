"""Who is asking, as the routes see it: `guard.py` has found out before any of them is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from roadworthy.domain.errors import UnauthenticatedError
from roadworthy.domain.trust import Person
from roadworthy.services.access.gatekeeper import Asker, Gatekeeper
from roadworthy.services.house import House

ACTOR = "X-Roadworthy-Actor"
"""Header that names the person acting."""

KEY = "roadworthy.asker"
"""Where the guard leaves the `Asker` in the ASGI scope."""


def get_asker(request: Request) -> Asker:
    """Who is asking.

    Raises:
        UnauthenticatedError: the guard let nobody in for this route: it is not named in `actions.py`.
    """
    asker = request.scope.get(KEY)
    if not isinstance(asker, Asker):
        raise UnauthenticatedError(
            f"{request.method} {request.url.path[:200]} has no declared action, so nobody may ask for it",
            remedy="Name the route in `web/api/actions.py`.",
        )
    return asker


def get_keeper(request: Request) -> Gatekeeper:
    """The gatekeeper of this application."""
    keeper: Gatekeeper = request.app.state.keeper
    return keeper


def get_actor(asker: Annotated[Asker, Depends(get_asker)]) -> Person:
    """The person acting."""
    return asker.person


def get_house(request: Request, asker: Annotated[Asker, Depends(get_asker)]) -> House:
    """The house behind this application, in which this request acts by its own means."""
    house: House = request.app.state.house
    return replace(house, means=asker.means)


ActingPerson = Annotated[Person, Depends(get_actor)]
TheHouse = Annotated[House, Depends(get_house)]
TheKeeper = Annotated[Gatekeeper, Depends(get_keeper)]
