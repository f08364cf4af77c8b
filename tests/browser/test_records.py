"""Work, value, changes and data: the pages that list what was recorded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.use_case import Interval
from roadworthy.web.ui.views.money import earned


def test_open_work_stands_first_and_names_defect_step_source_gate_and_version(page: Page) -> None:
    page.goto("/work")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 open work items, 1 closed")
    row = page.get_by_role("table", name="Open work items").get_by_role("row", name="work-1")
    for said in (
        "churn:4",
        "leakage",
        "data understanding and preparation",
        "V2 leakage",
        "passing validation again",
    ):
        expect(row).to_contain_text(said)
    titles = page.get_by_role("heading", level=2).all_inner_texts()
    assert titles == ["Open", "Give an item to somebody, or say something about it", "Closed"]


def test_closed_work_names_the_gate_run_that_closed_it(page: Page) -> None:
    page.goto("/work")
    closed = page.get_by_role("table", name="Closed work items")
    expect(closed).to_contain_text("validation-churn:1-1 on 2030-03-01 09:00")


def test_one_item_shows_its_rule_and_what_is_left_to_say(page: Page) -> None:
    page.goto("/work")
    page.get_by_role("link", name="work-1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("work-1: leakage in churn:4")
    expect(page.locator("#rule")).to_contain_text("a successor only")
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["Way back", "Comments", "History"]


def test_work_can_be_narrowed_to_one_version(page: Page) -> None:
    page.goto("/")
    page.get_by_role("article", name="churn:2").get_by_role("link", name="1 open work item").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 open work item of churn:2, 0 closed")


def test_the_ledger_shows_money_with_intervals_and_the_holdouts_cost(page: Page) -> None:
    page.goto("/value")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Value to date: +1,500 EUR (95 % interval 500 to 2,500; 1 version not measurable)"
    )
    row = page.get_by_role("table", name="Value by version").get_by_role("row", name="churn:1")
    for said in ("+1.50 EUR", "+1,500 EUR", "95 % interval 500 to 2,500 EUR", "+150 EUR"):
        expect(row.get_by_text(said, exact=True)).to_be_visible()
    expect(row.get_by_role("img", name="1.5 EUR, 95 % interval 0.5 to 2.5, threshold 0")).to_be_visible()


def test_what_cannot_be_measured_is_words_and_never_a_zero(page: Page) -> None:
    page.goto("/value")
    row = page.get_by_role("table", name="Value by version").get_by_role("row", name="churn:2")
    assert row.get_by_role("cell").all_inner_texts()[4:] == ["not measurable"] * 4
    expect(page.get_by_text("churn:2: Not measurable: only 12 held-out units have a known value.")).to_be_visible()


def test_the_change_record_says_that_its_chain_was_verified(page: Page) -> None:
    page.goto("/changes")
    length = page.get_by_role("heading", level=1).inner_text().split()[0]
    expect(page.get_by_role("status")).to_have_text(f"{length} links verified")


def test_changes_are_filtered_by_subject(page: Page) -> None:
    page.goto("/changes")
    page.get_by_label("About").fill("churn:4")
    page.get_by_role("button", name="Show").click()
    rows = page.get_by_role("table", name="Changes, newest first").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("validation concluded")


def test_a_subject_that_nothing_was_recorded_about_says_so(page: Page) -> None:
    page.goto("/changes?subject=nobody")
    expect(page.get_by_text("Nothing was recorded about 'nobody'.")).to_be_visible()


def test_the_contract_is_told_in_words_with_its_signature(page: Page) -> None:
    page.goto("/data")
    contract = page.get_by_role("region", name="KPI contract")
    for said in ("CASE WHEN acted THEN 50 * outcome - 4 ELSE 0 END", "at least 0.5 EUR per decision more",
                 "10 % of units, drawn at random", "acts on none of them", "Signed by olga on"):  # fmt: skip
        expect(contract).to_contain_text(said)


@pytest.mark.parametrize(("role", "reads"), [("train", "not sealed"), ("sealed test", "1 read")])
def test_a_data_set_says_its_role_rows_and_sealed_reads(page: Page, role: str, reads: str) -> None:
    page.goto("/data")
    row = (
        page.get_by_role("table", name="Data sets")
        .get_by_role("row")
        .filter(has=page.get_by_text(role, exact=True))
    )
    expect(row).to_contain_text("80")
    expect(row.get_by_role("cell").last).to_have_text(reads)


def test_money_whose_interval_holds_zero_is_said_to_prove_nothing() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    line = LedgerEntry("l", "desk", "churn:1", "k", at, at, "EUR", 100, 20, 1.0, 1.2, True, -0.2,
                       Interval(-1.0, 0.6), -20.0, -4.0)  # fmt: skip
    (found,) = earned([line])
    assert found.amount == "\u221220.00 EUR"
    assert found.note == "95\u00a0% interval \u2212100 to 60; neither gain nor loss is proven"
