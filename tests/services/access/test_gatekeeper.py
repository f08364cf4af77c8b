"""The gatekeeper: who a secret stands for, as whom it may act, and what it covers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import World

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.errors import NotAllowedError, NotFoundError, UnauthenticatedError
from roadworthy.domain.trust import Person
from roadworthy.services.access.gatekeeper import Gatekeeper
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.catalog.people import add_person
from roadworthy.services.house import Means

LOCAL = "the-local-token"


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    return made


def keeper_of(world: World, **rules: bool) -> Gatekeeper:
    return Gatekeeper(world.house, LOCAL, "admin", AccessRules(**rules))


def secret_of(world: World, name: str, *scopes: str) -> tuple[str, str]:
    made = create_token(world.house, world.who("admin"), TokenTerms(name, "a test", scopes), AccessRules(), ACTIONS)
    return made.token.id, made.secret


def deactivate(world: World, name: str) -> None:
    with world.house.store.begin() as tx:
        person = tx.of(Person).get(name)
        tx.of(Person).replace(person, replace(person, active=False))


@pytest.mark.parametrize("acting", [True, False])
def test_the_workspaces_own_token_is_the_administrator(world: World, acting: bool) -> None:
    keeper = keeper_of(world, local_acting=acting)
    for actor in ("", "admin"):
        asker = keeper.by_token(LOCAL, actor)
        assert (asker.person.id, asker.means) == ("admin", Means("local-token"))


def test_it_acts_as_others_only_while_the_rules_let_it(world: World) -> None:
    assert keeper_of(world, local_acting=True).by_token(LOCAL, "vera").person.id == "vera"
    with pytest.raises(NotAllowedError, match="cannot act as vera") as refused:
        keeper_of(world, local_acting=False).by_token(LOCAL, "vera")
    assert "local_acting" in refused.value.remedy
    with pytest.raises(NotFoundError, match="nobody"):
        keeper_of(world).by_token(LOCAL, "nobody")


def test_nobody_acts_as_the_platform(world: World) -> None:
    with pytest.raises(NotAllowedError, match="nobody acts as platform"):
        keeper_of(world).by_token(LOCAL, "platform")


def test_a_persons_token_is_that_person_and_nobody_else(world: World) -> None:
    number, secret = secret_of(world, "vera", "sign-off")
    keeper = keeper_of(world)
    for actor in ("", "vera"):
        asker = keeper.by_token(secret, actor)
        assert (asker.person.id, asker.means) == ("vera", Means(f"token {number}", ("sign-off",)))
    for actor in ("victor", "admin", "nobody", "platform"):
        with pytest.raises(NotAllowedError, match=f"a token of vera cannot act as {actor}"):
            keeper.by_token(secret, actor)


def test_an_empty_local_token_opens_nothing(world: World) -> None:
    keeper = Gatekeeper(world.house, "", "admin", AccessRules())
    with pytest.raises(UnauthenticatedError, match="no token was given"):
        keeper.by_token("")
    with pytest.raises(UnauthenticatedError):
        keeper.by_token(" ")


def test_a_token_of_somebody_who_is_active_no_more_opens_nothing(world: World) -> None:
    _, secret = secret_of(world, "vera")
    deactivate(world, "vera")
    with pytest.raises(UnauthenticatedError, match="vera is not active any more"):
        keeper_of(world).by_token(secret)


def test_a_scoped_token_covers_its_actions_and_the_policy_still_decides(world: World) -> None:
    _, secret = secret_of(world, "admin", "read", "sign-off")
    asker = keeper_of(world).by_token(secret)
    house = replace(world.house, means=asker.means)
    house.allow(asker.person, "read")
    with pytest.raises(NotAllowedError, match="this token of admin does not cover manage-people"):
        add_person(house, asker.person, "nora", ["auditor"])
    with pytest.raises(NotAllowedError, match=r"admin \(administrator\) may not sign-off"):
        house.allow(asker.person, "sign-off", {"developers": ["dan"]})


def test_the_gatekeeper_does_not_show_its_token(world: World) -> None:
    assert LOCAL not in repr(keeper_of(world))
