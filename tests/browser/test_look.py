"""How the pages look: any width, light and dark, verdicts told by more than colour."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from roadworthy.cli.table import COMMANDS
from roadworthy.domain.verdict import Verdict

COLOURS = """verdict => { const b = document.createElement("span"); b.className = "badge " + verdict;
document.querySelector("main").append(b); const s = getComputedStyle(b); return [s.color, s.backgroundColor]; }"""
PATHS = ["/", "/versions/churn:1", "/endpoints/desk", "/work", "/value", "/changes", "/data"]


@pytest.fixture(scope="module", params=PATHS)
def shown(read: Page, request: pytest.FixtureRequest) -> Page:
    read.set_viewport_size({"width": 1280, "height": 844})
    read.goto(request.param)
    read.get_by_role("heading", level=1).first.wait_for()
    return read


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_scrolls_sideways(shown: Page, width: int) -> None:
    shown.set_viewport_size({"width": width, "height": 844})
    shown.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)


def test_every_verdict_shape_has_its_word_beside_it(shown: Page) -> None:
    said = shown.locator("main .badge, main .chip:not(.none), main .heat-cell").all_text_contents()
    word = re.compile("pass|warn|fail|inconclusive|error|running|verified|not run")
    assert [text for text in said if not word.search(text)] == []


def test_every_link_button_picture_and_field_has_a_name(shown: Page) -> None:
    outline = shown.locator("body").aria_snapshot()
    assert "link" in outline
    assert re.findall(r"^\s*- (?:link|button|img|textbox|table|region)(?::.*)?$", outline, re.MULTILINE) == []


def test_every_command_a_page_names_exists(shown: Page) -> None:
    named = [text.split()[1] for text in shown.locator("code.command").all_text_contents()]
    assert set(named) <= set(COMMANDS)


def test_light_and_dark_follow_the_system_and_the_button_and_are_kept(browser: Browser, served: Any) -> None:
    context = browser.new_context(color_scheme="dark", base_url=served.url)
    page = context.new_page()
    page.goto(served.entrance)
    page.get_by_role("heading", level=1).wait_for()
    ink = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ink) == "rgb(14, 17, 21)"
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ink) == "rgb(245, 246, 248)"
    page.goto("/work")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate(ink) == "rgb(245, 246, 248)"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdict_words_stand_out_from_their_background(browser: Browser, served: Any, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme, base_url=served.url)
    page = context.new_page()
    page.goto(served.entrance)
    page.get_by_role("heading", level=1).wait_for()
    for verdict in Verdict:
        light, dark = sorted((_luminance(colour) for colour in page.evaluate(COLOURS, verdict.value)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, verdict  # WCAG 2.2, 1.4.3
    context.close()


def _luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    channels = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
