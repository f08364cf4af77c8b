"""Tokens: shown once, kept as a digest, scoped, expiring, revocable, and what each refusal says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from small_world import World

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.errors import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
    SettingError,
    UnauthenticatedError,
)
from roadworthy.domain.trust import Token
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import (
    NewToken,
    TokenTerms,
    create_token,
    holder_of,
    revoke_token,
    tokens,
)
from roadworthy.services.house import Means, plain

RULES = AccessRules()


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    return made


def make(world: World, by: str, whose: str = "", **about: Any) -> NewToken:
    return create_token(
        world.house, world.who(by), TokenTerms(whose or by, about.pop("name", "a test"), **about), RULES, ACTIONS
    )


def test_a_token_can_be_found_where_it_should_not_be(world: World) -> None:
    made = make(world, "vera")
    assert re.fullmatch(r"rwt_[0-9a-f]{12}_[0-9a-f]{64}", made.secret)
    assert made.secret.split("_")[1] == made.token.id


def test_only_the_sha_256_of_the_secret_is_kept(world: World) -> None:
    made = make(world, "vera")
    secret = made.secret.split("_")[2]
    kept = world.all(Token)[0]
    assert kept.secret_digest == hashlib.sha256(secret.encode()).hexdigest()
    everything = str(world.house.store._contents)
    assert secret not in everything


def test_what_is_shown_has_neither_secret_nor_digest(world: World) -> None:
    made = make(world, "vera")
    digest = world.all(Token)[0].secret_digest
    shown = str(plain(tokens(world.house, world.who("vera"))))
    for text in (shown, repr(made), repr(made.token)):
        assert digest not in text
        assert made.secret.split("_")[2] not in text


def test_a_token_lives_as_long_as_it_says_and_no_longer(world: World) -> None:
    made = make(world, "vera", days=2.0)
    assert made.token.expires_at - made.token.created_at == timedelta(days=2)
    world.clock.advance(timedelta(days=2) - timedelta(seconds=1))
    assert holder_of(world.house, made.secret).person == "vera"
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(UnauthenticatedError, match="has expired"):
        holder_of(world.house, made.secret)


def test_without_a_life_of_its_own_a_token_lives_as_long_as_the_rules_allow(world: World) -> None:
    made = make(world, "vera")
    assert made.token.expires_at - made.token.created_at == timedelta(days=RULES.token_max_days)


def test_a_revoked_token_opens_nothing_from_that_moment(world: World) -> None:
    made = make(world, "vera")
    holder_of(world.house, made.secret)
    ended = revoke_token(world.house, world.who("vera"), made.token.id)
    assert ended.revoked_at == world.clock.now()
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        holder_of(world.house, made.secret)
    with pytest.raises(ConflictError, match="revoked already"):
        revoke_token(world.house, world.who("vera"), made.token.id)


def test_the_last_use_is_known_to_the_minute_and_costs_one_write_a_minute(world: World) -> None:
    made = make(world, "vera")
    assert made.token.last_used_at is None
    first = world.clock.now()
    holder_of(world.house, made.secret)
    world.clock.advance(timedelta(seconds=59))
    holder_of(world.house, made.secret)
    assert world.all(Token)[0].last_used_at == first
    world.clock.advance(timedelta(seconds=1))
    holder_of(world.house, made.secret)
    assert world.all(Token)[0].last_used_at == first + timedelta(minutes=1)


def changed(secret: str, **parts: str) -> str:
    _, number, rest = secret.split("_")
    return f"rwt_{parts.get('number', number)}_{parts.get('rest', rest)}"


WRONG = {
    "another secret": lambda s: changed(s, rest="0" * 64),
    "another id": lambda s: changed(s, number="0" * 12),
    "half of it": lambda s: s[:-1],
    "more than it": lambda s: s + "0",
    "in capitals": lambda s: s.upper(),
    "nothing": lambda _: "",
    "a line end": lambda s: s + "\n",
    "anything": lambda _: "password",
    "not ASCII": lambda _: "rwt_é",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_guess_is_told_only_that_it_is_wrong(world: World, wrong: Any) -> None:
    guess = wrong(make(world, "vera").secret)
    with pytest.raises(UnauthenticatedError) as refused:
        holder_of(world.house, guess)
    assert refused.value.what == "the token is not known here"
    assert refused.value.fields == {}


REFUSED: dict[str, tuple[str, str, dict[str, Any], type[Exception], str]] = {
    "somebody else's": ("vera", "victor", {}, NotAllowedError, "may not manage-tokens"),
    "an auditor's own": ("ada", "ada", {}, NotAllowedError, "may not manage-tokens"),
    "an unknown action": ("vera", "vera", {"scopes": ("fly",)}, SettingError, "no action 'fly'"),
    "no name": ("vera", "vera", {"name": "  "}, SettingError, "needs a name"),
    "a long name": ("vera", "vera", {"name": "x" * 81}, SettingError, "needs a name"),
    "no life": ("vera", "vera", {"days": 0.0}, SettingError, "cannot live 0 days"),
    "a past life": ("vera", "vera", {"days": -1.0}, SettingError, "cannot live"),
    "too long": ("vera", "vera", {"days": 91.0}, SettingError, "at most 90"),
    "for ever": ("vera", "vera", {"days": float("inf")}, SettingError, "at most 90"),
    "no number": ("vera", "vera", {"days": float("nan")}, SettingError, "cannot live"),
    "the platform's": ("admin", "platform", {}, SettingError, "can hold no token"),
    "nobody's": ("admin", "nobody", {}, NotFoundError, "nobody"),
}


@pytest.mark.parametrize(("by", "whose", "about", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_a_token_that_may_not_be_is_not_made(
    world: World, by: str, whose: str, about: dict[str, Any], error: type[Exception], says: str
) -> None:
    before = world.changes()
    with pytest.raises(error, match=says):
        make(world, by, whose, **about)
    assert (world.all(Token), world.changes()) == ([], before)


def test_an_administrator_makes_sees_and_ends_everybodys_tokens(world: World) -> None:
    made = make(world, "admin", "ada")
    make(world, "vera")
    assert [t.person for t in tokens(world.house, world.who("admin"))] == ["vera", "ada"]
    assert [t.person for t in tokens(world.house, world.who("vera"))] == ["vera"]
    assert [t.person for t in tokens(world.house, world.who("ada"))] == ["ada"]
    assert [t.person for t in tokens(world.house, world.who("admin"), "ada")] == ["ada"]
    with pytest.raises(NotAllowedError):
        revoke_token(world.house, world.who("vera"), made.token.id)
    revoke_token(world.house, world.who("admin"), made.token.id)


def test_a_token_cannot_make_one_that_covers_more_than_itself(world: World) -> None:
    narrow = replace(world.house, means=Means("token x", ("manage-tokens", "sign-off")))
    vera = world.who("vera")
    for scopes in ((), ("sign-off", "validate")):
        with pytest.raises(NotAllowedError, match="more than itself"):
            create_token(narrow, vera, TokenTerms("vera", "wider", scopes), RULES, ACTIONS)
    made = create_token(narrow, vera, TokenTerms("vera", "as wide", ("sign-off",)), RULES, ACTIONS)
    assert made.token.scopes == ("sign-off",)


def test_making_and_ending_a_token_is_recorded_with_how_it_was_asked_for(world: World) -> None:
    house = replace(world.house, means=Means("local-token"))
    made = create_token(house, world.who("vera"), TokenTerms("vera", "laptop", ("read",)), RULES, ACTIONS)
    revoke_token(house, world.who("vera"), made.token.id)
    created, revoked = world.changes()[-2:]
    assert (created.action, created.actor, created.subject, created.why) == (
        "token-created",
        "vera",
        "vera",
        "laptop",
    )
    assert created.facts == {
        "token": made.token.id,
        "scopes": ["read"],
        "expires": made.token.expires_at.isoformat(),
        "via": "local-token",
    }
    assert (revoked.action, revoked.facts) == ("token-revoked", {"token": made.token.id, "via": "local-token"})
