"""Verdicts and numbers as text."""

from __future__ import annotations

import pytest

from roadworthy.cli.marks import MARKS, against, between, marked, number
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict


def test_every_verdict_has_a_mark_of_its_own_and_its_word() -> None:
    assert len({mark for mark, _ in MARKS.values()}) == len(Verdict)
    assert all(v.value in marked(v).plain for v in Verdict)


def test_a_gate_without_a_verdict_is_shown_as_running() -> None:
    assert "running" in marked(None).plain


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "EUR", "-"), (0.81234, "AUC", "0.8123 AUC"), (1234567.0, "EUR", "1,234,567 EUR"), (0.0, "", "0")],
    ids=["none", "small", "large", "zero"],
)
def test_a_number_has_four_digits_and_its_unit(value: float | None, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_a_finding_without_a_statistic_shows_no_number_at_all() -> None:
    assert against(None, None, 0.5, "AUC") == ""


def test_statistic_interval_and_threshold_stand_in_one_line() -> None:
    assert against(0.81, Interval(0.79, 0.83), 0.75, "AUC") == "0.81 [0.79, 0.83] vs 0.75 AUC"
    assert between(None) == "-"
