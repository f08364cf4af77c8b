"""The arms of a deployment with other weights; every function gives new arms, and none touches the hold-out's share.

A plan names the incumbent first: after a promotion the first arm that is no champion is the one to go back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from roadworthy.domain.errors import DataError
from roadworthy.domain.serving import Arm, ArmRole

Arms = tuple[Arm, ...]


def newcomers(arms: Arms) -> Arms:
    """The versions that are not champion, in the deployment's order."""
    return tuple(arm for arm in arms if arm.role in (ArmRole.CHALLENGER, ArmRole.SHADOW))


def shared(arms: Arms, shares: Mapping[str, float]) -> Arms:
    """Each challenger at its share (0..1) of version traffic, by name, the champion at the rest.

    Raises:
        DataError: not exactly one champion, no challenger, or shares outside 0..1.
    """
    champion = the_one(arms, ArmRole.CHAMPION)
    challengers = [arm for arm in arms if arm.role is ArmRole.CHALLENGER]
    if not challengers:
        raise DataError("the deployment has no challenger arms", remedy="Give at least one.", field="arms")
    given = {arm.name: shares.get(arm.name, 0.0) for arm in challengers}
    rest = 1.0 - sum(given.values())
    if not all(0.0 <= share <= 1.0 for share in given.values()) or rest < -1e-9:
        named = ", ".join(f"{share:g}" for share in given.values())
        raise DataError(f"a share of {named} does not exist", remedy="Give 0 to 1.", field="share")
    weights = {**given, champion.name: max(rest, 0.0)}
    return tuple(replace(arm, weight=weights.get(arm.name, arm.weight)) for arm in arms)


def canary_weights(arms: Arms, share: float) -> Arms:
    """The arms with the only challenger at `share` (0..1) of version traffic and the champion at the rest.

    Raises:
        DataError: not exactly one champion and one challenger, or a share outside 0..1.
    """
    return shared(arms, {the_one(arms, ArmRole.CHALLENGER).name: share})


def champion_alone(arms: Arms) -> Arms:
    """The champion with all version traffic; every other version keeps its arm, at weight 0.

    Raises:
        DataError: not exactly one champion.
    """
    return tuple(crowned(arm, the_one(arms, ArmRole.CHAMPION)) for arm in arms)


def promoted_arms(arms: Arms, winner: str = "") -> Arms:
    """A challenger as champion with all version traffic; the former champion, if any, kept at weight 0.

    Args:
        arms: the arms in force.
        winner: the challenger's arm; empty = the only one.

    Raises:
        DataError: no such challenger, or several and none is named.
    """
    challengers = [arm for arm in arms if arm.role is ArmRole.CHALLENGER]
    named = [arm for arm in challengers if arm.name == winner]
    if winner and not named:
        raise DataError(
            f"the deployment has no challenger arm '{winner[:64]}'",
            remedy=f"Its challengers: {', '.join(arm.name for arm in challengers[:20]) or 'none'}.",
            field="arm",
        )
    chosen = named[0] if winner else the_one(arms, ArmRole.CHALLENGER)
    return tuple(crowned(arm, chosen) for arm in arms)


def former_champion(arms: Arms) -> Arm | None:
    """After a promotion: the arm to go back to, if it was kept."""
    return next((arm for arm in arms if arm.role is ArmRole.CHALLENGER), None)


def only_hold_out(arms: Arms) -> Arms:
    """No model decides: the hold-out grows to all traffic, so every unit gets the contract's action.

    The version arms keep all of the nothing outside it.
    """
    versions = tuple(arm for arm in arms if arm.role is not ArmRole.HOLD_OUT)
    held = next((arm for arm in arms if arm.role is ArmRole.HOLD_OUT), Arm("hold-out", ArmRole.HOLD_OUT, 1.0))
    return (*versions, replace(held, weight=1.0))


def crowned(arm: Arm, winner: Arm) -> Arm:
    """The arm in a deployment whose champion is `winner`; a shadow stays one and is not asked any more."""
    if arm.role is ArmRole.HOLD_OUT:
        return arm
    if arm.name == winner.name:
        return replace(arm, role=ArmRole.CHAMPION, weight=1.0)
    role = arm.role if arm.role is ArmRole.SHADOW else ArmRole.CHALLENGER
    return replace(arm, role=role, weight=0.0)


def the_one(arms: Arms, role: ArmRole) -> Arm:
    """The only arm of a role.

    Raises:
        DataError: there is none, or there are several.
    """
    found = [arm for arm in arms if arm.role is role]
    if len(found) != 1:
        raise DataError(
            f"the deployment has {len(found)} {role.value} arms",
            remedy=f"Give exactly one {role.value}.",
            field="arms",
        )
    return found[0]
