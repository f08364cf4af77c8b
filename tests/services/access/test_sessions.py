"""Sessions: kept by digest, ended by time, by logging out, with their token or their person; forms are their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_world import World

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.errors import NotAllowedError, UnauthenticatedError
from roadworthy.domain.trust import Session
from roadworthy.services.access.gatekeeper import Gatekeeper
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import (
    check_form,
    end_session,
    end_sessions,
    form_token,
    open_session,
    session_of,
)
from roadworthy.services.access.tokens import TokenTerms, create_token, revoke_token
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.house import Means

RULES = AccessRules(session_idle_min=60, session_max_h=12)


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    return made


@pytest.fixture
def keeper(world: World) -> Gatekeeper:
    return Gatekeeper(world.house, "local", "admin", RULES)


def opened(world: World, person: str = "vera", means: str = "local-token") -> str:
    return open_session(world.house, person, means, RULES).value


def test_the_store_knows_neither_cookie_nor_form(world: World) -> None:
    cookie = opened(world)
    everything = str(world.house.store._contents)
    assert cookie not in everything
    assert form_token(cookie) not in everything
    assert cookie not in repr(open_session(world.house, "vera", "x", RULES))


def test_every_login_has_a_cookie_of_its_own(world: World) -> None:
    assert len({opened(world) for _ in range(20)}) == 20


def test_it_ends_when_nothing_was_asked_for_too_long(world: World) -> None:
    cookie = opened(world)
    for _ in range(3):
        world.clock.advance(timedelta(minutes=59))
        assert session_of(world.house, cookie, RULES).person == "vera"
    world.clock.advance(timedelta(minutes=60))
    with pytest.raises(UnauthenticatedError, match="too long"):
        session_of(world.house, cookie, RULES)


def test_it_ends_after_its_whole_time_however_busy(world: World) -> None:
    cookie = opened(world)
    for _ in range(23):
        world.clock.advance(timedelta(minutes=30))
        session_of(world.house, cookie, RULES)
    world.clock.advance(timedelta(minutes=30))
    with pytest.raises(UnauthenticatedError, match="has ended"):
        session_of(world.house, cookie, RULES)


def test_a_page_that_refreshes_by_itself_is_no_sign_of_life(world: World) -> None:
    cookie = opened(world)
    world.clock.advance(timedelta(minutes=59))
    session_of(world.house, cookie, RULES, touch=False)
    world.clock.advance(timedelta(minutes=1))
    with pytest.raises(UnauthenticatedError, match="too long"):
        session_of(world.house, cookie, RULES)


def test_logging_out_ends_this_one_and_everywhere_ends_all_of_the_person(world: World) -> None:
    first, second, other = opened(world), opened(world), opened(world, "dan")
    end_session(world.house, first)
    end_session(world.house, first)
    end_session(world.house, "nothing")
    with pytest.raises(UnauthenticatedError, match="has ended"):
        session_of(world.house, first, RULES)
    assert end_sessions(world.house, "vera") == 1
    with pytest.raises(UnauthenticatedError):
        session_of(world.house, second, RULES)
    assert session_of(world.house, other, RULES).person == "dan"


@pytest.mark.parametrize("cookie", ["", "wrong", "é"])
def test_a_cookie_of_no_session_opens_nothing(world: World, cookie: str) -> None:
    opened(world)
    with pytest.raises(UnauthenticatedError, match="no such session"):
        session_of(world.house, cookie, RULES)


def test_the_digest_in_the_store_is_no_cookie(world: World) -> None:
    opened(world)
    with pytest.raises(UnauthenticatedError):
        session_of(world.house, world.all(Session)[0].id, RULES)


def test_a_form_carries_what_only_its_own_session_knows(world: World) -> None:
    cookie, other = opened(world), opened(world)
    session = session_of(world.house, cookie, RULES)
    check_form(session, form_token(cookie))
    for wrong in ("", "x", cookie, session.csrf, form_token(other)):
        with pytest.raises(NotAllowedError, match="did not come from a page of this session"):
            check_form(session, wrong)


def test_a_session_covers_no_more_than_the_token_it_was_opened_with_and_ends_with_it(
    world: World, keeper: Gatekeeper
) -> None:
    admin = world.who("admin")
    made = create_token(world.house, admin, TokenTerms("vera", "x", ("read",), 0.25), RULES, ACTIONS)
    cookie = opened(world, "vera", keeper.by_token(made.secret).means.via)
    asker, _ = keeper.by_cookie(cookie)
    assert (asker.person.id, asker.means) == ("vera", Means(f"session by token {made.token.id}", ("read",)))
    revoke_token(world.house, admin, made.token.id)
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        keeper.by_cookie(cookie)


def test_a_person_deactivated_in_the_middle_of_a_session_is_out_at_the_next_request(
    world: World, keeper: Gatekeeper
) -> None:
    cookie = opened(world)
    assert keeper.by_cookie(cookie)[0].person.id == "vera"
    deactivate_person(world.house, world.who("admin"), "vera", "left")
    with pytest.raises(UnauthenticatedError, match="not active any more"):
        keeper.by_cookie(cookie)


def test_only_a_session_by_the_local_token_acts_for_others(world: World, keeper: Gatekeeper) -> None:
    local, _ = keeper.by_cookie(opened(world, "admin"))
    own, _ = keeper.by_cookie(opened(world, "admin", "oidc https://x"))
    assert keeper.acting(local, "vera").id == "vera"
    assert (keeper.acts_for_others(local), keeper.acts_for_others(own)) == (True, False)
    assert keeper.acting(own, "").id == keeper.acting(own, "admin").id == "admin"
    with pytest.raises(NotAllowedError, match="cannot act as vera"):
        keeper.acting(own, "vera")
    with pytest.raises(NotAllowedError, match="nobody acts as platform"):
        keeper.acting(local, "platform")


def test_sessions_that_are_over_are_removed_when_the_next_one_is_opened(world: World) -> None:
    ended, expired = opened(world), opened(world, "victor")
    end_session(world.house, ended)
    world.clock.advance(timedelta(hours=11))
    living = opened(world, "dan")
    assert len(world.all(Session)) == 2
    world.clock.advance(timedelta(hours=2))
    opened(world, "olga")
    assert [s.person for s in world.all(Session)] == ["dan", "olga"]
    for cookie in (ended, expired):
        with pytest.raises(UnauthenticatedError, match="no such session"):
            session_of(world.house, cookie, RULES)
    assert living
