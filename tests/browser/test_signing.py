"""A person in a real browser: in by the identity provider, signs, and is out again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from identity_provider import Provider, identity_provider
from small_world import V1, World, at

from roadworthy.adapters.access.oidc import OidcProvider
from roadworthy.adapters.clock import SystemClock
from roadworthy.apps.background import BackgroundServer
from roadworthy.domain.lifecycle import State
from roadworthy.services.access.logins import link_login
from roadworthy.web.api.app import build_api
from roadworthy.web.ui.pages import mount_pages

pytestmark = [  # the package that is the provider still uses what Authlib has deprecated
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]
LOCAL = "the-local-token"


@pytest.fixture
def signing() -> Iterator[tuple[World, str, Provider]]:
    world = at("validated")
    with identity_provider() as provider:
        api = build_api(world.house, LOCAL, "admin")
        # The provider stamps its proofs by the real time, the world has one of its own.
        api.state.provider = OidcProvider(provider.issuer, "roadworthy", "its-secret", SystemClock())
        link_login(world.house, world.who("admin"), "vera", provider.issuer, "vera-at-work")
        mount_pages(api, world.house)
        with BackgroundServer(api) as server:
            yield world, server.url, provider


def test_a_validator_logs_in_elsewhere_signs_here_and_logs_out(browser: Browser, signing: Any) -> None:
    world, url, _ = signing
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Log in with").click()
    page.get_by_placeholder("sub").fill("vera-at-work")
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_text("You are vera, session by oidc")).to_be_visible()
    page.goto(f"/versions/{V1}")
    page.get_by_label("Reason").fill("Findings and slices read.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("vera approved")).to_be_visible()
    assert world.version(V1).state is State.VALIDATED
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page).to_have_url(f"{url}/login")
    page.goto(f"/versions/{V1}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("needs its token")
    context.close()


def test_the_token_in_the_address_is_not_in_the_history(browser: Browser, signing: Any) -> None:
    _, url, _ = signing
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login")
    page.goto(f"{url}/work?token={LOCAL}")
    expect(page.get_by_text("You are admin, session by local-token")).to_be_visible()
    assert page.url == f"{url}/work"
    page.go_back()
    assert page.url == f"{url}/login"
    context.close()


def test_a_page_that_is_open_when_its_session_ends_says_so_by_itself(browser: Browser, signing: Any) -> None:
    _, url, _ = signing
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    first.goto(f"{url}/work?token={LOCAL}")
    expect(first.get_by_text("You are admin")).to_be_visible()
    second.goto(f"{url}/data")
    second.get_by_role("button", name="Log out everywhere").click()
    expect(second).to_have_url(f"{url}/login")
    expect(first.get_by_text("The session has ended")).to_be_visible(timeout=15_000)
    context.close()
