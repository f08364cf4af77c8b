"""Deploying: only what is activated, at once the first time, as a canary after that; and taken back by hand."""

from __future__ import annotations

from typing import Any

import pytest
from simulated_offers import artifact, simulate
from small_world import ENDPOINT, V1, World, at

from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    IllegalTransitionError,
    NotAllowedError,
    NotFoundError,
    RoadworthyError,
    SettingError,
)
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.services.serve.deploy import deploy, roll_back
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.watch.status import status
from roadworthy.services.watch.verify import trust_root


def weights(deployment: Deployment) -> dict[str, float]:
    return {a.name: a.weight for a in deployment.arms}


def activated_second(world: World, function: str = "logistic") -> str:
    """A second version, through all gates."""
    version = world.register(artifact(function, seed=1))
    world.activate_fully(version.id)
    return version.id


def verified(world: World) -> Deployment:
    """What the published document puts in force, checked as a gateway checks it."""
    document = world.house.served.read(ENDPOINT)
    assert document is not None
    served = decode_served(document)
    verify_served(served, trust_root(world.house), endpoint=ENDPOINT, now=None)
    return served.deployment


@pytest.mark.parametrize("stage", ["registered", "validated", "signed", "candidate", "handed-off"])
def test_what_is_not_activated_is_not_deployed(stage: str) -> None:
    world = at(stage)
    before = world.changes()
    with pytest.raises(ConflictError, match="Only an activated version serves"):
        world.deploy(V1)
    assert (world.all(Deployment), world.changes(), world.house.served.read(ENDPOINT)) == ([], before, None)


def test_a_version_validated_under_a_contract_that_is_no_longer_in_force_is_not_deployed() -> None:
    world = at("activated")
    before = world.all(Deployment)
    world.agree(target=0.3)
    with pytest.raises(ConflictError, match=r"was validated and signed under contract '.*', in force is"):
        world.deploy(V1)
    assert world.all(Deployment) == before


def test_what_answers_under_a_contract_no_longer_in_force_goes_on_and_status_says_so() -> None:
    world = at("serving")
    assert status(world.house).endpoints[0].outdated == {}
    world.agree(target=0.3)
    (endpoint,) = status(world.house).endpoints
    assert endpoint.outdated.keys() == {V1}
    assert endpoint.deployment is not None


def test_the_first_version_gets_all_traffic_outside_the_hold_out() -> None:
    world = at("serving")
    deployment = world.deployment()
    assert (deployment.strategy, deployment.state) == (Strategy.BASIC, DeploymentState.STABLE)
    assert weights(deployment) == {V1: 1.0, "hold-out": 0.1}
    assert verified(world) == deployment


def test_a_deployment_that_is_taken_over_is_stored_and_signed_as_superseded() -> None:
    world = at("serving")
    world.deploy(activated_second(world))
    former, current = world.all(Deployment)
    assert (former.state, former.revision) == (DeploymentState.SUPERSEDED, 2)
    assert former.reason == f"{current.id} took over"
    with world.house.store.read() as tx:
        envelope = tx.of(Evidence).get(former.statement).envelope
    said = open_envelope(envelope, trust_root(world.house), now=world.clock.now()).fact("deployment")
    assert said["state"] == "superseded"
    assert verified(world).id == current.id


def test_the_second_version_starts_as_a_canary_beside_the_champion() -> None:
    world = at("serving")
    deployment = world.deploy(activated_second(world))
    roles = {a.name: a.role for a in deployment.arms}
    assert (deployment.strategy, deployment.state) == (Strategy.CANARY, DeploymentState.PROGRESSING)
    assert weights(deployment) == {V1: 0.95, "offers:2": 0.05, "hold-out": 0.1}
    assert roles == {V1: ArmRole.CHAMPION, "offers:2": ArmRole.CHALLENGER, "hold-out": ArmRole.HOLD_OUT}
    assert deployment.previous == "mailing-d1"
    assert verified(world) == deployment


def test_without_an_agreed_hold_out_there_is_no_hold_out_arm() -> None:
    world = at("registered")
    world.agree(holdout_share=0.0)
    world.activate_fully(V1)
    assert weights(world.deploy(V1)) == {V1: 1.0}
    assert verified(world).arms[0].name == V1


def test_a_deployment_is_signed_by_who_deployed_it() -> None:
    world = at("serving")
    (evidence,) = [e for e in world.all(Evidence) if e.kind is EvidenceKind.DEPLOYMENT]
    change = world.changes()[-1]
    assert (evidence.signer, evidence.id) == ("omar", world.deployment().statement)
    assert (change.action, change.actor, change.facts["evidence"]) == ("deployment-stable", "omar", evidence.id)


def test_a_second_rollout_waits_for_the_first() -> None:
    world = at("serving")
    second = activated_second(world)
    third = activated_second(world)
    world.deploy(second)
    with pytest.raises(ConflictError, match="a rollout is under way on 'mailing'"):
        world.deploy(third)


def test_what_serves_already_is_not_deployed_again() -> None:
    world = at("serving")
    with pytest.raises(ConflictError, match="offers:1 serves on 'mailing' already"):
        world.deploy(V1)


