"""A quorum decides: who counts, renewal, conditions, and what new evidence voids."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from small_playbooks import WAIVED
from small_world import V1, World, at

from roadworthy.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    NotAllowedError,
    NotIndependentError,
    SettingError,
)
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Conditions, SignOff
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.gates.sign_off import renew, sign_off, sign_offs_of
from roadworthy.services.licence.approval import approval_of
from roadworthy.services.licence.delegations import delegate, revoke_delegation

TWO = WAIVED + b'\napproval:\n  low: {quorum: 2, max_age_days: 100, reason: "two see more than one"}\n'
MONTH = timedelta(days=30)


def waiting(world: World | None = None) -> World:
    """A version whose validation demands two signatures."""
    made = world or at("registered")
    made.validate(V1, TWO)
    return made


def standing(world: World) -> list[object]:
    return [s["standing"] for s in sign_offs_of(world.house, V1)]


def test_the_version_is_validated_when_the_quorum_has_signed_and_not_before() -> None:
    world = waiting()
    world.sign(V1, "vera")
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    assert standing(world) == ["waits for the quorum"]
    world.sign(V1, "victor")
    assert world.version(V1).state is State.VALIDATED
    assert standing(world) == ["counts", "counts"]
    assert [c.facts["quorum"] for c in world.changes() if c.action == "signed-off"] == [2, 2]


def test_the_same_person_counts_once() -> None:
    world = waiting()
    world.sign(V1, "vera")
    with pytest.raises(ConflictError, match="vera has signed offers:1 already"):
        world.sign(V1, "vera")
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_one_rejection_returns_the_version() -> None:
    world = waiting()
    world.sign(V1, "vera")
    world.sign(V1, "victor", approved=False, reason="the phone slice is too weak")
    assert world.version(V1).state is State.RETURNED


def test_new_evidence_voids_what_was_signed_and_it_stays_in_the_record() -> None:
    world = waiting()
    world.sign(V1, "vera")
    world.validate(V1, TWO)
    world.sign(V1, "victor")
    assert world.version(V1).state is State.AWAITING_SIGN_OFF
    assert standing(world) == ["void: newer evidence", "waits for the quorum"]
    world.sign(V1, "vera")
    assert world.version(V1).state is State.VALIDATED


# Conditions


def test_conditions_of_several_signers_are_intersected() -> None:
    world = waiting()
    now = world.clock.now()
    sign_off(
        world.house, world.who("vera"), V1, approved=True, reason="ok",
        conditions=Conditions(now + 2 * MONTH, {"channel": ("web", "phone")}),
    )  # fmt: skip
    sign_off(
        world.house, world.who("victor"), V1, approved=True, reason="ok",
        conditions=Conditions(now + MONTH, {"channel": ("phone",)}),
    )  # fmt: skip
    with world.house.store.read() as tx:
        approval = approval_of(tx, V1)
    assert approval is not None
    assert approval.licence is not None
    assert (approval.licence.until, approval.licence.only) == (now + MONTH, {"channel": ("phone",)})


IMPOSSIBLE = {
    "no input": {"only": {"region": ("north",)}},
    "no list": {"only": {"balance": ("1",)}},
    "unknown value": {"only": {"channel": ("pigeon",)}},
    "no value": {"only": {"channel": ()}},
    "past": {"until": timedelta(0)},
}


@pytest.mark.parametrize("terms", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_condition_nobody_could_keep_is_refused(terms: dict[str, Any]) -> None:
    world = waiting()
    about = {k: world.clock.now() + v if k == "until" else v for k, v in terms.items()}
    with pytest.raises(SettingError):
        sign_off(world.house, world.who("vera"), V1, approved=True, reason="ok", conditions=Conditions(**about))
    assert world.all(SignOff) == []


# Renewal


def renewed(world: World, who: str, **about: Any) -> SignOff:
    return renew(world.house, world.who(who), V1, **{"approved": True, "reason": "still holds", **about})


def test_a_renewal_takes_the_same_quorum_and_lasts_anew() -> None:
    world = waiting()
    world.sign(V1, "vera")
    world.sign(V1, "victor")
    world.clock.advance(MONTH)
    renewed(world, "vera")
    assert standing(world) == ["counts", "counts", "waits for the quorum"]
    with pytest.raises(ConflictError, match="vera has signed"):
        renewed(world, "vera")
    renewed(world, "victor")
    assert standing(world) == ["renewed since", "renewed since", "counts", "counts"]
    with world.house.store.read() as tx:
        approval = approval_of(tx, V1)
    assert approval is not None
    assert approval.licence is not None
    assert approval.licence.until == world.clock.now() + timedelta(days=100)


@pytest.mark.parametrize("stage", ["registered", "validated"])
def test_what_was_never_approved_is_not_renewed(stage: str) -> None:
    world = at(stage)
    with pytest.raises(IllegalTransitionError, match="no approval to renew"):
        renewed(world, "vera")


# Delegation


def lent(world: World, giver: str = "vera", taker: str = "rita", **about: Any) -> Any:
    return delegate(world.house, world.who(giver), taker, world.clock.now() + MONTH, reason="away", **about)


def stand_in(world: World, taker: str = "rita", giver: str = "vera") -> SignOff:
    return sign_off(world.house, world.who(taker), V1, approved=True, reason="ok", in_place_of=giver)


def test_a_stand_in_signs_in_a_validators_place() -> None:
    world = waiting()
    lent(world, use_case="offers")
    signed = stand_in(world)
    assert (signed.person, signed.delegation) == ("rita", "delegation-1")
    world.sign(V1, "victor")
    assert world.version(V1).state is State.VALIDATED


def test_nobody_fills_a_quorum_alone_with_a_delegation() -> None:
    world = waiting()
    lent(world, taker="victor")
    world.sign(V1, "victor")
    stand_in(world, "victor")
    assert world.version(V1).state is State.AWAITING_SIGN_OFF


def test_without_a_delegation_in_force_nobody_stands_in() -> None:
    world = waiting()
    with pytest.raises(NotAllowedError, match="vera has not delegated"):
        stand_in(world)
    given = lent(world)
    revoke_delegation(world.house, world.who("vera"), given.id, "back again")
    with pytest.raises(NotAllowedError, match="or not any more"):
        stand_in(world)
    lent(world)
    world.clock.advance(MONTH)
    with pytest.raises(NotAllowedError, match="or not any more"):
        stand_in(world)


def test_a_stand_in_is_refused_when_the_giver_could_not_sign_any_more() -> None:
    world = waiting()
    lent(world)
    deactivate_person(world.house, world.who("admin"), "vera", "left")
    with pytest.raises(NotAllowedError, match="vera is deactivated"):
        stand_in(world)


def test_neither_a_developer_may_stand_in_nor_anybody_for_one() -> None:
    world = waiting()
    lent(world, taker="dan")
    with pytest.raises(NotIndependentError, match="dan developed"):
        stand_in(world, "dan")


def test_only_who_may_sign_by_their_own_role_can_give_it_away() -> None:
    world = waiting()
    lent(world)
    with pytest.raises(NotAllowedError, match=r"rita .* may not delegate"):
        lent(world, giver="rita", taker="omar")
    with pytest.raises(NotAllowedError, match="may not delegate"):
        lent(world, giver="admin", taker="omar")
    with pytest.raises(NotAllowedError, match="ada cannot take a delegation"):
        lent(world, taker="ada")


def test_a_delegation_is_revoked_by_its_giver_or_an_administrator_and_by_nobody_else() -> None:
    world = waiting()
    given = lent(world)
    with pytest.raises(NotAllowedError, match="may not revoke-delegation"):
        revoke_delegation(world.house, world.who("victor"), given.id)
    assert revoke_delegation(world.house, world.who("admin"), given.id).revoked_at == world.clock.now()
    with pytest.raises(ConflictError, match="revoked already"):
        revoke_delegation(world.house, world.who("vera"), given.id)
