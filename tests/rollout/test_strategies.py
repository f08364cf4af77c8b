"""What every strategy keeps, and what each one promises."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.domain.errors import DataError, IllegalTransitionError, SettingError
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.gateway.assign import Assigner
from roadworthy.rollout import moves
from roadworthy.rollout.strategies.recipe import Judging, Move, Terms
from roadworthy.rollout.strategies.registry import RECIPES

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(hours=1)
OLD = Arm("old", ArmRole.CHAMPION, 1.0, version="v1", artifact="a1")
HELD = Arm("hold-out", ArmRole.HOLD_OUT, 0.05)


def planned(strategy: Strategy, new: int = 1, **terms: object) -> Deployment:
    """A deployment of `new` versions beside the champion, as its strategy starts it."""
    recipe = RECIPES[strategy]
    fresh = tuple(Arm(f"new{i}", recipe.role, 0.0, version=f"n{i}", artifact=f"b{i}") for i in range(new))
    plan = Deployment(
        "d", "e", strategy, (OLD, *fresh, HELD), "salt", False, DeploymentState.PROGRESSING, T0, "ann"
    )
    return moves.start(plan, T0, Terms(**terms))


def weights(d: Deployment) -> dict[str, float]:
    return {arm.name: arm.weight for arm in d.arms}


def answering(d: Deployment) -> dict[str, int]:
    """How many of 2,000 units each arm answers, by the gateway's own draw."""
    assigner = Assigner(d)
    names = [assigner.assign(f"u{i}").arm.name for i in range(2000)]
    return {name: names.count(name) for name in dict.fromkeys(names)}


STARTS: dict[str, tuple[Deployment, dict[str, float], DeploymentState]] = {
    "basic": (
        planned(Strategy.BASIC),
        {"old": 0.0, "new0": 1.0, "hold-out": 0.05},
        DeploymentState.STABLE,
    ),
    "recreate": (planned(Strategy.RECREATE), {"new0": 1.0, "hold-out": 0.05}, DeploymentState.STABLE),
    "blue-green": (
        planned(Strategy.BLUE_GREEN),
        {"old": 1.0, "new0": 0.0, "hold-out": 0.05},
        DeploymentState.PROGRESSING,
    ),
    "canary": (
        planned(Strategy.CANARY),
        {"old": 0.95, "new0": 0.05, "hold-out": 0.05},
        DeploymentState.PROGRESSING,
    ),
    "ab-split of two challengers": (
        planned(Strategy.AB_SPLIT, 2, shares=(0.5, 0.25)),
        {"old": 0.25, "new0": 0.5, "new1": 0.25, "hold-out": 0.05},
        DeploymentState.PROGRESSING,
    ),
    "champion-challenger": (
        planned(Strategy.CHAMPION_CHALLENGER),
        {"old": 0.9, "new0": 0.1, "hold-out": 0.05},
        DeploymentState.PROGRESSING,
    ),
    "shadow": (
        planned(Strategy.SHADOW, 2, shares=(1.0, 0.5)),
        {"old": 1.0, "new0": 1.0, "new1": 0.5, "hold-out": 0.05},
        DeploymentState.PROGRESSING,
    ),
}


@pytest.mark.parametrize(("d", "expected", "state"), STARTS.values(), ids=STARTS)
def test_a_strategy_starts_with_these_weights(d, expected, state):
    assert (weights(d), d.state, d.revision) == (expected, state, 1)


def test_there_is_a_recipe_for_every_strategy_and_its_texts_are_there():
    assert set(RECIPES) == set(Strategy)
    assert all(r.title and r.about.strip() for r in RECIPES.values())


@pytest.mark.parametrize("strategy", Strategy, ids=lambda s: s.value)
def test_the_shares_of_the_arms_that_answer_add_up_to_one_after_every_move(strategy):
    d = planned(strategy)
    for move in (moves.pause, moves.resume, moves.promote, moves.roll_back):
        try:
            d = move(d, T1, "why")
        except IllegalTransitionError:
            continue
        assert math.isclose(sum(a.weight for a in d.arms if a.role.answers), 1.0)
        assert weights(d)["hold-out"] == (1.0 if strategy is Strategy.RECREATE else 0.05)


@pytest.mark.parametrize("strategy", Strategy, ids=lambda s: s.value)
def test_turning_back_gives_the_champion_of_before_everything_outside_the_hold_out(strategy):
    d = moves.roll_back(planned(strategy), T1, "harm", earlier=replace(OLD, weight=0.0))
    assert answering(d).keys() == {"old", "hold-out"}
    assert weights(d)["old"] == 1.0


