"""Pages over time: they follow the record without flicker, and any number of houses may be open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.full import open_full
from roadworthy.apps.settings import Settings
from roadworthy.domain.gate import Finding, GateRun, Step
from roadworthy.domain.verdict import Verdict
from roadworthy.services.catalog.people import add_person
from roadworthy.services.house import House


@contextmanager
def opened(folder: Path) -> Iterator[tuple[House, str, str]]:
    """A new house, its address and the address with its token."""
    with (
        open_full(Settings(workspace=folder), engine=InlineEngine()) as control,
        BackgroundServer(control.app) as server,
    ):
        yield control.house, server.url, f"{server.url}/?token={control.token}"


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_an_empty_house_says_how_to_begin(tab: Page, tmp_path: Path) -> None:
    with opened(tmp_path) as (_, url, entrance):
        tab.goto(entrance)
        expect(tab.get_by_role("heading", level=1)).to_have_text("Nothing is registered yet")
        expect(tab.get_by_text("roadworthy demo")).to_be_visible()
        for path, said in (("/work", "No open work item"), ("/value", "Nothing was measured yet."),
                           ("/data", "There is no use case yet."), ("/changes", "1 link verified")):  # fmt: skip
            tab.goto(url + path)
            expect(tab.get_by_text(said).first).to_be_visible()


def test_a_page_follows_the_record_and_leaves_alone_what_did_not_change(tab: Page, tmp_path: Path) -> None:
    with opened(tmp_path) as (house, url, entrance):
        tab.goto(entrance)
        tab.get_by_role("heading", level=1).wait_for()
        tab.goto(f"{url}/changes")
        expect(tab.get_by_role("heading", level=1)).to_have_text("1 changes recorded")
        tab.evaluate("document.querySelector('header').dataset.mine = 'still here'")
        add_person(house, house.person("admin"), "nora", ["auditor"])
        expect(tab.get_by_role("heading", level=1)).to_have_text("2 changes recorded", timeout=15_000)
        expect(tab.get_by_role("row", name="person added")).to_contain_text("nora")
        assert tab.evaluate("document.querySelector('header').dataset.mine") == "still here"


def test_a_gate_under_way_is_followed_finding_by_finding(inside: BrowserContext, served: Any) -> None:
    page = inside.new_page()
    page.goto("/versions/churn:3")
    expect(page.get_by_role("article", name="V1 check-v1: pass")).to_be_visible()
    with served.house.store.begin() as tx:
        run = tx.of(GateRun).find(version="churn:3")[0]
        made = Finding(Step.V3, "metamorphic", 1, Verdict.FAIL, "Older customers score lower.")
        tx.of(GateRun).replace(run, replace(run, findings=(*run.findings, made)))
    expect(page.get_by_role("article", name="V3 metamorphic: fail")).to_be_visible(timeout=15_000)
    page.close()


def test_houses_may_be_open_at_once_and_each_shows_its_own(tab: Page, tmp_path: Path, served: Any) -> None:
    with opened(tmp_path / "one") as (_, _, first), opened(tmp_path / "two") as (house, url, second):
        add_person(house, house.person("admin"), "nora", ["auditor"])
        tab.goto(first)
        expect(tab.get_by_role("heading", level=1)).to_have_text("Nothing is registered yet")
        tab.goto(second)
        tab.get_by_role("heading", level=1).wait_for()
        tab.goto(f"{url}/changes")
        expect(tab.get_by_role("heading", level=1)).to_have_text("2 changes recorded")
        tab.goto(served.entrance)
        expect(tab.get_by_role("heading", level=1)).to_contain_text("2 activated")


def test_a_house_opened_after_another_has_closed_shows_its_pages(tab: Page, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        with opened(tmp_path / name) as (_, _, entrance):
            tab.goto(entrance)
            expect(tab.get_by_role("heading", level=1)).to_have_text("Nothing is registered yet")


def test_one_houses_cookie_opens_no_other(tmp_path: Path) -> None:
    with opened(tmp_path / "one") as (_, _, entrance), opened(tmp_path / "two") as (_, url, _):
        _, _, value = httpx.get(entrance).headers["set-cookie"].partition("=")
        port = httpx.URL(url).port
        answer = httpx.get(url, headers={"Cookie": f"roadworthy-{port}={value.split(';')[0]}"})
        assert answer.status_code == 401
