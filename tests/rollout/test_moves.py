"""Weights and moves of a deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.domain.errors import DataError, IllegalTransitionError, SettingError
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.gateway.assign import Assigner
from roadworthy.rollout import moves
from roadworthy.rollout.strategies.arms import canary_weights

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(hours=1)
OLD = Arm("old", ArmRole.CHAMPION, 1.0, version="v1")
NEW = Arm("new", ArmRole.CHALLENGER, 0.0, version="v2")
HELD = Arm("hold-out", ArmRole.HOLD_OUT, 0.05)


def deployment(*, strategy=Strategy.CANARY, arms=(OLD, NEW, HELD), schedule=(0.1, 0.5)) -> Deployment:
    state = DeploymentState.PROGRESSING
    plan = Deployment("d", "e", strategy, arms, "salt", False, state, T0, "ann", schedule=schedule)
    return moves.start(plan, T0)


def in_state(state: DeploymentState) -> Deployment:
    running = deployment()
    if state is DeploymentState.PAUSED:
        return moves.pause(running, T1, "night")
    if state is DeploymentState.STABLE:
        return moves.promote(moves.advance(running, T1), T1)
    if state is DeploymentState.ROLLED_BACK:
        return moves.roll_back(running, T1, "harm")
    if state is DeploymentState.SUPERSEDED:
        return moves.supersede(running, T1, "d2")
    return running


def weights(d: Deployment) -> dict[str, float]:
    return {arm.name: arm.weight for arm in d.arms}


def champion(d: Deployment) -> str:
    return next(arm.version for arm in d.arms if arm.role is ArmRole.CHAMPION)


def test_a_canary_climbs_its_schedule_and_the_hold_out_keeps_its_share():
    d = deployment()
    assert weights(d) == {"old": 0.9, "new": 0.1, "hold-out": 0.05}
    d = moves.advance(d, T1, "safe")
    assert weights(d) == {"old": 0.5, "new": 0.5, "hold-out": 0.05}
    assert (d.stage, d.stage_since, d.revision, d.reason, d.salt) == (1, T1, 2, "safe", "salt")


@pytest.mark.parametrize("schedule", [(0.1, 0.5), (0.1, 0.5, 1.0)], ids=["last share left out", "ending in 1"])
def test_promotion_makes_the_canary_champion_with_all_traffic_outside_the_hold_out(schedule):
    d = moves.promote(moves.advance(deployment(schedule=schedule), T1), T1)
    assert weights(d) == {"old": 0.0, "new": 1.0, "hold-out": 0.05}
    assert (champion(d), d.state, d.stage) == ("v2", DeploymentState.STABLE, len(schedule) - 1)


def test_a_basic_deployment_serves_everything_at_once():
    d = deployment(strategy=Strategy.BASIC, schedule=())
    assert (weights(d), champion(d)) == ({"old": 0.0, "new": 1.0, "hold-out": 0.05}, "v2")
    assert d.state is DeploymentState.STABLE


@pytest.mark.parametrize(
    "state", [s for s in DeploymentState if s not in moves.FINAL_STATES], ids=lambda s: s.value
)
def test_rollback_gives_the_former_version_all_traffic_from_every_state_that_is_not_final(state):
    before = in_state(state)
    d = moves.roll_back(before, T1, "harm")
    assert weights(d) == {"old": 1.0, "new": 0.0, "hold-out": 0.05}
    assert (champion(d), d.state, d.reason) == ("v1", DeploymentState.ROLLED_BACK, "harm")
    assert d.revision == before.revision + 1


@pytest.mark.parametrize("state", sorted(moves.FINAL_STATES, key=lambda s: s.value), ids=lambda s: s.value)
def test_a_final_deployment_is_not_rolled_back_again(state):
    with pytest.raises(IllegalTransitionError, match="final"):
        moves.roll_back(in_state(state), T1, "harm")


@pytest.mark.parametrize("held", [(HELD,), ()], ids=["with hold-out", "without"])
def test_rolling_back_the_first_version_ever_leaves_every_unit_to_the_hold_out_policy(held):
    first = deployment(strategy=Strategy.BASIC, arms=(NEW, *held), schedule=())
    d = moves.roll_back(first, T1, "harm")
    assigner = Assigner(d)
    assert {assigner.assign(f"unit {i}").arm.role for i in range(200)} == {ArmRole.HOLD_OUT}


ALLOWED = {
    moves.advance: {DeploymentState.PROGRESSING},
    moves.pause: {DeploymentState.PROGRESSING},
    moves.resume: {DeploymentState.PAUSED},
    moves.supersede: set(DeploymentState) - {DeploymentState.SUPERSEDED},
}


@pytest.mark.parametrize("state", DeploymentState, ids=lambda s: s.value)
@pytest.mark.parametrize("move", ALLOWED, ids=lambda m: m.__name__)
def test_a_move_happens_from_the_listed_states_only(move, state):
    d = in_state(state)
    if state in ALLOWED[move]:
        assert move(d, T1, "why").revision == d.revision + 1
    else:
        with pytest.raises(IllegalTransitionError, match=f"'d' is {state.value}"):
            move(d, T1, "why")


def test_promotion_before_the_last_stage_is_refused():
    with pytest.raises(IllegalTransitionError, match="advance it"):
        moves.promote(deployment(), T1)


def test_advancing_beyond_the_last_stage_is_refused():
    with pytest.raises(IllegalTransitionError, match="promote it"):
        moves.advance(moves.advance(deployment(schedule=(0.1, 0.5, 1.0)), T1), T1)


def test_a_pause_keeps_the_stage_s_clock_and_resuming_starts_it_anew():
    paused = moves.pause(deployment(), T1, "undecided")
    assert paused.stage_since == T0
    assert moves.resume(paused, T1).stage_since == T1


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8, unique=True))
def test_no_unit_flips_back_while_a_canary_climbs(shares):
    d = deployment(schedule=tuple(sorted(shares)))
    on_canary: set[str] = set()
    for stage in range(len(shares)):
        assigner = Assigner(d)
        now = {f"u{i}" for i in range(100) if assigner.assign(f"u{i}").arm.name == "new"}
        assert on_canary <= now
        on_canary, d = now, moves.advance(d, T1) if stage + 1 < len(shares) else d


@pytest.mark.parametrize(
    "schedule", [(), (0.0, 0.5), (0.5, 0.1), (0.1, 0.1), (0.5, 1.1), (1.0,), tuple(i / 100 for i in range(1, 22))]
)
def test_a_schedule_that_cannot_be_followed_is_refused(schedule):
    with pytest.raises(SettingError, match="cannot follow"):
        deployment(schedule=schedule)


@pytest.mark.parametrize("arms", [(NEW,), (OLD,), (OLD, NEW, replace(NEW, name="third"))])
def test_a_canary_needs_exactly_one_champion_and_one_challenger(arms):
    with pytest.raises(DataError, match="exactly one"):
        deployment(arms=arms)


def test_a_share_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match=r"share of 1\.5"):
        canary_weights((OLD, NEW), 1.5)