@pytest.mark.parametrize(
    "strategy", [s for s in Strategy if Move.PROMOTE in RECIPES[s].moves], ids=lambda s: s.value
)
def test_a_promoted_challenger_answers_everything_and_turning_back_is_one_move(strategy):
    terms = {"schedule": (0.1,)} if strategy is Strategy.CANARY else {}
    promoted = moves.promote(planned(strategy, **terms), T1, "better")
    assert answering(promoted).keys() == {"new0", "hold-out"}
    assert weights(promoted)["old"] == 0.0
    back = moves.roll_back(promoted, T1, "worse")
    assert answering(back).keys() == {"old", "hold-out"}


@pytest.mark.parametrize(("strategy", "move"), list(product(Strategy, Move)), ids=lambda x: x.value)
def test_a_move_its_strategy_does_not_have_is_refused(strategy, move):
    d = planned(strategy, **({"schedule": (0.1, 0.5)} if strategy is Strategy.CANARY else {}))
    act = {Move.ADVANCE: moves.advance, Move.PROMOTE: moves.promote, Move.PAUSE: moves.pause}[move]
    if strategy is Strategy.CANARY and move is Move.PROMOTE:
        d = moves.advance(d, T1, "safe")
    if move in RECIPES[strategy].moves:
        assert act(d, T1, "why").revision == d.revision + 1
    else:
        with pytest.raises(IllegalTransitionError, match="cannot"):
            act(d, T1, "why")


def test_only_a_canary_is_moved_on_by_evidence():
    assert [s for s in Strategy if RECIPES[s].judging is Judging.DECIDES] == [Strategy.CANARY]


def test_a_shadow_answers_nobody_and_cannot_be_promoted():
    d = planned(Strategy.SHADOW)
    assert answering(d).keys() == {"old", "hold-out"}
    with pytest.raises(IllegalTransitionError, match="turned back or taken over"):
        moves.promote(d, T1, "it agrees")


def test_a_withdrawn_champion_is_not_followed_by_a_shadow():
    d = moves.withdraw(planned(Strategy.SHADOW), {"v1"}, T1, "suspended")
    assert answering(d).keys() == {"hold-out"}


def test_a_split_of_several_is_promoted_by_name_only():
    d = planned(Strategy.AB_SPLIT, 2)
    with pytest.raises(DataError, match="2 challenger arms"):
        moves.promote(d, T1, "better")
    with pytest.raises(DataError, match="new0, new1"):
        moves.promote(d, T1, "better", arm="old")
    promoted = moves.promote(d, T1, "better", arm="new1")
    assert weights(promoted) == {"old": 0.0, "new0": 0.0, "new1": 1.0, "hold-out": 0.05}
    assert weights(moves.roll_back(promoted, T1, "worse"))["old"] == 1.0


def test_a_split_without_shares_gives_every_version_the_same():
    assert list(weights(planned(Strategy.AB_SPLIT, 3)).values()) == [0.25, 0.25, 0.25, 0.25, 0.05]


@given(st.lists(st.floats(0.01, 0.3), min_size=2, max_size=3))
def test_no_unit_changes_its_arm_while_a_split_runs(shares):
    d = planned(Strategy.AB_SPLIT, len(shares), shares=tuple(shares))
    paused = moves.pause(d, T1, "night")
    before, after = Assigner(d), Assigner(moves.resume(paused, T1, "day"))
    units = [f"u{i}" for i in range(100)]
    assert [before.assign(u).arm.name for u in units] == [after.assign(u).arm.name for u in units]


BAD_SHARES = {
    "one too few": (Strategy.AB_SPLIT, 2, (0.5,)),
    "nothing left for the champion": (Strategy.AB_SPLIT, 2, (0.5, 0.5)),
    "none": (Strategy.AB_SPLIT, 1, (0.0,)),
    "negative": (Strategy.AB_SPLIT, 2, (-0.1, 0.2)),
    "no number": (Strategy.AB_SPLIT, 1, (math.nan,)),
    "a challenger with more than half": (Strategy.CHAMPION_CHALLENGER, 1, (0.6,)),
    "a shadow of more than everything": (Strategy.SHADOW, 1, (1.1,)),
}


@pytest.mark.parametrize(("strategy", "new", "shares"), BAD_SHARES.values(), ids=BAD_SHARES)
def test_shares_that_cannot_be_are_refused(strategy, new, shares):
    with pytest.raises(SettingError, match="one share per new version"):
        planned(strategy, new, shares=shares)


@pytest.mark.parametrize("strategy", Strategy, ids=lambda s: s.value)
def test_an_option_a_strategy_does_not_take_is_refused_and_the_others_are_named(strategy):
    given_terms = {"schedule": (0.1,), "shares": (0.1,), "beside": ("x",)}
    for option, value in given_terms.items():
        if option not in RECIPES[strategy].takes:
            with pytest.raises(SettingError, match=f"takes no {option}"):
                planned(strategy, **{option: value})
