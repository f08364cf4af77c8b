"""Law: whoever counts decisions does not count what shadows scored, unless it asks for them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from simulated_offers import artifact
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.serving import DecisionStatus
from roadworthy.services.licence.expiry import standing_of
from roadworthy.services.serve.looking_back.replay import replay
from roadworthy.services.serve.rollout import rollout_view
from roadworthy.services.watch.trace import trace
from roadworthy.services.watch.windows import decision_frame
from roadworthy.web.ui.views.endpoint import _recent, _story

SOURCE = Path(__file__).parents[2] / "src" / "roadworthy"
ASKS = "services/serve/shadows.py"
"""The one reader that compares shadows with their champion."""


def _outcomes(world: World) -> Any:
    intake = world.report({"m-0": 1.0, "m-1": 0.0, "unheard-of": 1.0})
    return replace(intake) if hasattr(intake, "__dataclass_fields__") else intake


READERS: dict[str, Callable[[World], Any]] = {
    "the rollout's view": lambda w: rollout_view(w.house, w.deployment()),
    "the decisions an approval has used": lambda w: standing_of(w.house, V1).decisions,
    "a review": lambda w: replace(w.review(), id=""),
    "matching outcomes": _outcomes,
    "a trace": lambda w: [t.decision for t in trace(w.house, "m-0")],
    "a replay": lambda w: replay(w.house, "m-0"),
    "the table monitors read": lambda w: decision_frame(w.house.decisions.read(ENDPOINT), {}).rows(),
    "the page of the endpoint": lambda w: _recent(w.house, _story(w.house, ENDPOINT, {})),
}


def rolling() -> World:
    """A canary with traffic and outcomes."""
    world = at("serving")
    world.activate_fully(world.register(artifact("logistic", seed=1)).id)
    world.clock.advance(days(1))
    world.deploy("offers:2", schedule=(0.5, 1.0))
    happened = world.live(120, 11, "m")
    world.clock.advance(days(9))
    world.report(happened)
    return world


@pytest.fixture(scope="module")
def without() -> World:
    return rolling()


def shadowed(world: World) -> World:
    """The same world with as many scores of a shadow of the champion's version, all of another kind than its own."""
    made = world.fork()
    decided = made.house.decisions.read(ENDPOINT)
    made.house.decisions.append(
        [
            replace(d, id=f"s{d.id}", version=V1, arm=V1, status=DecisionStatus.SHADOW, score=0.99, acted=True)
            for d in decided
        ]
    )
    assert len(made.house.decisions.read(ENDPOINT, shadows=True)) == len(decided)
    return made


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_reader_says_the_same_with_and_without_shadows(without: World, reader: Callable[[World], Any]) -> None:
    assert reader(shadowed(without)) == reader(without.fork())


def test_only_the_comparison_asks_for_shadows() -> None:
    asking = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and any(
                k.arg == "shadows" and isinstance(k.value, ast.Constant) and k.value.value is True
                for k in node.keywords
            ):
                asking.add(str(path.relative_to(SOURCE)))
    assert asking == {ASKS}


def test_the_law_would_notice_a_reader_that_counts_them(without: World) -> None:
    made = shadowed(without)
    until = made.clock.now() + timedelta(days=1)
    both = [*made.house.decisions.read(ENDPOINT, until=until), *made.house.decisions.read(ENDPOINT, shadows=True)]
    assert decision_frame(both, {}).n_rows == 2 * decision_frame(made.house.decisions.read(ENDPOINT), {}).n_rows
