"""What a new contract changes is said term by term, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.domain.use_case import Bound, KpiContract, KpiLimit
from roadworthy.value.terms import changed_terms

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIMIT = KpiLimit("letters", "acted", Bound.AT_MOST, 0.6, "share")
OLD = KpiContract("k1", "c", 1, "EUR", "outcome", 0.5, (LIMIT,), (), 0.1, False, NOW, label_delay_days=7.0)

CHANGED: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "nothing but its number and time": ({"id": "k2", "revision": 2, "why": "again"}, []),
    "the target": ({"target": 0.25}, [("target", "0.5", "0.25")]),
    "the value": ({"value": "2 * outcome"}, [("value", "outcome", "2 * outcome")]),
    "who the hold-out is": (
        {"holdout_share": 0.2, "holdout_acts": True},
        [("holdout_share", "0.1", "0.2"), ("holdout_acts", "no", "yes")],
    ),
    "the delay of labels": ({"label_delay_days": 30.0}, [("label_delay_days", "7", "30")]),
    "a limit's number": (
        {"guardrails": (replace(LIMIT, limit=0.7),)},
        [("guardrail: letters", "acted <= 0.6 share", "acted <= 0.7 share")],
    ),
    "a limit left out": ({"guardrails": ()}, [("guardrail: letters", "acted <= 0.6 share", "none")]),
    "a limit that becomes an outcome nobody wants": (
        {"guardrails": (), "unintended": (LIMIT,)},
        [
            ("guardrail: letters", "acted <= 0.6 share", "none"),
            ("unintended: letters", "none", "acted <= 0.6 share"),
        ],
    ),
}


@pytest.mark.parametrize(("about", "said"), CHANGED.values(), ids=CHANGED)
def test_each_change_is_told_with_what_was_and_what_is(
    about: dict[str, Any], said: list[tuple[str, str, str]]
) -> None:
    found = changed_terms(OLD, replace(OLD, **about))
    assert [(c.term, c.old, c.new) for c in found] == said


def test_two_numbers_that_differ_in_the_last_digit_differ() -> None:
    assert changed_terms(OLD, replace(OLD, target=0.5 + 1e-15))
