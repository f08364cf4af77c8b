"""Approvals end by age, by decisions, by a proven defect; what served falls back; a renewal brings it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from simulated_offers import simulate
from small_playbooks import WAIVED
from small_world import CASE, ENDPOINT, V1, World, at

from roadworthy.domain.errors import ConflictError, IllegalTransitionError, NotLicensedError, UnavailableError
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind, WorkItemState
from roadworthy.domain.review import ReviewRun, Signal, SignalKind
from roadworthy.domain.serving import DeploymentState
from roadworthy.domain.trust import Conditions, Evidence, SignOff
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.services.gates.sign_off import renew, sign_off
from roadworthy.services.licence.expiry import expire, standing_of
from roadworthy.services.licence.standing import reinstate, retire, suspend
from roadworthy.services.watch.verify import trust_root, verify_changes


def book(terms: str) -> bytes:
    return WAIVED + f'\napproval:\n  low: {{{terms}, reason: "a test"}}\n'.encode()


def serving(terms: str, world: World | None = None, **conditions: Any) -> World:
    """`offers:1` in front of all traffic, approved under these terms."""
    made = world or at("registered")
    version = made.all(type(made.version(V1)))[-1].id
    made.validate(version, book(terms))
    sign_off(made.house, made.who("vera"), version, approved=True, reason="ok", conditions=Conditions(**conditions))
    made.gate(version, Gate.RELEASE)
    made.accept(version)
    made.gate(version, Gate.ACTIVATION)
    made.deploy(version, **({} if version == V1 else {"schedule": (0.5,)}))
    return made


def asked(world: World, rows: int = 20, prefix: str = "u") -> list[str]:
    """Which arm answered each of some customers."""
    frame, _ = simulate(rows, 5)
    gateway = world.gateway()
    try:
        names = [f"{prefix}-{i}" for i in range(rows)]
        return [arm for answer in world.ask(gateway, frame, names) for arm in answer.arms]
    finally:
        gateway.close()


def renewed(world: World, version: str = V1) -> None:
    renew(world.house, world.who("vera"), version, approved=True, reason="read the reviews")


def test_by_age_the_version_is_suspended_and_only_the_hold_out_policy_answers() -> None:
    world = serving("max_age_days: 10")
    assert V1 in asked(world)
    world.clock.advance(timedelta(days=10))
    (standing,) = expire(world.house)
    assert standing.ended.startswith("age: it held until 2026-03-12")
    assert world.version(V1).state is State.SUSPENDED
    assert world.deployment().state is DeploymentState.ROLLED_BACK
    assert set(asked(world, prefix="later")) == {"hold-out"}
    (item,) = world.work()
    assert (item.defect, item.source, item.state) == (DefectKind.OPERATIONS_GAP, "expiry: age", WorkItemState.OPEN)
    document = world.house.served.read(ENDPOINT)
    assert document is not None
    verify_served(decode_served(document), trust_root(world.house), endpoint=ENDPOINT, now=None)
    assert verify_changes(world.house) == len(world.changes())


def test_the_gateway_stops_at_the_signed_end_by_itself() -> None:
    world = serving("max_age_days: 10")
    world.clock.advance(timedelta(days=10))
    with pytest.raises(UnavailableError, match="the approval of offers:1 ended at 2026-03-12"):
        asked(world)
    assert world.version(V1).state is State.ACTIVATED


def test_calling_it_again_or_too_early_changes_nothing() -> None:
    world = serving("max_age_days: 10")
    before = world.changes()
    assert [s.ended for s in expire(world.house)] == [""]
    assert world.changes() == before
    world.clock.advance(timedelta(days=11))
    expire(world.house)
    once = world.changes()
    assert expire(world.house) == []
    assert world.changes() == once


def test_by_decisions_it_ends_with_the_last_one_that_was_approved() -> None:
    world = serving("max_decisions: 30")
    asked(world, 25)
    (before,) = expire(world.house)
    made = before.decisions
    assert made is not None
    assert 0 < made < 30
    assert (before.decisions_left, before.ended) == (30 - made, "")
    asked(world, 40, "more")
    assert expire(world.house)[0].ended.startswith("decisions: ")
    assert world.version(V1).state is State.SUSPENDED


def proven(world: World, verdict: Verdict = Verdict.FAIL) -> None:
    """A review that has proved (or only suspects) a defect."""
    found = Signal("data-drift", SignalKind.DATA_DRIFT, "age", verdict, "older", defect=DefectKind.DATA_DRIFT)
    now = world.clock.now()
    run = ReviewRun("review-1", ENDPOINT, CASE, V1, now, now, now, 9, 9, verdict, (found,), "x")
    with world.house.store.begin() as tx:
        tx.of(ReviewRun).add(run)


@pytest.mark.parametrize(
    ("terms", "verdict", "ended"),
    [
        ("void_on_drift: true", Verdict.FAIL, "drift: review-1 proved data-drift (data-drift)"),
        ("void_on_drift: true", Verdict.WARN, ""),
        ("void_on_drift: false", Verdict.FAIL, ""),
    ],
    ids=["proven", "suspected", "not asked for"],
)
def test_by_drift_it_ends_when_the_terms_say_so_and_a_defect_is_proven(
    terms: str, verdict: Verdict, ended: str
) -> None:
    world = serving(terms)
    proven(world, verdict)
    assert [s.ended for s in expire(world.house)] == [ended]
    assert (world.version(V1).state is State.SUSPENDED) is bool(ended)


def test_a_condition_ends_it_too_and_keeps_other_rows_out_meanwhile() -> None:
    world = at("registered")
    serving("max_age_days: 100", world, until=world.clock.now() + timedelta(days=5), only={"channel": ("web",)})
    frame, _ = simulate(60, 5)
    gateway = world.gateway()
    web = [i for i, channel in enumerate(frame["channel"]) if channel == "web"]
    other = [i for i, channel in enumerate(frame["channel"]) if channel == "phone"]
    assert world.ask(gateway, frame.take(web), [f"w-{i}" for i in web])
    with pytest.raises(
        NotLicensedError, match="column 'channel' is 'phone', and offers:1 is approved only for web"
    ):
        world.ask(gateway, frame.take(other), [f"o-{i}" for i in other])
    gateway.close()
    world.clock.advance(timedelta(days=5))
    assert expire(world.house)[0].ended.startswith("age: ")


def test_it_is_said_beforehand() -> None:
    world = serving("max_age_days: 40, max_decisions: 20")
    assert standing_of(world.house, V1).warning == ""
    world.clock.advance(timedelta(days=15))
    assert standing_of(world.house, V1).warning == "25.0 days left: renew it soon"
    asked(world, 21)
    assert "decisions left: renew it soon" in standing_of(world.house, V1).warning


def test_a_renewal_brings_back_what_had_expired_and_closes_its_work() -> None:
    world = serving("max_age_days: 10")
    world.clock.advance(timedelta(days=11))
    expire(world.house)
    with pytest.raises(ConflictError, match="ended at"):
        reinstate(world.house, world.who("omar"), V1, "we need it")
    renewed(world)
    assert world.version(V1).state is State.ACTIVATED
    assert [i.state for i in world.work()] == [WorkItemState.CLOSED]
    world.deploy(V1)
    assert V1 in asked(world, prefix="again")


def test_an_early_renewal_reaches_the_gateway_without_a_new_deployment() -> None:
    world = serving("max_age_days: 10")
    world.clock.advance(timedelta(days=9))
    renewed(world)
    world.clock.advance(timedelta(days=5))
    assert V1 in asked(world)
    assert [s.ended for s in expire(world.house)] == [""]


def test_a_rejected_renewal_recalls_the_version_and_takes_its_traffic() -> None:
    world = serving("max_age_days: 10")
    renew(world.house, world.who("vera"), V1, approved=False, reason="the market changed")
    assert world.version(V1).state is State.RETURNED
    assert set(asked(world)) == {"hold-out"}


def test_the_former_version_takes_over_when_its_own_licence_holds() -> None:
    world = serving("max_age_days: 100")
    world.register(parents=(V1,))
    serving("max_age_days: 10", world)
    second = world.deployment()
    assert second.state is DeploymentState.PROGRESSING
    world.clock.advance(timedelta(days=11))
    expire(world.house)
    assert world.version("offers:2").state is State.SUSPENDED
    assert set(asked(world)) <= {V1, "hold-out"}
    assert V1 in asked(world)


def test_when_the_champion_expires_during_a_canary_the_licensed_challenger_takes_over() -> None:
    world = serving("max_age_days: 10")
    world.register(parents=(V1,))
    serving("max_age_days: 100", world)
    world.clock.advance(timedelta(days=11))
    expire(world.house)
    assert set(asked(world)) <= {"offers:2", "hold-out"}
    assert "offers:2" in asked(world)


# By hand


def test_what_was_suspended_by_hand_is_reinstated_by_hand_and_never_by_a_renewal() -> None:
    world = serving("max_age_days: 100")
    suspend(world.house, world.who("rita"), V1, "an incident")
    assert set(asked(world)) == {"hold-out"}
    renewed(world)
    assert world.version(V1).state is State.SUSPENDED
    reinstate(world.house, world.who("rita"), V1, "the incident is over")
    assert world.version(V1).state is State.ACTIVATED
    assert [c.action for c in world.changes() if c.action in ("suspended", "reinstated")] == [
        "suspended",
        "reinstated",
    ]


def test_a_version_with_traffic_is_not_retired_and_one_without_is_for_good() -> None:
    world = serving("max_age_days: 100")
    with pytest.raises(ConflictError, match="answers on mailing"):
        retire(world.house, world.who("omar"), V1, "old")
    suspend(world.house, world.who("omar"), V1, "old")
    retire(world.house, world.who("omar"), V1, "old")
    assert world.version(V1).state is State.RETIRED
    with pytest.raises(IllegalTransitionError):
        reinstate(world.house, world.who("omar"), V1, "new again")


def test_an_expired_approval_opens_no_further_gate_and_is_not_deployed() -> None:
    world = at("registered")
    world.validate(V1, book("max_age_days: 10"))
    world.sign(V1)
    world.clock.advance(timedelta(days=11))
    with pytest.raises(ConflictError, match="the approval of offers:1 ended"):
        world.gate(V1, Gate.RELEASE)
    world.force_state(V1, State.ACTIVATED)
    with pytest.raises(ConflictError, match="the approval of offers:1 ended"):
        world.deploy(V1)


def test_a_suspended_version_may_be_validated_anew_and_takes_the_whole_road_again() -> None:
    world = serving("max_age_days: 10")
    suspend(world.house, world.who("omar"), V1, "x")
    world.validate(V1, book("max_age_days: 10"))
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_of_several_one_that_cannot_be_suspended_leaves_the_others_done() -> None:
    world = serving("max_age_days: 10")
    other = replace(world.version(V1), id="copy:1", name="copy")
    with world.house.store.begin() as tx:
        tx.of(type(other)).add(other)
    world.clock.advance(timedelta(days=11))
    assert [bool(s.ended) for s in expire(world.house)] == [True, False]
    assert world.version(V1).state is State.SUSPENDED


def test_an_approval_whose_evidence_is_gone_does_not_hold_and_is_not_acted_on() -> None:
    world = at("serving")
    evidence = world.all(SignOff)[0].statement
    del world.house.store._contents.rows[Evidence][evidence]
    before = world.actions()
    (found,) = expire(world.house)
    assert found.ended.startswith("proof: ")
    assert evidence in found.ended
    assert (world.version(V1).state, world.actions()) == (State.ACTIVATED, before)
