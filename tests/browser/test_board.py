"""The board."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def board(read: Page) -> Page:
    read.goto("/")
    read.get_by_role("heading", level=1).wait_for()
    return read


def test_the_headline_counts_versions_work_and_money(board: Page) -> None:
    said = board.get_by_role("heading", level=1)
    expect(said).to_contain_text("2 activated, 2 open work items, value to date +1,500 EUR")
    expect(said).to_contain_text("95 % interval 500 to 2,500; 1 version not measurable")


@pytest.mark.parametrize(
    ("state", "version"),
    [("Activated", "churn:1"), ("Activated", "churn:2"), ("Validating", "churn:3"), ("Returned", "churn:4"),
     ("Registered", "churn:5")],
)  # fmt: skip
def test_every_version_is_a_card_in_the_column_of_its_state(board: Page, state: str, version: str) -> None:
    column = board.get_by_role("group", name=re.compile(state))
    expect(column.get_by_role("article", name=version)).to_be_visible()


def test_a_state_in_which_nobody_stands_is_still_on_the_road(board: Page) -> None:
    expect(board.get_by_role("group", name="Candidate: 0 versions")).to_be_visible()


def test_a_card_says_each_gates_verdict_in_words_where_it_serves_and_what_is_open(board: Page) -> None:
    card = board.get_by_role("article", name="churn:2")
    for said in ("Validation: warn", "Activation: warn", "serves desk 22 %", "1 open work item"):
        expect(card.get_by_text(said)).to_be_visible()
    returned = board.get_by_role("article", name="churn:4")
    expect(returned.get_by_text("Validation: fail")).to_be_visible()
    expect(returned.get_by_text("Release: not run")).to_be_visible()


def test_a_gate_under_way_is_shown_as_running(board: Page) -> None:
    expect(board.get_by_role("article", name="churn:3").get_by_text("Validation: running")).to_be_visible()


def test_beside_the_board_stand_the_endpoints_and_the_open_work(board: Page) -> None:
    endpoints = board.get_by_role("region", name="Endpoints")
    expect(endpoints.get_by_role("img", name="Traffic: churn:1 68 %, churn:2 22 %, hold-out 10 %")).to_be_visible()
    expect(endpoints.get_by_text("last review: fail")).to_be_visible()
    expect(endpoints.get_by_text("roadworthy deploy VERSION --endpoint unused")).to_be_visible()
    work = board.get_by_role("region", name="Open work")
    expect(work.get_by_text("back to data acquisition; closed by passing validation again")).to_be_visible()


def test_a_card_leads_to_the_version(page: Page) -> None:
    page.goto("/")
    page.get_by_role("article", name="churn:1").get_by_role("link", name="churn:1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("churn:1")


def test_what_people_write_is_shown_and_never_run(board: Page) -> None:
    expect(
        board.get_by_role("article", name="churn:5").get_by_text("<img src=x onerror=alert(1)> & Co")
    ).to_be_visible()
    assert board.locator("main img[src=x]").count() == 0
