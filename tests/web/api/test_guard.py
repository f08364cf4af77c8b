"""The guard: 401 is not 403, scopes hold on every route, floods and floods of bytes are turned away."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from small_world import CASE

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.trust import Person
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import NewToken, TokenTerms, create_token, revoke_token
from roadworthy.web.api.actions import ROUTES
from roadworthy.web.api.app import PREFIX, build_api

Open = Callable[[str], Any]
every_route = pytest.mark.parametrize("route", ROUTES)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def strict(api: Any, hand: Hand | None = None, **rules: Any) -> Any:
    """The same API under other rules."""
    api.app = build_api(api.world.house, "a-token-of-this-test", "admin", AccessRules(**rules), hand or Hand())
    return api


def token(api: Any, name: str, *scopes: str, days: float = 1.0) -> NewToken:
    house = api.world.house
    terms = TokenTerms(name, "a test", scopes, days)
    return create_token(house, api.world.who("admin"), terms, AccessRules(), ACTIONS)


def filled(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, re.sub(r"\{[^}]+\}", "x", path)


def refusal(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


@every_route
def test_an_expired_a_revoked_and_a_deactivated_persons_token_are_401_on_every_route(
    api_at: Open, route: str
) -> None:
    api = api_at("registered")
    method, path = filled(route)
    expired, revoked, left = token(api, "vera", days=0.5), token(api, "vera", days=9), token(api, "rita", days=9)
    revoke_token(api.world.house, api.world.who("vera"), revoked.token.id)
    assert refusal(api.ask(method, path, token=revoked.secret)) == (401, "unauthenticated")
    with api.world.house.store.begin() as tx:
        rita = tx.of(Person).get("rita")
        tx.of(Person).replace(rita, replace(rita, active=False))
    api.world.clock.advance(timedelta(days=1))
    for made, says in ((expired, "has expired"), (revoked, "was revoked"), (left, "not active any more")):
        reply = api.ask(method, path, token=made.secret)
        assert refusal(reply) == (401, "unauthenticated")
        assert says in reply.json()["what"]
        assert reply.headers["www-authenticate"] == 'Bearer realm="roadworthy"'


@every_route
def test_a_token_whose_scopes_leave_the_route_out_is_403_on_every_route(api_at: Open, route: str) -> None:
    api = api_at("registered")
    method, path = filled(route)
    needed = set(ROUTES[route].actions)
    made = token(api, "admin", *(set(ACTIONS) - needed))
    before = api.world.changes()
    reply = api.ask(method, path, token=made.secret, json={})
    assert refusal(reply) == (403, "not-allowed")
    assert "does not cover" in reply.json()["what"]
    assert api.world.changes() == before


@every_route
def test_without_a_token_a_body_is_not_even_read(api_at: Open, route: str) -> None:
    api = api_at("registered")
    method, path = filled(route)

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    reply = api.get(PREFIX + path, method, content=never(), headers={"Content-Type": "application/json"})
    assert refusal(reply) == (401, "unauthenticated")


def test_a_person_acts_by_their_token_as_themself_and_the_record_says_by_which(api_at: Open) -> None:
    api = api_at("validated")
    made = token(api, "vera", "sign-off")
    reply = api.ask("POST", "/versions/offers:1/sign-off", token=made.secret, json={"approved": True})
    assert (reply.status_code, reply.json()["person"]) == (201, "vera")
    last = api.world.changes()[-1]
    assert (last.actor, last.action, last.facts["via"]) == ("vera", "signed-off", f"token {made.token.id}")
    reply = api.ask("GET", "/people", "victor", token=made.secret)
    assert refusal(reply) == (403, "not-allowed")


def test_what_the_local_token_does_is_recorded_as_such(api_at: Open) -> None:
    api = api_at("prepared")
    api.ask("POST", "/people", json={"name": "nora", "roles": ["auditor"]})
    assert api.world.changes()[-1].facts == {"roles": ["auditor"], "via": "local-token"}


def test_with_local_acting_off_the_local_token_is_the_administrator_only(api_at: Open) -> None:
    api = strict(api_at("prepared"), local_acting=False)
    assert api.ask("GET", "/people").status_code == 200
    reply = api.ask("GET", "/people", "vera")
    assert refusal(reply) == (403, "not-allowed")
    assert "local_acting" in reply.json()["remedy"]


def test_too_many_wrong_tokens_of_one_address_wait_and_then_may_try_again(api_at: Open) -> None:
    hand = Hand()
    api = strict(api_at("prepared"), hand, failures_per_minute=3)
    wrong = [api.ask("GET", "/people", token="wrong").status_code for _ in range(4)]
    assert wrong == [401, 401, 401, 429]
    reply = api.ask("GET", "/people")
    assert refusal(reply) == (429, "throttled"), "also the right one: else a guess would be told"
    assert reply.headers["retry-after"] == "20"
    hand.at += 20
    assert api.ask("GET", "/people").status_code == 200


def test_no_token_at_all_is_no_guess(api_at: Open) -> None:
    api = strict(api_at("prepared"), failures_per_minute=1)
    assert [api.ask("GET", "/people", token="").status_code for _ in range(5)] == [401] * 5
    assert api.ask("GET", "/people").status_code == 200


def test_who_asks_too_often_waits_and_nobody_else_does(api_at: Open) -> None:
    hand = Hand()
    api = strict(api_at("prepared"), hand, requests_per_minute=2)
    assert [api.ask("GET", "/people", "dan").status_code for _ in range(3)] == [200, 200, 429]
    assert api.ask("GET", "/people", "vera").status_code == 200
    hand.at += 30
    assert api.ask("GET", "/people", "dan").status_code == 200


def chunks(count: int) -> AsyncIterator[bytes]:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b" " * 1_000_000

    return body()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(api_at: Open) -> None:
    api = strict(api_at("prepared"), max_body_mb=1)
    reply = api.ask("POST", "/people", content=b" " * 1_000_001)
    assert refusal(reply) == (413, "too-large")
    assert reply.json()["fields"]["allowed"] == 1_000_000


@pytest.mark.parametrize(
    ("path", "size"),
    [("/people", 2), (f"/use-cases/{CASE}/datasets?role=train&name=x.csv", 3)],
    ids=["json", "file"],
)
def test_a_body_that_grows_too_large_is_refused_where_it_does(api_at: Open, path: str, size: int) -> None:
    api = strict(api_at("prepared"), max_body_mb=1, max_upload_mb=2)
    before = api.world.changes()
    assert refusal(api.ask("POST", path, content=chunks(size))) == (413, "too-large")
    assert api.world.changes() == before


def test_a_file_may_be_larger_than_other_bodies(api_at: Open) -> None:
    api = strict(api_at("prepared"), max_body_mb=1, max_upload_mb=3)
    query = f"/use-cases/{CASE}/datasets?role=validation&name=x.csv"
    content = b"age,accepts\n" + b"1,yes\n" * 250_000
    assert len(content) > 1_000_000
    assert api.ask("POST", query, "dan", content=content).status_code != 413


ANSWERS = {"data": "/people", "refused": "/versions/none", "no route": "/none"}


@pytest.mark.parametrize("path", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_of_the_api_is_kept_and_framed_by_nobody(api_at: Open, path: str) -> None:
    headers = api_at("prepared").ask("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_route_that_names_no_action_answers_nobody(api_at: Open) -> None:
    api = api_at("prepared")
    from roadworthy.web.api.people import list_people  # noqa: PLC0415

    api.app.get(f"{PREFIX}/forgotten")(list_people)
    reply = api.ask("GET", "/forgotten")
    assert refusal(reply) == (401, "unauthenticated")
    assert "no declared action" in reply.json()["what"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "a-token-of-this-test", "bearer x y"])
def test_a_header_that_is_no_bearer_token_is_401(api_at: Open, header: str) -> None:
    reply = api_at("prepared").get(f"{PREFIX}/people", headers={"Authorization": header})
    assert refusal(reply) == (401, "unauthenticated")


def test_tokens_are_made_listed_and_revoked_over_http_and_the_secret_comes_once(api_at: Open) -> None:
    api = api_at("prepared")
    made = api.ask("POST", "/tokens", "vera", json={"name": "laptop", "scopes": ["read"], "days": 1}).json()
    assert made["token"]["person"] == "vera"
    listed = api.ask("GET", "/tokens", "vera")
    assert [t["id"] for t in listed.json()] == [made["token"]["id"]]
    assert made["secret"].split("_")[2] not in listed.text
    assert "digest" not in json.dumps([made, listed.json()])
    assert api.ask("GET", "/people", token=made["secret"]).status_code == 200
    assert api.ask("DELETE", f"/tokens/{made['token']['id']}", "vera").json()["revoked_at"]
    assert api.ask("GET", "/people", token=made["secret"]).status_code == 401


def test_one_hundred_askers_at_once_are_told_apart(api_at: Open) -> None:
    api = api_at("prepared")
    secrets = {name: token(api, name, "read").secret for name in ("vera", "dan", "rita", "omar")}

    async def everybody() -> list[tuple[str, Any]]:
        transport = httpx.ASGITransport(api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:

            async def one(name: str) -> tuple[str, Any]:
                headers = {"Authorization": f"Bearer {secrets[name]}"}
                return name, (await client.get(f"{PREFIX}/tokens", headers=headers)).json()

            return await asyncio.gather(*(one(name) for name in list(secrets) * 25))

    assert all([t["person"] for t in shown] == [name] for name, shown in asyncio.run(everybody()))
