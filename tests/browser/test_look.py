"""How the pages look: any width, light and dark, verdicts told by more than colour."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

PATHS = ["/", "/versions/churn:1", "/endpoints/desk", "/work", "/value", "/changes", "/data"]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", PATHS)
def test_every_verdict_shape_has_its_word_beside_it(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    words = re.compile("pass|warn|fail|inconclusive|error|running|verified")
    for badge in page.locator("main .badge, main .chip:not(.none), main .heat-cell").all():
        assert words.search(badge.text_content() or "")


@pytest.mark.parametrize("path", PATHS)
def test_every_link_button_picture_and_field_has_a_name(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    for role in ("link", "button", "img", "textbox"):
        for found in page.get_by_role(role).all():  # type: ignore[arg-type]  # a literal of playwright's own
            expect(found).to_have_accessible_name(re.compile(".+"))


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
@pytest.mark.parametrize("verdict", ["pass", "warn", "fail", "inconclusive", "error"])
def test_verdict_words_stand_out_from_their_background(
    browser: Browser, served: Any, scheme: Any, verdict: str
) -> None:
    context = browser.new_context(color_scheme=scheme, base_url=served.url)
    page = context.new_page()
    page.goto(served.entrance)
    page.get_by_role("heading", level=1).wait_for()
    seen = page.evaluate(
        """verdict => { const b = document.createElement("span"); b.className = "badge " + verdict;
        document.querySelector("main").append(b); const s = getComputedStyle(b);
        return [s.color, s.backgroundColor]; }""",
        verdict,
    )
    light, dark = sorted((_luminance(colour) for colour in seen), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, 1.4.3
    context.close()


def _luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    channels = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
