"""Bars, sparklines, whiskers."""

from __future__ import annotations

import math

import pytest

from roadworthy.cli.bars import bar, sparkline, split_bar, whisker
from roadworthy.domain.use_case import Interval


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0.0, "    "), (0.5, "██  "), (1.0, "████"), (0.125, "▌   "), (7.0, "████"), (-1.0, "    ")],
    ids=["none", "half", "all", "an-eighth-of-four", "too-much", "negative"],
)
def test_a_bar_fills_the_share_of_its_width(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


def test_a_sparkline_runs_from_lowest_to_highest_and_marks_what_is_no_number() -> None:
    assert sparkline([1, 2, math.nan, 4]) == "▁▃·█"


@pytest.mark.parametrize(
    ("values", "drawn"), [([], ""), ([math.nan], "·"), ([3, 3], "▄▄")], ids=["none", "nan", "flat"]
)
def test_a_sparkline_of_nothing_special_is_no_error(values: list[float], drawn: str) -> None:
    assert sparkline(values) == drawn


def test_the_smallest_share_of_a_split_bar_is_still_visible() -> None:
    text = split_bar([("champion", 0.999), ("canary", 0.001)], width=20)
    assert len(text.spans) == 2
    assert all(span.end > span.start for span in text.spans)


def test_a_whisker_shows_zero_when_the_axis_holds_it() -> None:
    drawn = whisker(Interval(2.0, 4.0), 3.0, -1.0, 5.0, width=25)
    assert drawn.index("│") < drawn.index("├") < drawn.index("●") < drawn.index("┤")


def test_a_whisker_around_zero_does_not_hide_that_it_holds_zero() -> None:
    assert whisker(Interval(-1.0, 1.0), 0.5, -1.0, 1.0, width=9) == "├─────●─┤"
