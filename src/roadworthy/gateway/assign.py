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

Then the licences, by the signed terms alone: a row whose drawn arm is not licensed for it goes to another arm in force
that is: the champion, else the first challenger with a share. Where there is none it is refused, naming column, value
and what is allowed. The probability logged stays exact: the other arm got the row with its own probability and that
of every arm that may not take it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from roadworthy.domain.errors import (
    ConflictError,
    IntegrityError,
    NotLicensedError,
    RoadworthyError,
    UnavailableError,
    shortlist,
)
from roadworthy.domain.serving import Arm, ArmRole, Deployment
from roadworthy.domain.trust import Licence
from roadworthy.gateway.request import Rows
from roadworthy.statistics.frame import Array, Bools


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
        ConflictError: not exactly one champion, two hold-outs, a weight outside 0..1, or weights of the answering
            arms that do not sum to 1; names the deployment and the field.
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
    served = math.fsum(arm.weight for arm in deployment.arms if arm.role.answers)
    if abs(served - 1) > 1e-9 or not all(0 <= arm.weight <= 1 for arm in deployment.arms):
        raise ConflictError(
            f"the weights of deployment '{deployment.id}' are {[arm.weight for arm in deployment.arms]}",
            remedy="Each is a share 0..1, and those of the arms that answer sum to 1.",
            deployment=deployment.id,
            field="arms.weight",
        )


@dataclass(frozen=True, slots=True)
class Routes:
    """Which arm answers each row of one request; every list has shape (n_rows,).

    Attributes:
        assignments: the arm, and the exact probability with which this unit's row got it.
        redirected: whether another arm was drawn, which is not licensed for the row.
        spare: whether the champion may answer when the arm fails.
    """

    assignments: list[Assignment]
    redirected: list[bool]
    spare: list[bool]


class Permits:
    """The licences of a deployment's version arms.

    Raises:
        IntegrityError: an arm's version has none.
    """

    def __init__(self, arms: Sequence[Arm], licences: Mapping[str, Licence]) -> None:
        for arm in arms:
            if arm.version not in licences:
                raise IntegrityError(
                    f"arm '{arm.name}' serves {arm.version}, and nothing says what it is approved for",
                    remedy="Publish the deployment again.",
                    arm=arm.name,
                )
        self._of = {arm.name: licences[arm.version] for arm in arms}
        # The champion first, then the challengers in the deployment's order; what has no share is not in force.
        in_force = (a for a in arms if a.weight > 0 and a.role.answers)
        self._in_force = sorted(in_force, key=lambda a: a.role is not ArmRole.CHAMPION)
        self._champion = next((a for a in arms if a.role is ArmRole.CHAMPION), None)
        ends = [licence.until for licence in self._of.values() if licence.until is not None]
        self._first_end = min(ends, default=None)
        self._for_some = any(licence.only for licence in self._of.values())

    def free(self, now: datetime) -> bool:
        """Whether every licence covers every row now, so that each row goes to the arm that was drawn."""
        return not self._for_some and (self._first_end is None or now < self._first_end)

    def ended(self, arm: Arm, now: datetime) -> str:
        """Why an arm may answer nothing any more; empty while it may."""
        licence = self._of[arm.name]
        if licence.until is None or not licence.expired(now):
            return ""
        return f"the approval of {licence.version} ended at {licence.until.isoformat()}"

    def covers(self, arm: Arm, rows: Rows, now: datetime) -> Bools:
        """Which rows an arm is licensed for now, (n_rows,)."""
        return self._rows(self._of[arm.name], rows, now)

    def all_ended(self, now: datetime) -> str:
        """Why no arm in force may answer; empty while one may."""
        reasons = [self.ended(arm, now) for arm in self._in_force]
        return reasons[0] if reasons and all(reasons) else ""

    def route(self, assigner: Assigner, rows: Rows, now: datetime) -> Routes:
        """The arm that answers each row.

        Raises:
            NotLicensedError: a row that no arm in force is licensed for; names row, column, value and what is allowed.
            UnavailableError: the approvals of all arms in force have ended.
        """
        drawn = [assigner.assign(unit) for unit in rows.unit_ids]
        if self.free(now):
            return Routes(drawn, [False] * rows.n_rows, [True] * rows.n_rows)
        may = {name: self._rows(licence, rows, now) for name, licence in self._of.items()}
        chances = {a.arm.name: a.propensity for a in assigner.assignments}
        assignments: list[Assignment] = []
        for row, own in enumerate(drawn):
            denied = [arm for arm in self._in_force if not may[arm.name][row]]
            draws = own.arm.role is not ArmRole.HOLD_OUT and bool(denied)
            assignments.append(self._instead(own, denied, chances, rows, row, now) if draws else own)
        spare = may[self._champion.name] if self._champion else np.zeros(rows.n_rows, dtype=np.bool_)
        moved = [a.arm.name != d.arm.name for a, d in zip(assignments, drawn, strict=True)]
        return Routes(assignments, moved, [bool(able) for able in spare])

    def _instead(
        self,
        drawn: Assignment,
        denied: Sequence[Arm],
        chances: Mapping[str, float],
        rows: Rows,
        row: int,
        now: datetime,
    ) -> Assignment:
        """The arm for a row that not every arm in force is licensed for."""
        names = {arm.name for arm in denied}
        heir = next((arm for arm in self._in_force if arm.name not in names), None)
        if drawn.arm.name not in names and (heir is None or drawn.arm.name != heir.name):
            return drawn
        if heir is None:
            raise self._refusal(drawn.arm, rows, row, now)
        return Assignment(heir, chances[heir.name] + sum(chances[name] for name in names))

    def _rows(self, licence: Licence, rows: Rows, now: datetime) -> Bools:
        """Which rows a licence covers now, (n_rows,)."""
        if licence.expired(now):
            return np.zeros(rows.n_rows, dtype=np.bool_)
        covered = np.ones(rows.n_rows, dtype=np.bool_)
        for column, allowed in licence.only.items():
            values = rows.columns.get(column)
            if values is None:
                return np.zeros(rows.n_rows, dtype=np.bool_)
            covered &= np.fromiter((text_of(v) in allowed for v in values), dtype=np.bool_, count=rows.n_rows)
        return covered

    def _refusal(self, arm: Arm, rows: Rows, row: int, now: datetime) -> RoadworthyError:
        licence, why = self._of[arm.name], self.ended(arm, now)
        if why:
            return UnavailableError(
                why,
                remedy="Validators renew it, or an operator deploys another version.",
                reason="licence-ended",
                version=licence.version,
            )
        for column, allowed in licence.only.items():
            value = _value(rows.columns.get(column), row)
            if value not in allowed:
                return NotLicensedError(
                    f"row {row}: column '{column}' is {value[:64]!r}, and {licence.version} is approved only for"
                    f" {shortlist(allowed, 20)}",
                    remedy="Send rows it is approved for, or ask for an approval that covers them.",
                    field=column,
                    row=row,
                    value=value[:64],
                    allowed=list(allowed[:20]),
                    version=licence.version,
                )
        return NotLicensedError(
            f"row {row}: no version in force is approved for it", remedy="Ask the operator.", row=row
        )


def text_of(value: Any) -> str:
    """A row's value as conditions write it: text as it is, 1 for 1.0, true and false; missing is empty.

    Example:
        >>> text_of("north"), text_of(3.0), text_of(True), text_of(None)
        ('north', '3', 'true', '')
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _value(column: Array | None, row: int) -> str:
    return "" if column is None else text_of(column[row])
