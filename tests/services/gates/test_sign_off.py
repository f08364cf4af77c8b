"""Sign-off: an independent validator says yes or no to exactly one gate run's evidence."""

from __future__ import annotations

import pytest
from small_playbooks import WAIVED
from small_world import V1, World, at

from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    IntegrityError,
    NotAllowedError,
    NotFoundError,
    NotIndependentError,
    SettingError,
)
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import WorkItemState
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.trust import Evidence, EvidenceKind, SignOff
from roadworthy.evidence.envelope import claimed_kind, open_envelope, seal
from roadworthy.evidence.served import Served, verify_served
from roadworthy.evidence.statements import deployment_statement
from roadworthy.services.serve.publish import served_document
from roadworthy.services.watch.verify import bundle, trust_root


def test_a_signature_binds_the_envelope_of_the_newest_validation() -> None:
    world = at("validated")
    signed = world.sign(V1, reason="read the slices")
    run = world.all(GateRun)[0]
    opened = open_envelope(
        next(e.envelope for e in world.all(Evidence) if e.id == signed.statement), trust_root(world.house), now=None
    )
    assert (signed.gate_run, signed.evidence, opened.subject) == (run.id, run.evidence, run.evidence)
    assert (opened.person.id, opened.fact("approved"), opened.fact("reason")) == ("vera", True, "read the slices")
    assert world.version(V1).state is State.VALIDATED


def both_roles(world: World) -> None:
    """Dan, who develops, becomes a validator too: the role alone makes nobody independent."""
    world.add("dana", "data-scientist", "validator")


def test_a_developer_who_is_a_validator_too_is_refused_and_the_attempt_is_recorded() -> None:
    world = at("prepared")
    both_roles(world)
    version = world.register(by="dana")
    world.validate(version.id)
    with pytest.raises(NotIndependentError, match="dana developed offers:1"):
        world.sign(version.id, "dana")
    attempt = world.changes()[-1]
    assert (attempt.action, attempt.actor, attempt.facts) == ("sign-off-refused", "dana", {"makers": ["dana"]})
    assert (world.all(SignOff), world.version(version.id).state) == ([], State.AWAITING_SIGN_OFF)


@pytest.mark.parametrize("generations", [1, 2])
def test_the_developer_of_an_ancestor_is_refused(generations: int) -> None:
    world = at("prepared")
    both_roles(world)
    version = world.register(by="dana")
    for _ in range(generations):
        version = world.register(by="dan", parents=(version.id,))
    world.validate(version.id)
    with pytest.raises(NotIndependentError, match=r"dana developed .* or a version it descends from"):
        world.sign(version.id, "dana")
    assert world.sign(version.id, "vera").approved


@pytest.mark.parametrize("who", ["dora", "olga", "rita", "omar", "ada", "admin"])
def test_whoever_is_no_validator_is_refused(who: str) -> None:
    world = at("validated")
    with pytest.raises(NotAllowedError, match="may not sign-off"):
        world.sign(V1, who)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_a_rejection_needs_a_reason() -> None:
    world = at("validated")
    with pytest.raises(SettingError, match="a rejection needs a reason"):
        world.sign(V1, approved=False, reason="  ")
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_a_rejection_returns_the_version_with_work_that_says_why() -> None:
    world = at("validated")
    world.sign(V1, approved=False, reason="the phone slice is too weak")
    (item,) = world.work()
    assert world.version(V1).state is State.RETURNED
    assert (item.summary, item.source, item.state) == (
        "the phone slice is too weak",
        "sign-off by vera",
        WorkItemState.OPEN,
    )
    with pytest.raises(IllegalTransitionError, match="offers:1 is returned"):
        world.gate(V1, Gate.RELEASE)


@pytest.mark.parametrize("stage", ["registered", "signed", "candidate", "activated"])
def test_only_what_awaits_a_signature_is_signed(stage: str) -> None:
    world = at(stage)
    before = world.changes()
    with pytest.raises(IllegalTransitionError, match="'sign-off' is not possible from there"):
        world.sign(V1, "victor")
    assert world.changes() == before


def test_an_unknown_version_is_not_signed() -> None:
    with pytest.raises(NotFoundError, match="offers:9"):
        at("validated").sign("offers:9")


def test_new_evidence_voids_the_old_signature() -> None:
    world = at("signed")
    world.validate(V1)
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    with pytest.raises(IllegalTransitionError, match="is awaiting-sign-off"):
        world.gate(V1, Gate.RELEASE)
    world.sign(V1, "victor")
    assert [s.gate_run[-1] for s in world.all(SignOff)] == ["1", "2"]


def forged(world: World) -> Served:
    """A document for `offers:1` whose newest validation nobody signed, put together by hand and signed by omar."""
    version = world.version(V1)
    arm = Arm(V1, ArmRole.CHAMPION, 1.0, V1, version.artifact, version.threshold, version.signature)
    deployment = Deployment(
        "mailing-d1",
        "mailing",
        Strategy.BASIC,
        (arm,),
        "s",
        False,
        DeploymentState.STABLE,
        world.clock.now(),
        "omar",
    )
    statement = deployment_statement(deployment, now=world.clock.now())
    of_kind = {k: [e.envelope for e in world.all(Evidence) if e.kind is k] for k in EvidenceKind}
    runs = {g: r.evidence for r in world.all(GateRun) for g in [r.gate]}
    newest = [e.envelope for e in world.all(Evidence) if e.id in runs.values()]
    signed = seal(statement, world.house.keyring.signer("omar"))
    return Served(deployment, "offers", "", (*newest, *of_kind[EvidenceKind.SIGN_OFF], signed))


def test_a_signature_of_an_earlier_validation_lets_no_gateway_serve() -> None:
    world = at("activated")
    assert [
        found.version for found in verify_served(forged(world), trust_root(world.house), now=None).licences
    ] == [V1]
    world.force_state(V1, State.VALIDATED)
    world.validate(V1)
    with pytest.raises(IntegrityError, match="sign-off of the validation run"):
        verify_served(forged(world), trust_root(world.house), now=None)


def test_a_version_validated_and_signed_twice_serves_on_its_newest_papers() -> None:
    world = at("signed")
    world.validate(V1, WAIVED)
    world.sign(V1, "victor")
    world.gate(V1, Gate.RELEASE)
    world.accept(V1)
    world.gate(V1, Gate.ACTIVATION)
    world.deploy(V1)
    deployment = world.deployment()
    with world.house.store.begin() as tx:
        document = served_document(tx, deployment)
    verify_served(document, trust_root(world.house), now=None)
    assert sum(claimed_kind(e) != "checkpoint" for e in bundle(world.house, V1).envelopes) == 8


def test_a_rejected_run_cannot_be_approved_afterwards() -> None:
    world = at("validated")
    world.sign(V1, approved=False, reason="no")
    with pytest.raises(ConflictError):
        world.sign(V1, "victor")
