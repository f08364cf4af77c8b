"""Sticky assignment: which arm a unit gets, as a pure function anybody can recompute.

    u(salt, unit) = first 8 bytes of SHA-256(utf8(salt) + 0x00 + utf8(unit)), big-endian, >> 11, / 2**53

which lies in [0, 1).

1. Hold-out, with share h: the unit is held out when u(endpoint + ":hold-out", unit) < h. No deployment enters this
   draw, so a unit stays held out over all deployments of its endpoint: that is what makes the hold-out a lasting
   control group.
2. Otherwise the arms partition [0, 1) by u(deployment.salt, unit): the challengers, in the deployment's order, own
   consecutive intervals from 0, the champion the rest. The salt stays over revisions, so the first challenger's
   interval [0, share) only grows during a canary and no unit flips back.

The two draws use different salts and are independent. The probability logged with each decision is exact: h for the
hold-out, (1 - h) * weight for an arm; over all arms they sum to 1.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.serving import Arm, ArmRole, Deployment


def uniform(salt: str, unit: str) -> float:
    """A number in [0, 1), uniform over units, fixed by salt and unit (formula in the module docstring)."""
    digest = hashlib.sha256(salt.encode() + b"\x00" + unit.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


@dataclass(frozen=True, slots=True)
class Assignment:
    """One arm and the exact probability with which a unit gets it."""

    arm: Arm
    propensity: float


class Assigner:
    """The assignment rule of one deployment.

    Raises:
        ConflictError: not exactly one champion, two hold-outs, a weight outside 0..1, or weights that do not sum
            to 1 outside the hold-out; names the deployment and the field.
    """

    def __init__(self, deployment: Deployment) -> None:
        _refuse_inconsistent(deployment)
        held = [a for a in deployment.arms if a.role is ArmRole.HOLD_OUT]
        share = held[0].weight if held else 0.0
        self._salts = (f"{deployment.endpoint}:hold-out", deployment.salt)
        self._held = Assignment(held[0], share) if held else None
        self._bounds: list[tuple[float, Assignment]] = []
        edge = 0.0
        for arm in deployment.arms:
            if arm.role is ArmRole.CHALLENGER:
                edge += arm.weight
                self._bounds.append((edge, Assignment(arm, (1 - share) * arm.weight)))
        champion = next(a for a in deployment.arms if a.role is ArmRole.CHAMPION)
        self._rest = Assignment(champion, (1 - share) * champion.weight)

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Every arm with its probability; they sum to 1."""
        return tuple(a for a in (self._held, *(b for _, b in self._bounds), self._rest) if a is not None)

    def assign(self, unit: str) -> Assignment:
        """The arm this unit gets, the same every time."""
        if self._held is not None and uniform(self._salts[0], unit) < self._held.propensity:
            return self._held
        if self._bounds:
            u = uniform(self._salts[1], unit)
            for edge, assignment in self._bounds:
                if u < edge:
                    return assignment
        return self._rest


def _refuse_inconsistent(deployment: Deployment) -> None:
    roles = [arm.role for arm in deployment.arms]
    if roles.count(ArmRole.CHAMPION) != 1 or roles.count(ArmRole.HOLD_OUT) > 1:
        raise ConflictError(
            f"deployment '{deployment.id}' has {roles.count(ArmRole.CHAMPION)} champions and "
            f"{roles.count(ArmRole.HOLD_OUT)} hold-outs",
            remedy="Publish one with exactly one champion and at most one hold-out.",
            deployment=deployment.id,
            field="arms.role",
        )
    if len({arm.name for arm in deployment.arms}) != len(deployment.arms):
        raise ConflictError(
            f"deployment '{deployment.id}' names two arms alike",
            remedy="Give every arm its own name.",
            deployment=deployment.id,
            field="arms.name",
        )
    served = math.fsum(arm.weight for arm in deployment.arms if arm.role is not ArmRole.HOLD_OUT)
    if abs(served - 1) > 1e-9 or not all(0 <= arm.weight <= 1 for arm in deployment.arms):
        raise ConflictError(
            f"the weights of deployment '{deployment.id}' are {[arm.weight for arm in deployment.arms]}",
            remedy="Each is a share 0..1, and those outside the hold-out sum to 1.",
            deployment=deployment.id,
            field="arms.weight",
        )
