"""The page of a version says how long its approval still holds, or why it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from small_world import V1, at, days

from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import ApprovalTerms, Licence
from roadworthy.services.licence.approval import Approval
from roadworthy.services.licence.expiry import Standing, standing_of
from roadworthy.web.ui.words import approval_sentence, percent

GIVEN = Approval("run", ApprovalTerms(), 1, Licence(V1, datetime(2026, 3, 1, tzinfo=UTC)))
HOLDS = Standing(V1, State.ACTIVATED, GIVEN)

SENTENCES = {
    "no limit": (HOLDS, "The approval holds without a limit."),
    "days": (replace(HOLDS, days_left=12.34), "The approval holds for 12.3 more days."),
    "days and decisions": (
        replace(HOLDS, days_left=12.0, decisions_left=1500),
        "The approval holds for 12.0 more days and 1,500 more decisions.",
    ),
    "soon": (
        replace(HOLDS, days_left=2.0, warning="2.0 days left: renew it soon"),
        "The approval holds for 2.0 more days. 2.0 days left: renew it soon.",
    ),
    "drift": (
        replace(HOLDS, days_left=12.0, drift_share=0.25),
        f"The approval holds for 12.0 more days. In its newest review {percent(0.25)} of the signals moved.",
    ),
    "ended": (
        replace(HOLDS, days_left=-1.0, ended="age: it held until 2026-03-01"),
        "The approval does not hold: age: it held until 2026-03-01.",
    ),
    "none": (Standing(V1, State.REGISTERED, None), "It is not approved."),
}


@pytest.mark.parametrize(("standing", "said"), SENTENCES.values(), ids=SENTENCES)
def test_what_is_left_is_said_in_a_sentence(standing: Standing, said: str) -> None:
    assert approval_sentence(standing) == said


def test_the_sentence_follows_the_clock() -> None:
    world = at("activated")
    assert approval_sentence(standing_of(world.house, V1)) == "The approval holds for 730.0 more days."
    world.clock.advance(days(720))
    assert "for 10.0 more days. 10.0 days left" in approval_sentence(standing_of(world.house, V1))
    world.clock.advance(days(10))
    assert approval_sentence(standing_of(world.house, V1)).startswith("The approval does not hold: age: ")


def test_the_versions_page_shows_it(place_at: Callable[..., Any]) -> None:
    page = place_at("activated").browser().get(f"/versions/{V1}").text
    assert "The approval holds for 730.0 more days." in page


def test_the_board_shows_it_beside_what_serves_and_goes_on_by_the_calendar(place_at: Callable[..., Any]) -> None:
    place = place_at("serving")
    assert "The approval holds for 730.0 more days." in place.browser().get("/").text
    place.world.clock.advance(days(720))
    assert "The approval holds for 10.0 more days." in place.browser().get("/").text
