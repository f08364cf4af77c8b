"""Logging in by a real OpenID provider on this machine, over real HTTP; and every way in which it must not work."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from identity_provider import Provider, identity_provider

from roadworthy.adapters.access.oidc import OidcProvider
from roadworthy.domain.trust import Session
from roadworthy.services.access.logins import link_login
from roadworthy.services.catalog.people import deactivate_person

pytestmark = [  # the package that is the provider still uses what Authlib has deprecated
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]
Open = Callable[..., Any]
SECRET = "the-clients-own-secret"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def enter(place_at: Open) -> Callable[..., tuple[Any, httpx.Client]]:
    """A place whose pages know the provider, and a browser in front of its door."""

    def opened(provider: Provider, **rules: Any) -> tuple[Any, httpx.Client]:
        def prepare(api: Any) -> None:
            clock = api.state.house.clock
            clock.set(datetime.now(UTC))
            api.state.provider = OidcProvider(provider.issuer, "roadworthy", SECRET, clock)

        place = place_at("prepared", prepare, **rules)
        link_login(place.world.house, place.world.who("admin"), "vera", provider.issuer, "vera-at-work")
        return place, httpx.Client(base_url=place.url)

    return opened


def begin(client: httpx.Client, back: str = "/work") -> str:
    answer = client.get("/login/provider", params={"next": back})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def finish(client: httpx.Client, query: dict[str, str]) -> httpx.Response:
    return client.get("/login/callback", params=query)


def test_an_account_that_is_linked_logs_in_as_its_person(enter: Any, provider: Provider) -> None:
    place, client = enter(provider)
    with client:
        address = begin(client)
        answer = finish(client, provider.login(address, "vera-at-work"))
        assert answer.status_code == 200
        assert 'content="0; url=/work"' in answer.text
        assert client.get("/work").status_code == 200
    session = place.world.all(Session)[-1]
    assert (session.person, session.means) == ("vera", f"oidc {provider.issuer}")


def test_what_is_asked_for_is_a_code_under_pkce_state_and_nonce(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        address = begin(client)
        finish(client, provider.login(address, "vera-at-work"))
    asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["state"]) >= 32 <= len(asked["nonce"])
    verifier = provider.asked[0]["code_verifier"]
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert hashed == asked["code_challenge"]
    assert SECRET not in address


def refused(answer: httpx.Response, client: httpx.Client, says: str, status: int = 401) -> None:
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert client.get("/work").status_code == 401


def test_a_state_nobody_was_given_is_refused(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        query = provider.login(begin(client), "vera-at-work")
        refused(finish(client, {**query, "state": "x" * 43}), client, "not begun by this browser")
        refused(finish(client, {"code": query["code"]}), client, "not begun by this browser")


def test_another_browsers_way_back_is_refused(enter: Any, provider: Provider) -> None:
    place, client = enter(provider)
    with client, httpx.Client(base_url=place.url) as victim:
        query = provider.login(begin(client), "vera-at-work")
        begin(victim)
        refused(finish(victim, query), victim, "not begun by this browser")


def test_a_way_back_is_good_once(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        query = provider.login(begin(client), "vera-at-work")
        assert finish(client, query).status_code == 200
        again = finish(client, query)
    assert (again.status_code, "used up" in again.text) == (401, True)


def test_a_code_that_was_used_is_refused_by_the_provider(enter: Any, provider: Provider) -> None:
    place, client = enter(provider)
    with client, httpx.Client(base_url=place.url) as thief:
        query = provider.login(begin(client), "vera-at-work")
        finish(client, query)
        state = dict(parse_qsl(urlsplit(begin(thief)).query))["state"]
        refused(finish(thief, {"code": query["code"], "state": state}), thief, "did not take the code")


def test_a_code_bought_for_another_login_has_the_wrong_nonce(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        parts = urlsplit(begin(client))
        asked = dict(parse_qsl(parts.query)) | {"nonce": "another-logins-nonce"}
        other = parts._replace(query=urlencode(asked)).geturl()
        refused(finish(client, provider.login(other, "vera-at-work")), client, "(nonce)")


def test_a_proof_that_has_expired_is_none(enter: Any) -> None:
    with identity_provider(timedelta(seconds=1)) as provider:
        place, client = enter(provider)
        with client:
            query = provider.login(begin(client), "vera-at-work")
            place.world.clock.advance(timedelta(minutes=5))
            refused(finish(client, query), client, "does not hold: expired_token")


def test_whoever_takes_too_long_begins_again(enter: Any, provider: Provider) -> None:
    place, client = enter(provider)
    with client:
        query = provider.login(begin(client), "vera-at-work")
        place.world.clock.advance(timedelta(minutes=10))
        refused(finish(client, query), client, "took too long")


def test_an_account_of_nobody_is_named_for_the_administrator(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        answer = finish(client, provider.login(begin(client), "a-stranger"))
        refused(answer, client, "'a-stranger' of")


def test_a_person_who_is_active_no_more_is_not_let_in(enter: Any, provider: Provider) -> None:
    place, client = enter(provider)
    deactivate_person(place.world.house, place.world.who("admin"), "vera", "left")
    with client:
        answer = finish(client, provider.login(begin(client), "vera-at-work"))
        refused(answer, client, "not active any more")


@pytest.mark.parametrize(("verified", "status"), [(True, 200), (False, 401), ("true", 401)])
def test_an_address_counts_only_when_the_provider_vouches_for_it(
    enter: Any, provider: Provider, verified: object, status: int
) -> None:
    place, client = enter(provider, oidc_by_email=True)
    place.world.add("eve@example.com", "auditor")
    provider.describe("eve-1", email="eve@example.com", email_verified=verified)
    with client:
        assert finish(client, provider.login(begin(client), "eve-1")).status_code == status


def test_groups_the_provider_states_lend_roles_until_a_login_without_them(enter: Any, provider: Provider) -> None:
    place, client = enter(provider, oidc_roles="risk=risk-reviewer")
    held = []
    with client:
        for groups in (["risk", "staff"], ["staff"], "risk", None):
            provider.describe("vera-at-work", **({} if groups is None else {"groups": groups}))
            assert finish(client, provider.login(begin(client), "vera-at-work")).status_code == 200
            held.append([role.value for role in place.world.who("vera").roles])
    assert held == [["validator", "risk-reviewer"], ["validator"], ["validator"], ["validator"]]
    assert place.world.actions().count("roles-followed-groups") == 2


def test_saying_no_there_is_told_here(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        answer = httpx.post(begin(client), data={"action": "deny"})
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        state = query.get("state")
        if state is None:  # this provider leaves it out; one that follows RFC 6749 sends it along
            refused(finish(client, query), client, "not begun by this browser")
            query["state"] = dict(parse_qsl(urlsplit(begin(client)).query))["state"]
        refused(finish(client, query), client, "refused the login: access_denied")


def test_a_provider_that_is_down_is_503_and_the_token_still_opens(enter: Any) -> None:
    with identity_provider() as provider:
        place, client = enter(provider)
        query = provider.login(begin(client), "vera-at-work")
    answer = finish(client, query)
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert client.get("/work").status_code == 401
    client.close()
    assert place.browser().get("/work").status_code == 200


def test_the_login_page_names_the_provider_and_leads_nobody_elsewhere(enter: Any, provider: Provider) -> None:
    _, client = enter(provider)
    with client:
        assert f"Log in with {urlsplit(provider.issuer).netloc}" in client.get("/login").text
        address = begin(client, "https://elsewhere.test/")
        answer = finish(client, provider.login(address, "vera-at-work"))
    assert 'content="0; url=/"' in answer.text


def test_without_a_provider_there_is_no_such_login(place_at: Open) -> None:
    place = place_at("prepared")
    assert "Log in with" not in httpx.get(f"{place.url}/login").text
    assert httpx.get(f"{place.url}/login/provider").status_code == 401
