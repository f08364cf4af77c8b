"""Logging in and out, and what a form must be before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from small_world import V1

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Session
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import form_token
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.catalog.people import deactivate_person

Open = Callable[..., Any]
LOCAL = "the-local-token"


def token(place: Any, name: str, *scopes: str) -> str:
    house = place.world.house
    made = create_token(house, place.world.who("admin"), TokenTerms(name, "x", scopes), AccessRules(), ACTIONS)
    return made.secret


def test_a_persons_token_opens_the_pages_under_a_strict_cookie_that_is_not_the_token(place_at: Open) -> None:
    place = place_at("validated")
    secret = token(place, "vera")
    answer = httpx.post(f"{place.url}/login", data={"token": secret, "next": "/work"})
    assert answer.status_code == 200
    assert 'content="0; url=/work"' in answer.text
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {p.strip() for p in cookie.split(";")}
    assert secret not in cookie
    with place.browser(secret) as client:
        assert client.get("/work").status_code == 200
        assert client.get("/api/v1/people").status_code == 401


def test_over_https_the_cookie_never_travels_in_the_open(place_at: Open) -> None:
    place = place_at("prepared")
    # uvicorn takes the scheme from a proxy on the same machine.
    answer = httpx.post(f"{place.url}/login", data={"token": LOCAL}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]
    assert "Secure" not in httpx.post(f"{place.url}/login", data={"token": LOCAL}).headers["set-cookie"]


def test_a_personal_token_does_not_stand_in_an_address(place_at: Open) -> None:
    place = place_at("prepared")
    answer = httpx.get(f"{place.url}/", params={"token": token(place, "vera")})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_login_ends_the_session_the_browser_had_and_takes_no_cookie_it_was_given(place_at: Open) -> None:
    place = place_at("prepared")
    with place.browser() as client:
        name, before = next((c.name, c.value) for c in client.cookies.jar)
        client.post("/login", data={"token": LOCAL})
        after = next(c.value for c in client.cookies.jar)
    assert before != after
    assert httpx.get(f"{place.url}/work", cookies={name: before}).status_code == 401
    planted = httpx.post(f"{place.url}/login", data={"token": LOCAL}, cookies={name: "planted"})
    assert "planted" not in planted.headers["set-cookie"]
    assert httpx.get(f"{place.url}/work", cookies={name: "planted"}).status_code == 401


def test_logging_out_is_for_good_and_everywhere_means_everywhere(place_at: Open) -> None:
    place = place_at("prepared")
    first, second, third = place.browser(), place.browser(), place.browser()
    kept = dict(first.cookies)
    assert place.send(first, "/logout").status_code == 303
    assert httpx.get(f"{place.url}/work", cookies=kept).status_code == 401
    assert second.get("/work").status_code == 200
    assert place.send(second, "/logout-everywhere").status_code == 303
    assert third.get("/work").status_code == 401
    assert all(s.ended_at for s in place.world.all(Session))


@pytest.mark.parametrize("wait", [timedelta(minutes=60), timedelta(hours=12)], ids=["idle", "whole"])
def test_a_session_ends_by_itself_and_the_page_says_so(place_at: Open, wait: timedelta) -> None:
    place = place_at("prepared")
    with place.browser() as client:
        place.world.clock.advance(wait)
        answer = client.get("/work")
    assert answer.status_code == 401
    assert "The session has ended" in answer.text


def test_somebody_deactivated_in_the_middle_of_a_session_can_do_nothing_more(place_at: Open) -> None:
    place = place_at("validated")
    with place.browser(token(place, "vera")) as client:
        assert client.get(f"/versions/{V1}").status_code == 200
        deactivate_person(place.world.house, place.world.who("admin"), "vera", "left")
        before = place.world.changes()
        assert client.get(f"/versions/{V1}").status_code == 401
        assert place.send(client, f"/versions/{V1}/sign-off", decision="approve").status_code == 401
    assert place.world.changes() == before


def test_a_version_is_signed_and_rejected_in_the_browser_and_the_record_says_how(place_at: Open) -> None:
    place = place_at("validated")
    with place.browser(token(place, "vera")) as client:
        assert f"/versions/{V1}/sign-off" in client.get(f"/versions/{V1}").text
        no_reason = place.send(client, f"/versions/{V1}/sign-off", decision="reject")
        assert (no_reason.status_code, "needs a reason" in no_reason.text) == (422, True)
        answer = place.send(client, f"/versions/{V1}/sign-off", decision="reject", reason="Slices are thin.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/versions/{V1}")
    assert place.world.version(V1).state is State.RETURNED
    last = next(c for c in place.world.changes() if c.action == "rejected")
    assert (last.actor, last.why) == ("vera", "Slices are thin.")
    assert last.facts["via"].startswith("session by token ")


def test_whoever_may_not_sign_sees_no_form_and_is_refused_by_the_policy(place_at: Open) -> None:
    place = place_at("validated")
    for name, status in (("ada", 403), ("omar", 403), ("dan", 403)):
        with place.browser(token(place, name)) as client:
            assert f"/versions/{V1}/sign-off" not in client.get(f"/versions/{V1}").text
            answer = place.send(client, f"/versions/{V1}/sign-off", decision="approve")
        assert answer.status_code == status
    assert place.world.version(V1).state is State.AWAITING_SIGN_OFF


def test_the_local_session_signs_as_a_validator_while_the_rules_let_it(place_at: Open) -> None:
    place = place_at("validated")
    with place.browser() as client:
        assert place.send(client, f"/versions/{V1}/sign-off", decision="approve", actor="vera").status_code == 303
    signed = place.world.changes()[-1]
    assert (signed.actor, signed.facts["via"]) == ("vera", "session by local-token")
    strict = place_at("validated", local_acting=False)
    with strict.browser() as client:
        answer = strict.send(client, f"/versions/{V1}/sign-off", decision="approve", actor="vera")
    assert (answer.status_code, "local_acting" in answer.text) == (403, True)


def test_a_scoped_session_does_no_more_than_its_token(place_at: Open) -> None:
    place = place_at("validated")
    with place.browser(token(place, "vera", "read")) as client:
        answer = place.send(client, f"/versions/{V1}/sign-off", decision="approve")
    assert (answer.status_code, "does not cover sign-off" in answer.text) == (403, True)


FORGED: dict[str, tuple[dict[str, str], dict[str, str], int]] = {
    "without the session's own": ({"form": ""}, {}, 403),
    "with a guess": ({"form": "0" * 64}, {}, 403),
    "from another site": ({}, {"Origin": "http://elsewhere.test"}, 403),
    "from nowhere": ({}, {"Origin": "null"}, 403),
    "as the browser calls it": ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
    "from a neighbour": ({}, {"Sec-Fetch-Site": "same-site"}, 403),
    "as JSON": ({}, {"Content-Type": "application/json"}, 422),
    "as text": ({}, {"Content-Type": "text/plain"}, 422),
}


@pytest.mark.parametrize(("fields", "headers", "status"), FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("path", [f"/versions/{V1}/sign-off", "/logout", "/logout-everywhere", "/access/tokens"])
def test_a_form_another_site_made_the_browser_send_does_nothing(
    place_at: Open, path: str, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    place = place_at("validated")
    with place.browser(token(place, "vera")) as client:
        before = place.world.changes()
        cookie = next(c.value for c in client.cookies.jar)
        sent = {"form": form_token(cookie), "decision": "approve", "name": "x", **fields}
        answer = client.post(path, data=sent, headers={"Origin": place.url, **headers})
        assert answer.status_code == status
        assert client.get("/work").status_code == 200
    assert place.world.changes() == before


def test_a_login_another_site_made_the_browser_send_logs_nobody_in(place_at: Open) -> None:
    place = place_at("prepared")
    answer = httpx.post(f"{place.url}/login", data={"token": LOCAL}, headers={"Origin": "http://elsewhere.test"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_too_many_wrong_tokens_at_the_door_wait(place_at: Open) -> None:
    place = place_at("prepared", failures_per_minute=2)
    statuses = [httpx.post(f"{place.url}/login", data={"token": "wrong"}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    waiting = httpx.post(f"{place.url}/login", data={"token": LOCAL})
    assert (waiting.status_code, int(waiting.headers["retry-after"]) > 0) == (429, True)
    assert httpx.get(f"{place.url}/?token={LOCAL}").status_code == 429
    api = httpx.get(f"{place.url}/api/v1/people", headers={"Authorization": f"Bearer {LOCAL}"})
    assert api.status_code == 429


@pytest.mark.parametrize(
    "target", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "javascript:x"]
)
def test_nobody_is_led_elsewhere_by_a_login(place_at: Open, target: str) -> None:
    place = place_at("prepared")
    answer = httpx.post(f"{place.url}/login", data={"token": LOCAL, "next": target})
    assert 'content="0; url=/' in answer.text
    assert "url=//" not in answer.text
    assert "\\" not in answer.text


BODIES = {
    "too large": (b"token=" + b"x" * 70_000, 413),
    "not text": (b"token=%ff%fe", 422),
    "many": (b"a=1&" * 60, 422),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_a_form_nobody_typed_is_refused(place_at: Open, body: bytes, status: int) -> None:
    place = place_at("prepared")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(f"{place.url}/login", content=body, headers=headers).status_code == status


def test_a_token_made_on_the_page_is_shown_once_and_revoked_there(place_at: Open) -> None:
    place = place_at("prepared")
    with place.browser(token(place, "vera")) as client:
        made = place.send(client, "/access/tokens", name="laptop", scopes="read, sign-off")
        assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
        secret = made.text.split('id="secret">')[1].split("<")[0]
        with place.browser(secret) as other:
            assert other.get("/work").status_code == 200
            assert secret.split("_")[2] not in client.get("/access").text
            number = secret.split("_")[1]
            assert place.send(client, f"/access/tokens/{number}/revoke").status_code == 303
            assert other.get("/work").status_code == 401
        refused = place.send(client, "/access/tokens", name="theirs", person="dan")
        assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/", "/nothing", f"/versions/{V1}", "/_other"])
def test_a_form_with_no_act_is_404(place_at: Open, path: str) -> None:
    place = place_at("prepared")
    with place.browser() as client:
        assert place.send(client, path).status_code == 404
