"""An endpoint's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def desk(read: Page) -> Page:
    read.goto("/endpoints/desk")
    read.get_by_role("heading", name="desk", level=1).wait_for()
    return read


def test_who_answers_with_which_share_and_why(desk: Page) -> None:
    expect(desk.get_by_role("img", name="Traffic: churn:1 68 %, churn:2 22 %, hold-out 10 %")).to_be_visible()
    expect(desk.get_by_text("Advance at share 0.25: safety is proven.").first).to_be_visible()
    expect(desk.get_by_text("10 % of units, at random; the business acts on none of them")).to_be_visible()


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Rollout looks: desk-d2", "8 looks: harm E ended at 1.8, safety E at 42.9, proof at 20"),
        ("Decisions per day, by arm", "400 decisions, 2030-01-30 to 2030-02-16"),
        ("AUC per review", "1 review had too few outcomes to measure it"),
        ("Conversion and hold-out per review", "Newest: 13.0 % of all units"),
        ("Value per unit in EUR: desk", "churn:1 +1.50 EUR; churn:2 not measurable"),
    ],
)
def test_every_chart_is_drawn_and_says_what_it_shows(desk: Page, title: str, says: str) -> None:
    card = desk.get_by_role("region", name=title)
    expect(card.locator(".note")).to_contain_text(says)
    expect(card.get_by_role("img")).to_have_attribute("aria-label", card.locator(".note").inner_text())
    expect(card.locator("svg path").first).to_be_attached()


def test_the_proof_and_chance_are_lines_in_the_charts(desk: Page) -> None:
    expect(desk.get_by_text("proof: 20", exact=True)).to_be_visible()
    expect(desk.get_by_text("chance: 0.5", exact=True)).to_be_visible()
    expect(desk.get_by_text("when validated: 0.81", exact=True)).to_be_visible()


def test_what_the_rollout_moved_is_told_in_sentences(desk: Page) -> None:
    moves = desk.get_by_role("region", name="Rollout decisions").get_by_role("listitem")
    expect(moves).to_have_count(1)
    expect(moves.first).to_contain_text("failed: champion 1 of 480, canary 1 of 160")


def test_every_reviews_conclusion_is_a_sentence_newest_first(desk: Page) -> None:
    said = desk.get_by_role("region", name="Reviews, newest first").locator(".timeline > li")
    expect(said.first.locator(".badge").first).to_have_text("fail")
    expect(said.first).to_contain_text("Review 3 concluded: the world moves.")
    expect(said.first).to_contain_text("the rise is not the model's doing")


def test_drift_says_its_distance_and_verdict_per_column_and_review(desk: Page) -> None:
    row = desk.get_by_role("table", name="Distance per column and review").get_by_role("row").nth(1)
    assert row.get_by_role("cell").all_inner_texts() == ["0.10\npass", "too few\ninconclusive", "0.30\nfail"]


def test_failures_name_the_request_and_the_reason(desk: Page) -> None:
    failed = desk.get_by_role("region", name="Failures")
    expect(failed.get_by_text("1 request of 400 looked at failed (0.25 %).")).to_be_visible()
    expect(failed.get_by_role("row", name="call-301")).to_contain_text("nr.employed is negative")


def test_an_endpoint_without_a_version_says_what_to_do(page: Page) -> None:
    page.goto("/endpoints/unused")
    expect(page.get_by_text("No version answers here yet.")).to_be_visible()
    expect(page.get_by_text("roadworthy deploy VERSION --endpoint unused")).to_be_visible()
    expect(page.get_by_text("Nothing was decided here yet.")).to_be_visible()
    expect(page.get_by_text("No review yet.")).to_be_visible()
