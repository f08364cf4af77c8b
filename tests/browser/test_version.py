"""A version's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def version(read: Page) -> Page:
    read.goto("/versions/churn:1")
    read.get_by_role("heading", name="churn:1", level=1).wait_for()
    return read


@pytest.mark.parametrize("fact", ["activated", "skops", "dan", "train.csv", "0.3", "2 columns", "1 library"])
def test_the_header_says_what_the_version_is(version: Page, fact: str) -> None:
    expect(version.locator("section").first.get_by_text(fact).first).to_be_visible()


def test_the_whole_artifact_digest_is_at_hand(version: Page) -> None:
    expect(version.get_by_title("1" * 64).first).to_be_visible()


def test_all_steps_of_all_gates_are_there_in_order(version: Page) -> None:
    steps = version.get_by_role("navigation", name="Steps of the gates").get_by_role("link")
    codes = [text.split()[0] for text in steps.locator(".unseen").all_inner_texts()]
    assert codes == [
        *(f"V{n}" for n in range(1, 10)),
        *(f"R{n}" for n in range(1, 8)),
        *(f"A{n}" for n in range(1, 8)),
    ]


@pytest.mark.parametrize(
    ("finding", "message"),
    [
        ("V1 kpi-contract: pass", "The model earns 1.2 EUR more."),
        ("V2 calibrated: warn", "Slightly off at the top."),
        ("V5 fairness: inconclusive", "Too few rows of one group."),
        ("V8 reproducible: error", "The training code could not run."),
    ],
)
def test_a_finding_says_its_verdict_in_words_and_what_was_found(version: Page, finding: str, message: str) -> None:
    shown = version.get_by_role("article", name=finding)
    expect(shown.get_by_text(message)).to_be_visible()
    expect(shown.locator(".badge")).to_have_text(finding.rpartition(" ")[2])


def test_a_number_stands_with_its_interval_against_its_threshold(version: Page) -> None:
    shown = version.get_by_role("article", name="V1 kpi-contract: pass")
    said = "1.2 EUR, 95 % interval 0.6 to 1.8, threshold 0.5"
    expect(shown.get_by_role("img", name=said)).to_be_visible()
    expect(shown.get_by_text("4,000 rows")).to_be_visible()


def test_a_waiver_is_shown_with_its_reason(version: Page) -> None:
    expect(version.get_by_text("Accepted for a pilot of four weeks.")).to_be_visible()


def test_details_unfold_into_pictures_and_tables(version: Page) -> None:
    calibrated = version.get_by_role("article", name="V2 calibrated: warn")
    calibrated.get_by_text("Details", exact=True).click()
    expect(calibrated.get_by_role("img", name="Calibration: score 0.100, observed 0.120")).to_be_visible()
    explained = version.get_by_role("article", name="V4 explanation: pass")
    explained.get_by_text("Details", exact=True).click()
    expect(explained.get_by_role("rowheader", name="age")).to_be_visible()
    expect(explained.get_by_role("img", name="0.2 Mean, 95 % interval 0.1 to 0.3, threshold 0")).to_be_visible()


def test_who_signed_which_evidence_and_who_operates_it(version: Page) -> None:
    signed = version.get_by_role("region", name="Signatures")
    expect(signed).to_contain_text("vera approved validation-churn:1-1, evidence eeeeeeeeeeee")
    expect(version.get_by_role("region", name="Hand-off")).to_contain_text("Roll back, then call omar.")
    rows = version.get_by_role("table", name="Signed statements").get_by_role("row")
    assert [r.get_by_role("rowheader").inner_text() for r in rows.all()[1:]] == ["sign off", "hand off"]


def test_its_work_items_and_its_change_record_are_there(version: Page) -> None:
    expect(version.get_by_role("table", name="Work items of this version")).to_contain_text("overfit")
    expect(version.get_by_role("region", name="Change record")).to_contain_text("version registered")


def test_a_version_with_open_defects_says_to_mend_them_before_anything_else(page: Page) -> None:
    page.goto("/versions/churn:2")
    expect(page.get_by_text("Next: mend what 1 open work item names")).to_be_visible()
    expect(page.get_by_text("roadworthy deploy churn:2")).to_have_count(0)


def test_a_gate_that_has_not_run_says_so_and_what_to_do(page: Page) -> None:
    page.goto("/versions/churn:5")
    expect(page.get_by_text("This gate has not run yet.")).to_have_count(3)
    expect(page.get_by_text("roadworthy validate churn:5")).to_be_visible()
    expect(page.get_by_text("Nobody has signed yet.")).to_be_visible()
