from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Agent
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.agents import heard_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = Agent("edge", "offers", "offers:1", 10.0, NOW - timedelta(days=1), "omar", NOW)


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, Verdict.PASS), (30, Verdict.PASS), (30.001, Verdict.FAIL)],
    ids=["now", "just", "late"],
)
def test_three_missing_signs_of_life_are_silence(seconds: float, verdict: Verdict) -> None:
    signal = heard_of(AGENT, NOW + timedelta(seconds=seconds))
    assert (signal.verdict, signal.statistic, signal.threshold) == (verdict, seconds, 30.0)
    assert (signal.defect is DefectKind.OPERATIONS_GAP) is (verdict is Verdict.FAIL)


def test_an_agent_that_was_never_heard_of_is_silent_too() -> None:
    signal = heard_of(replace(AGENT, seen_at=None), NOW)
    assert signal.verdict is Verdict.FAIL
    assert "since it was registered" in signal.message


def test_what_could_not_be_told_is_a_warning_and_its_number() -> None:
    signal = heard_of(replace(AGENT, lost=2, refused=3), NOW)
    assert (signal.verdict, signal.rows) == (Verdict.WARN, 5)


def test_a_retired_agent_is_no_finding() -> None:
    assert heard_of(replace(AGENT, ended_at=NOW), NOW + timedelta(days=9)).verdict is Verdict.PASS
