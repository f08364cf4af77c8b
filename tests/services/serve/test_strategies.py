"""Every strategy from deploying to its end, as services carry it out: signed, published and verified at each step."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from simulated_offers import artifact, simulate
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.errors import ConflictError, DataError, IllegalTransitionError, NotAllowedError, SettingError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.serving import ArmRole, Decision, Deployment, DeploymentState, RolloutLook, Strategy
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.rollout.canary import CanaryRule
from roadworthy.services.licence.standing import suspend
from roadworthy.services.serve.by_hand import pause_rollout, promote_by_hand, resume_rollout
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.serve.rollout import looks, step_rollout
from roadworthy.services.serve.shadows import compare_shadows
from roadworthy.services.watch.verify import trust_root, verify_changes

V2, V3 = "offers:2", "offers:3"
EAGER = CanaryRule(min_requests=20, max_failure_rate=0.3)


@lru_cache(maxsize=2)
def _able(third: str) -> World:
    world = at("serving")
    for function in ("logistic", third):
        world.activate_fully(world.register(artifact(function, seed=1)).id)
    world.clock.advance(days(1))
    return world


def able(third: str = "logistic") -> World:
    """offers:1 serves; offers:2 and offers:3 may."""
    return _able(third).fork()


@pytest.fixture
def world() -> World:
    return able()


def weights(deployment: Deployment) -> dict[str, float]:
    return {a.name: a.weight for a in deployment.arms}


def in_force(world: World) -> dict[str, float]:
    """The weights a gateway takes up: published, and verified as it verifies."""
    document = world.house.served.read(ENDPOINT)
    assert document is not None
    served = decode_served(document)
    verify_served(served, trust_root(world.house), endpoint=ENDPOINT, now=None)
    assert served.deployment == world.deployment()
    return weights(served.deployment)


def send(world: World, rows: int, **about: Any) -> list[Decision]:
    """Requests through a real gateway, each unit once."""
    gateway = world.gateway()
    frame, _ = simulate(rows, 100, **about)
    for i in range(rows):
        world.ask(gateway, frame.take(np.array([i])), [f"u{i}"])
    gateway.close()
    return world.house.decisions.read(ENDPOINT)


def step(world: World) -> RolloutLook:
    found = step_rollout(world.house, ENDPOINT, EAGER)
    assert found is not None
    return found


def promote(world: World, arm: str = "") -> Deployment:
    return promote_by_hand(world.house, world.who("omar"), ENDPOINT, "it is better", arm)


def back(world: World) -> Deployment:
    return roll_back(world.house, world.who("omar"), ENDPOINT, "second thoughts")


def test_a_blue_green_switch_is_one_move_and_the_way_back_another(world: World) -> None:
    deployed = world.deploy(V2, strategy=Strategy.BLUE_GREEN)
    assert (deployed.state, in_force(world)) == (
        DeploymentState.PROGRESSING,
        {V1: 1.0, V2: 0.0, "hold-out": 0.1},
    )
    assert {d.arm for d in send(world, 20)} <= {V1, "hold-out"}
    assert step_rollout(world.house, ENDPOINT, EAGER) is None
    promote(world)
    assert in_force(world) == {V1: 0.0, V2: 1.0, "hold-out": 0.1}
    back(world)
    assert in_force(world) == {V1: 1.0, V2: 0.0, "hold-out": 0.1}
    assert verify_changes(world.house) == len(world.changes())


def test_a_recreated_endpoint_keeps_only_the_new_version_and_goes_back_to_the_old_one(world: World) -> None:
    world.deploy(V2, strategy=Strategy.RECREATE)
    assert in_force(world) == {V2: 1.0, "hold-out": 0.1}
    back(world)
    assert in_force(world) == {V1: 1.0, "hold-out": 0.1}
    assert {d.version for d in send(world, 20)} == {V1, ""}


def test_going_back_to_a_version_that_may_not_serve_any_more_leaves_the_new_one_in_force(world: World) -> None:
    world.deploy(V2, strategy=Strategy.RECREATE)
    suspend(world.house, world.who("omar"), V1, "an incident")
    back(world)
    assert in_force(world) == {V2: 1.0, "hold-out": 0.1}


def test_a_split_runs_over_all_three_versions_and_is_not_ended_by_proven_safety(world: World) -> None:
    deployed = world.deploy(V2, strategy=Strategy.AB_SPLIT, beside=(V3,), shares=(0.4, 0.3))
    assert in_force(world) == pytest.approx({V1: 0.3, V2: 0.4, V3: 0.3, "hold-out": 0.1})
    assert {d.arm for d in send(world, 250)} == {V1, V2, V3, "hold-out"}
    look = step(world)
    taken = looks(world.house, deployed.id)
    assert [x.details["arm"] for x in taken] == [V2, V3]
    assert {x.action for x in taken} == {"hold"}
    assert {x.reason.partition(":")[0] for x in taken} == {"safety-proven"}
    assert (look.requests["canary"], look.threshold) == (sum(d.arm == V3 for d in send(world, 0)), 2 / EAGER.alpha)
    assert world.deployment().state is DeploymentState.PROGRESSING
    promote(world, V3)
    assert in_force(world) == {V1: 0.0, V2: 0.0, V3: 1.0, "hold-out": 0.1}
    back(world)
    assert in_force(world)[V1] == 1.0


def test_a_split_ends_when_one_of_its_versions_is_proven_harmful_and_that_one_goes_back() -> None:
    world = able("strict")
    world.deploy(V2, strategy=Strategy.AB_SPLIT, beside=(V3,), shares=(0.3, 0.3))
    send(world, 120, shift=5.0)
    look = step(world)
    assert (look.action, look.details["arm"]) == ("roll_back", V3)
    assert in_force(world) == {V1: 1.0, V2: 0.0, V3: 0.0, "hold-out": 0.1}
    assert [item.version for item in world.work()] == [V3]
    assert world.version(V2).state is State.ACTIVATED


def test_a_challenger_keeps_its_share_whatever_is_proven_until_a_person_promotes_it(world: World) -> None:
    world.deploy(V2, strategy=Strategy.CHAMPION_CHALLENGER, shares=(0.5,))
    send(world, 120)
    assert step(world).reason.startswith("safety-proven")
    assert in_force(world) == {V1: 0.5, V2: 0.5, "hold-out": 0.1}
    moved = promote(world)
    assert (moved.state, in_force(world)) == (DeploymentState.STABLE, {V1: 0.0, V2: 1.0, "hold-out": 0.1})
    change = world.changes()[-1]
    assert (change.action, change.actor, change.why) == ("deployment-stable", "omar", "it is better")


def test_a_shadow_has_no_traffic_and_any_other_deployment_takes_over(world: World) -> None:
    world.deploy(V2, strategy=Strategy.SHADOW, beside=(V3,), shares=(1.0, 0.5))
    assert in_force(world) == {V1: 1.0, V2: 1.0, V3: 0.5, "hold-out": 0.1}
    assert {a.name: a.role for a in world.deployment().arms}[V2] is ArmRole.SHADOW
    assert {d.arm for d in send(world, 30)} <= {V1, "hold-out"}
    with pytest.raises(IllegalTransitionError, match="turned back or taken over"):
        promote(world)
    canary = world.deploy(V2)
    assert (canary.strategy, weights(canary)[V2]) == (Strategy.CANARY, 0.05)
    assert in_force(world)[V2] == 0.05


def test_ending_a_shadow_leaves_the_champion_alone(world: World) -> None:
    world.deploy(V2, strategy=Strategy.SHADOW)
    back(world)
    assert in_force(world) == {V1: 1.0, V2: 0.0, "hold-out": 0.1}


def test_a_paused_test_is_not_looked_at_until_a_person_lets_it_go_on(world: World) -> None:
    world.deploy(V2, strategy=Strategy.AB_SPLIT)
    omar = world.who("omar")
    pause_rollout(world.house, omar, ENDPOINT, "a holiday")
    assert step_rollout(world.house, ENDPOINT, EAGER) is None
    resume_rollout(world.house, omar, ENDPOINT, "back at work")
    assert step(world).action == "hold"


def test_a_challenger_that_was_suspended_meanwhile_is_not_promoted(world: World) -> None:
    world.deploy(V2, strategy=Strategy.BLUE_GREEN)
    suspend(world.house, world.who("omar"), V2, "an incident")
    before = world.deployment()
    with pytest.raises(ConflictError, match="offers:2 is suspended"):
        promote(world)
    assert world.deployment() == before


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a term the strategy does not take": (
        {"strategy": Strategy.BLUE_GREEN, "shares": (0.1,)},
        SettingError,
        "blue-green deployment takes no shares",
    ),
    "more than a challenger may have": (
        {"strategy": Strategy.CHAMPION_CHALLENGER, "shares": (0.7,)},
        SettingError,
        "together at most 0.5",
    ),
    "the champion beside itself": ({"strategy": Strategy.AB_SPLIT, "beside": (V1,)}, ConflictError, "already"),
    "a version twice": ({"strategy": Strategy.AB_SPLIT, "beside": (V2,)}, ConflictError, "named twice"),
}


@pytest.mark.parametrize(("terms", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_terms_that_cannot_be_are_refused_and_nothing_is_stored(
    world: World, terms: dict[str, Any], error: type[Exception], said: str
) -> None:
    before = world.all(Deployment)
    with pytest.raises(error, match=said):
        world.deploy(V2, **terms)
    assert world.all(Deployment) == before


@pytest.mark.parametrize("strategy", [Strategy.BLUE_GREEN, Strategy.CANARY, Strategy.SHADOW], ids=lambda s: s.value)
def test_a_strategy_that_needs_a_champion_is_refused_where_none_serves(strategy: Strategy) -> None:
    with pytest.raises(ConflictError, match="needs a champion"):
        at("activated").deploy(V1, strategy=strategy)


@pytest.mark.parametrize("who", ["dan", "ada", "vera"])
def test_who_may_not_promote_may_not_pause_either(world: World, who: str) -> None:
    world.deploy(V2, strategy=Strategy.AB_SPLIT)
    with pytest.raises(NotAllowedError):
        promote_by_hand(world.house, world.who(who), ENDPOINT, "it is mine")
    with pytest.raises(NotAllowedError):
        pause_rollout(world.house, world.who(who), ENDPOINT, "it is not mine")


def test_a_promotion_without_a_reason_or_of_nobody_is_refused(world: World) -> None:
    world.deploy(V2, strategy=Strategy.AB_SPLIT, beside=(V3,))
    with pytest.raises(SettingError, match="without a reason"):
        promote_by_hand(world.house, world.who("omar"), ENDPOINT, " ")
    with pytest.raises(DataError, match="2 challenger arms"):
        promote(world)


def test_a_shadow_is_compared_with_the_champion_on_the_rows_both_scored(world: World) -> None:
    world.deploy(V2, strategy=Strategy.SHADOW, beside=(V3,), shares=(1.0, 0.5))
    decided = send(world, 60)
    scored = world.house.decisions.read(ENDPOINT, shadows=True)
    first, second = compare_shadows(world.house, ENDPOINT)
    answered = {d.request_id: d for d in decided if d.arm == V1}
    mine = {d.request_id: d for d in scored if d.arm == V2}
    assert mine.keys() == answered.keys()
    same = [answered[k].acted == (mine[k].score >= world.version(V2).threshold) for k in mine]
    assert (first.version, first.champion, first.comparison.pairs) == (V2, V1, len(answered))
    assert first.comparison.agreement == sum(same) / len(same)
    assert 0 < second.comparison.pairs < len(answered)
    assert len(decided) == 60