BAD: dict[str, tuple[dict[str, Any], type[RoadworthyError]]] = {
    "falling": ({"schedule": (0.5, 0.2, 1.0)}, SettingError),
    "level": ({"schedule": (0.5, 0.5, 1.0)}, SettingError),
    "from nothing": ({"schedule": (0.0, 1.0)}, SettingError),
    "beyond everything": ({"schedule": (0.5, 1.5)}, SettingError),
    "empty": ({"schedule": ()}, SettingError),
    "no number": ({"schedule": (float("nan"), 1.0)}, SettingError),
}


@pytest.mark.parametrize(("given", "error"), BAD.values(), ids=BAD)
def test_a_schedule_that_does_not_rise_is_refused(given: dict[str, Any], error: type[RoadworthyError]) -> None:
    world = at("activated")
    with pytest.raises(error, match="schedule"):
        world.deploy(V1, **given)
    assert world.all(Deployment) == []


def test_a_version_is_deployed_on_an_endpoint_of_its_own_use_case() -> None:
    world = at("activated")
    world.use_case(id="loans")
    register_endpoint(world.house, world.who("omar"), "lending", "loans", "letter")
    with pytest.raises(ConflictError, match="offers:1 belongs to 'offers', 'lending' to 'loans'"):
        deploy(world.house, world.who("omar"), V1, "lending")


@pytest.mark.parametrize("who", ["olga", "dan", "vera", "rita", "ada"])
def test_only_operators_deploy_and_roll_back(who: str) -> None:
    world = at("serving")
    with pytest.raises(NotAllowedError, match="may not deploy"):
        deploy(world.house, world.who(who), V1, ENDPOINT)
    with pytest.raises(NotAllowedError, match="may not roll-back"):
        roll_back(world.house, world.who(who), ENDPOINT, "why")


def test_rolling_back_a_canary_gives_the_champion_everything_at_once() -> None:
    world = at("serving")
    world.deploy(activated_second(world))
    taken_back = roll_back(world.house, world.who("omar"), ENDPOINT, "complaints")
    assert weights(taken_back) == {V1: 1.0, "offers:2": 0.0, "hold-out": 0.1}
    assert (taken_back.state, taken_back.revision, taken_back.reason) == (
        DeploymentState.ROLLED_BACK,
        2,
        "complaints",
    )
    assert verified(world) == taken_back


def test_rolling_back_the_first_version_leaves_the_decision_to_the_hold_out_policy() -> None:
    world = at("serving")
    taken_back = roll_back(world.house, world.who("omar"), ENDPOINT, "it was wrong")
    assert weights(taken_back)["hold-out"] == 1.0
    assert verified(world) == taken_back


def test_after_the_first_version_was_rolled_back_no_model_answers() -> None:
    world = at("serving")
    gateway = world.gateway()
    frame, _ = simulate(50, 7)
    assert any(s is not None for a in world.ask(gateway, frame, [f"a{i}" for i in range(50)]) for s in a.scores)
    roll_back(world.house, world.who("omar"), ENDPOINT, "it was wrong")
    (answer,) = world.ask(gateway, frame, [f"b{i}" for i in range(50)])
    gateway.close()
    assert set(answer.arms) == {"hold-out"}
    assert set(answer.scores) == {None}
    assert not any(answer.acted)


def test_after_the_first_version_was_rolled_back_the_next_one_starts_afresh() -> None:
    world = at("serving")
    roll_back(world.house, world.who("omar"), ENDPOINT, "it was wrong")
    deployment = world.deploy(activated_second(world))
    assert (deployment.strategy, weights(deployment)) == (Strategy.BASIC, {"offers:2": 1.0, "hold-out": 0.1})
    assert verified(world) == deployment


def test_a_rollback_is_not_done_twice() -> None:
    world = at("serving")
    roll_back(world.house, world.who("omar"), ENDPOINT, "once")
    with pytest.raises(IllegalTransitionError, match="cannot roll back"):
        roll_back(world.house, world.who("omar"), ENDPOINT, "twice")


def test_where_nothing_serves_nothing_is_rolled_back() -> None:
    world = at("activated")
    with pytest.raises(ConflictError, match="nothing is deployed on 'mailing'"):
        roll_back(world.house, world.who("omar"), ENDPOINT, "why")
    with pytest.raises(NotFoundError, match="nowhere"):
        roll_back(world.house, world.who("omar"), "nowhere", "why")


ENDPOINTS: dict[str, tuple[tuple[str, str, str], type[RoadworthyError], str]] = {
    "a name that is none": (("A B", "offers", "letter"), SettingError, "cannot name a endpoint"),
    "a decision point nobody declared": (("other", "offers", "phone"), SettingError, "Declared: letter"),
    "an unknown use case": (("other", "loans", "letter"), NotFoundError, "loans"),
    "a name that is taken": ((ENDPOINT, "offers", "letter"), AlreadyExistsError, "mailing"),
}


@pytest.mark.parametrize(("given", "error", "says"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint_that_cannot_be_is_refused(
    given: tuple[str, str, str], error: type[RoadworthyError], says: str
) -> None:
    world = at("prepared")
    before = world.changes()
    with pytest.raises(error, match=says):
        register_endpoint(world.house, world.who("omar"), *given)
    assert (len(world.endpoints()), world.changes()) == (1, before)


def test_the_arm_carries_what_was_judged() -> None:
    world = at("serving")
    version = world.version(V1)
    assert world.deployment().arms[0] == Arm(
        V1, ArmRole.CHAMPION, 1.0, V1, version.artifact, version.threshold, version.signature
    )
