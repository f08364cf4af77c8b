"""Stepping a rollout: what its own traffic has proven moves the weights, and every look is on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from simulated_offers import INPUTS, artifact, simulate
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.errors import ConflictError, IllegalTransitionError, StorageUnavailableError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Decision, DecisionStatus, DeploymentState, RolloutLook
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.evidence.envelope import open_envelope
from roadworthy.gateway.plane import Gateway, InProcessEndpoint
from roadworthy.rollout.canary import CanaryRule
from roadworthy.services.serve.by_hand import resume_rollout
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.serve.rollout import looks, rollout_view, step_rollout
from roadworthy.services.watch.verify import trust_root, verify_changes

V2 = "offers:2"
EAGER = CanaryRule(min_requests=20, max_failure_rate=0.3)
"""A rule that a few dozen requests can satisfy."""


@lru_cache(maxsize=2)
def _rolling(function: str) -> World:
    world = at("serving")
    world.activate_fully(world.register(artifact(function, seed=1)).id)
    world.clock.advance(days(1))
    world.deploy(V2, schedule=(0.5, 0.8, 1.0))
    return world


def rolling(function: str = "logistic") -> World:
    """A canary of offers:2 in its first stage, at half of the traffic."""
    return _rolling(function).fork()


@pytest.fixture
def world() -> World:
    return rolling()


@pytest.fixture
def gateway(world: World) -> Iterator[Gateway]:
    made = world.gateway()
    yield made
    made.close()


class Traffic:
    """Requests through a real gateway, each unit once."""

    def __init__(self, world: World, **about: Any) -> None:
        self.world, self.about, self.sent = world, about, 0

    def send(self, rows: int) -> list[Decision]:
        gateway = self.world.gateway()
        frame, _ = simulate(rows, 100 + self.sent, **self.about)
        for i in range(rows):
            name = f"u{self.sent}"
            self.sent += 1
            self.world.ask(gateway, frame.take(np.array([i])), [name])
        gateway.close()
        return self.world.house.decisions.read(ENDPOINT)


def step(world: World, rule: CanaryRule = EAGER) -> RolloutLook:
    found = step_rollout(world.house, ENDPOINT, rule)
    assert found is not None
    return found


def share(world: World) -> float:
    return next(a.weight for a in world.deployment().arms if a.name == V2)


def test_without_traffic_nothing_is_concluded(world: World) -> None:
    look = step(world)
    assert (look.action, look.reason.partition(":")[0]) == ("hold", "no-data")
    assert (world.deployment().revision, share(world)) == (1, 0.5)


def test_proven_safety_leads_through_the_stages_to_promotion(world: World) -> None:
    traffic = Traffic(world)
    seen = []
    for _ in range(2):
        traffic.send(80)
        look = step(world)
        seen.append((look.action, look.revision, share(world)))
    assert seen[0] == ("advance", 1, 0.8)
    assert seen[1] == ("promote", 2, 1.0)
    assert world.deployment().state is DeploymentState.STABLE
    assert step_rollout(world.house, ENDPOINT, EAGER) is None


def test_a_promoted_version_is_champion_and_the_former_one_stays_ready(world: World) -> None:
    traffic = Traffic(world)
    for _ in range(2):
        traffic.send(80)
        step(world)
    arms = {a.name: (a.role.value, a.weight) for a in world.deployment().arms}
    assert arms == {V1: ("challenger", 0.0), V2: ("champion", 1.0), "hold-out": ("hold-out", 0.1)}
    back = roll_back(world.house, world.who("omar"), ENDPOINT, "second thoughts")
    assert {a.name: a.weight for a in back.arms} == {V1: 1.0, V2: 0.0, "hold-out": 0.1}


def test_a_version_that_fails_is_rolled_back_by_the_platform_and_goes_back_with_work() -> None:
    world = rolling("strict")
    Traffic(world, shift=5.0).send(60)
    look = step(world)
    (item,) = world.work()
    assert (look.action, look.reason.partition(":")[0]) == ("roll_back", "harm-proven")
    assert look.harm_e >= look.threshold
    assert (world.deployment().state, share(world)) == (DeploymentState.ROLLED_BACK, 0.0)
    assert (item.version, item.defect, item.source) == (V2, DefectKind.SERVING_FAILURE, "rollout mailing-d2")
    assert {"work-item-opened", "recalled"} <= set(world.actions())


def test_what_a_rollout_opened_is_closed_by_a_successors_rollout_that_ends_well() -> None:
    world = rolling("strict")
    Traffic(world, shift=5.0).send(60)
    step(world)
    successor = world.activate_fully(world.register(parents=(V2,)).id)
    assert [i.state.value for i in world.work()] == ["open"]
    world.deploy(successor.id, schedule=(0.5, 1.0))
    traffic = Traffic(world)
    traffic.sent = 1000
    traffic.send(80)
    assert step(world).action == "promote"
    (item,) = world.work()
    assert (item.state.value, item.successor, item.closed_by) == ("closed", successor.id, world.deployment().id)


def test_a_version_proven_harmful_is_recalled_and_not_deployed_again() -> None:
    world = rolling("strict")
    Traffic(world, shift=5.0).send(60)
    step(world)
    assert world.version(V2).state is State.RETURNED
    with pytest.raises(ConflictError, match="offers:2 is returned"):
        world.deploy(V2)


def test_users_of_a_failing_canary_are_answered_by_the_champion() -> None:
    world = rolling("strict")
    decisions = Traffic(world, shift=5.0).send(40)
    failed = [d for d in decisions if d.status is DecisionStatus.FAILED]
    assert failed
    assert {d.arm for d in failed} == {V2}
    assert all(d.score is not None or d.status is not DecisionStatus.SCORED for d in decisions)


def test_a_recommended_rollback_is_done_once() -> None:
    world = rolling("strict")
    Traffic(world, shift=5.0).send(60)
    step(world)
    before = world.changes()
    assert step_rollout(world.house, ENDPOINT, EAGER) is None
    assert world.changes() == before


def test_too_few_requests_hold_and_the_deadline_asks_a_person(world: World) -> None:
    Traffic(world).send(10)
    assert step(world).action == "hold"
    world.clock.advance(days(2))
    look = step(world)
    assert (look.action, world.deployment().state) == ("pause", DeploymentState.PAUSED)
    assert step_rollout(world.house, ENDPOINT, EAGER) is None
    assert share(world) == 0.5


def test_a_person_lets_a_paused_rollout_go_on_from_where_it_stood(world: World) -> None:
    Traffic(world).send(10)
    world.clock.advance(days(2))
    step(world)
    resumed = resume_rollout(world.house, world.who("omar"), ENDPOINT, "the traffic comes on Monday")
    assert (resumed.state, resumed.stage, resumed.revision) == (DeploymentState.PROGRESSING, 0, 3)
    assert world.changes()[-1].why == "the traffic comes on Monday"
    assert step(world).action == "hold"


def test_only_a_paused_rollout_is_resumed(world: World) -> None:
    with pytest.raises(IllegalTransitionError, match="cannot resume"):
        resume_rollout(world.house, world.who("omar"), ENDPOINT, "why")


def test_a_paused_rollout_can_be_rolled_back(world: World) -> None:
    world.clock.advance(days(2))
    step(world)
    assert world.deployment().state is DeploymentState.PAUSED
    assert roll_back(world.house, world.who("omar"), ENDPOINT, "why").state is DeploymentState.ROLLED_BACK


def test_every_look_is_kept_with_all_its_numbers_and_moves_are_signed(world: World) -> None:
    step(world)
    Traffic(world).send(80)
    step(world)
    found = looks(world.house, "mailing-d2")
    signed = [e for e in world.all(Evidence) if e.kind is EvidenceKind.ROLLOUT]
    said = open_envelope(signed[0].envelope, trust_root(world.house), now=None).fact("look")
    assert [x.action for x in found] == ["hold", "advance"]
    assert len(signed) == 1
    assert (said["id"], said["safety_e"], said["requests"]) == (found[1].id, found[1].safety_e, found[1].requests)
    assert found[1].requests["canary"] + found[1].requests["champion"] <= 80


def test_the_same_view_has_the_same_digest_and_another_one_another(world: World) -> None:
    first, second = step(world), step(world)
    world.clock.advance(days(0.1))
    assert first.inputs_digest == second.inputs_digest != step(world).inputs_digest


def test_a_log_that_cannot_be_read_is_an_outage_and_not_an_absence_of_failures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Traffic(world).send(80)

    def unreadable(*_: Any, **__: Any) -> Any:
        raise StorageUnavailableError("the disk is gone", remedy="Bring it back.")

    monkeypatch.setattr(world.house.decisions, "read", unreadable)
    look = step(world)
    assert (look.action, look.reason.partition(":")[0]) == ("hold", "metric-outage")


def test_units_keep_their_arm_while_the_canary_grows(world: World, gateway: Gateway) -> None:
    frame, _ = simulate(200, 4)
    names = [f"unit-{i}" for i in range(200)]
    first = world.ask(gateway, frame, names)[0]
    assert step(world).action == "advance"
    asked = InProcessEndpoint(gateway, ENDPOINT).predict(frame.select(INPUTS), names, [f"{n}-again" for n in names])
    moved = [(a, b) for a, b in zip(first.arms, asked[0].arms, strict=True) if a != b]
    assert {a for a, _ in moved} <= {V1}
    assert {b for _, b in moved} <= {V2}
    assert moved


def test_a_rollout_that_somebody_moved_meanwhile_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Traffic(world).send(80)
    read = world.house.decisions.read

    def meddle(*args: Any, **about: Any) -> Any:
        monkeypatch.setattr(world.house.decisions, "read", read)
        roll_back(world.house, world.who("omar"), ENDPOINT, "by hand")
        return read(*args, **about)

    monkeypatch.setattr(world.house.decisions, "read", meddle)
    assert step_rollout(world.house, ENDPOINT, EAGER) is None
    assert world.deployment().state is DeploymentState.ROLLED_BACK


def test_traffic_of_an_earlier_deployment_does_not_count(world: World) -> None:
    frame_decisions = Traffic(world).send(30)
    foreign = [replace(d, id=f"x-{d.id}", deployment="mailing-d1") for d in frame_decisions]
    before = rollout_view(world.house, world.deployment())
    world.house.decisions.append(foreign)
    assert rollout_view(world.house, world.deployment()) == before


def test_where_nothing_serves_there_is_nothing_to_step() -> None:
    with pytest.raises(ConflictError, match="nothing is deployed"):
        step_rollout(at("activated").house, ENDPOINT, EAGER)


def test_the_whole_rollout_leaves_an_unbroken_record(world: World) -> None:
    Traffic(world).send(80)
    step(world)
    roll_back(world.house, world.who("omar"), ENDPOINT, "why")
    assert verify_changes(world.house) == len(world.changes())
    assert world.version(V2).state is State.ACTIVATED
