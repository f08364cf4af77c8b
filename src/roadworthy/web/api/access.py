"""Who is asking: a bearer token opens the door, and the actor header says as whom.

The embedded default has one local token, made at the first start and kept in the workspace, like a notebook
server's. Whoever holds it may act as any registered person; the policy then judges that person.
"""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Header, Request

from roadworthy.domain.errors import NotAllowedError
from roadworthy.domain.trust import Person
from roadworthy.services.house import House

ACTOR = "X-Roadworthy-Actor"
"""Header that names the person acting."""


def get_house(request: Request) -> House:
    """The house behind this application."""
    house: House = request.app.state.house
    return house


def get_actor(
    request: Request,
    authorization: Annotated[str, Header()] = "",
    actor: Annotated[str, Header(alias=ACTOR)] = "",
) -> Person:
    """The person acting.

    Raises:
        NotAllowedError: no token, or a wrong one.
        NotFoundError: nobody has that name.
    """
    token: str = request.app.state.token
    given = authorization.removeprefix("Bearer ").strip()
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise NotAllowedError(
            "the token is missing or wrong",
            remedy="Send 'Authorization: Bearer TOKEN'; the token is in the workspace's `token` file.",
        )
    house = get_house(request)
    return house.person(actor or str(request.app.state.administrator))


ActingPerson = Annotated[Person, Depends(get_actor)]
TheHouse = Annotated[House, Depends(get_house)]
