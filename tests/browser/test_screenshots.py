"""Pictures of the pages. With ROADWORTHY_SCREENSHOTS=1: of the whole story, kept in docs/images for the README."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from roadworthy.apps.story.narrator import Silent
from roadworthy.apps.story.play import Played, play

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES = 300_000


def picture(page: Page, path: str, target: Path, height: int) -> None:
    """One page as a PNG of its upper part."""
    page.set_viewport_size({"width": 1280, "height": height})
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_load_state("networkidle")
    for chart in page.locator(".nicegui-echart").all():
        chart.locator("svg path").first.wait_for(state="attached")
    page.screenshot(path=target)
    assert target.read_bytes().startswith(b"\x89PNG")
    assert target.stat().st_size < MAX_BYTES


def pictures(page: Page, folder: Path, version: str, endpoint: str) -> None:
    """The four pages of the README."""
    folder.mkdir(parents=True, exist_ok=True)
    picture(page, "/", folder / "board.png", 900)
    picture(page, f"/versions/{version}", folder / "version.png", 1200)
    picture(page, f"/endpoints/{endpoint}", folder / "endpoint.png", 1500)
    picture(page, "/value", folder / "value.png", 900)


def test_the_pages_can_be_pictured(page: Page, tmp_path: Path) -> None:
    pictures(page, tmp_path, "churn:1", "desk")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(
    not os.environ.get("ROADWORTHY_SCREENSHOTS"), reason="set ROADWORTHY_SCREENSHOTS=1 to renew them"
)
def test_the_readmes_pictures_show_the_whole_story(browser: Browser, tmp_path: Path, data_dir: Path) -> None:
    def stay(played: Played) -> None:
        context = browser.new_context(base_url=played.url)
        page = context.new_page()
        page.goto(f"{played.url}/?token={played.token}")
        page.get_by_role("heading", level=1).wait_for()
        pictures(page, IMAGES, str(played.facts["v2"]), "campaign")
        context.close()

    play(tmp_path / "story", data_dir / "bank_additional.parquet", Silent(), stay=stay)
