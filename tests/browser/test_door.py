"""The door: nothing is shown without the token, and the browser is kept at home."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

PATHS = ["/", "/work", "/versions/churn:1", "/_nicegui_ws/socket.io/", "/no/such/page"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_answers_but_where_it_is(served: Any, path: str) -> None:
    answer = httpx.get(served.url + path)
    assert answer.status_code == 401
    assert "This page needs its token." in answer.text
    assert "roadworthy up" in answer.text
    assert "churn" not in answer.text.replace(f'value="{path}"', "")


def test_a_wrong_token_is_refused_in_words(served: Any) -> None:
    answer = httpx.get(f"{served.url}/?token=wrong")
    assert answer.status_code == 403
    assert "That is not this workspace&#x27;s token." in answer.text or "not this workspace's token" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_token_is_exchanged_for_a_strict_cookie_that_is_not_the_token(served: Any) -> None:
    cookie = httpx.get(served.entrance).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert served.control.token not in cookie


def test_the_cookie_opens_no_door_of_the_api(served: Any) -> None:
    with httpx.Client(base_url=served.url) as client:
        client.get(f"/?token={served.control.token}")
        assert client.get("/work").status_code == 200
        assert client.get("/api/v1/status").status_code == 401


def test_the_pages_keep_the_browser_at_home(served: Any) -> None:
    headers = httpx.get(served.url).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["//elsewhere.test/", "/work"])
def test_entering_leads_on_to_the_same_page_without_the_token(served: Any, path: str) -> None:
    answer = httpx.get(f"{served.url}{path}?token={served.control.token}&version=churn:1")
    target = f"/{path.lstrip('/')}?version=churn%3A1"
    assert f'content="0; url={target}"' in answer.text


def test_a_socket_from_another_site_is_refused(served: Any) -> None:
    with httpx.Client(base_url=served.url) as client:
        client.get(f"/?token={served.control.token}")
        asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "http://elsewhere.test"}  # fmt: skip
        assert client.get("/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=asked).status_code == 403


def test_typing_the_token_opens_the_board(browser: Browser, served: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.url)
    page.get_by_label("Token").fill(served.control.token)
    page.get_by_role("button", name="Open the page").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 activated")
    assert "token" not in page.url
    context.close()


@pytest.mark.parametrize(
    ("path", "status", "what", "remedy"),
    [
        ("/versions/nobody:1", 404, "nobody:1", "Back to the board"),
        ("/endpoints/nowhere", 404, "nowhere", "Back to the board"),
        ("/no/such/page", 404, "There is no page '/no/such/page'.", "Back to the board"),
    ],
    ids=["version", "endpoint", "address"],
)
def test_what_does_not_exist_is_said_with_what_to_do(
    browser: Browser, served: Any, path: str, status: int, what: str, remedy: str
) -> None:
    context = browser.new_context(base_url=served.url)
    page = context.new_page()
    page.goto(served.entrance)
    page.get_by_role("heading", level=1).wait_for()
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_text(what).first).to_be_visible()
    expect(page.get_by_role("link", name=remedy)).to_be_visible()
    context.close()


def test_an_unknown_resource_of_the_api_is_answered_in_the_apis_words(served: Any) -> None:
    answer = httpx.get(f"{served.url}/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"
