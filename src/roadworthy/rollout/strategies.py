"""Which weights each strategy and stage mean, and the moves a deployment may make.

BASIC gives the new version all version traffic at once. CANARY raises its share along a strictly increasing
schedule; the sticky hash interval of the gateway grows with it, so no unit flips back. In both, the hold-out keeps
its share of all traffic throughout. After promotion the former champion stays as an arm of weight 0: loaded, ready
for a rollback, and an alarm if a unit ever reaches it.

Moves, each giving a new revision; anything not listed is refused:

    start        (new)                     -> PROGRESSING (canary), STABLE (basic)
    advance      PROGRESSING               -> PROGRESSING, next share
    promote      PROGRESSING, last stage   -> STABLE
    pause        PROGRESSING               -> PAUSED
    resume       PAUSED                    -> PROGRESSING, the stage's clock starts again
    roll_back    PROGRESSING PAUSED STABLE -> ROLLED_BACK
    withdraw     any but SUPERSEDED        -> ROLLED_BACK, without the versions that may not serve
    supersede    any but SUPERSEDED        -> SUPERSEDED
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from roadworthy.domain.errors import DataError, IllegalTransitionError, SettingError
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy

FINAL_STATES = frozenset({DeploymentState.ROLLED_BACK, DeploymentState.SUPERSEDED})
_MAX_STAGES = 20


def checked_schedule(schedule: tuple[float, ...]) -> tuple[float, ...]:
    """The schedule, if a canary may follow it: 1 to 20 strictly increasing shares from above 0, the first below 1.

    A last share of 1 stands for the promotion and may be left out.

    Raises:
        SettingError: it may not.
    """
    rising = all(a < b for a, b in pairwise(schedule))
    if not (0 < len(schedule) <= _MAX_STAGES and rising and 0.0 < schedule[0] < 1.0 and schedule[-1] <= 1.0):
        raise SettingError(
            f"a canary cannot follow the schedule {list(schedule[:_MAX_STAGES])}",
            remedy=f"Give 1 to {_MAX_STAGES} strictly increasing shares, the first above 0 and below 1.",
            field="schedule",
        )
    return schedule


def last_stage(schedule: tuple[float, ...]) -> int:
    """The stage from which a canary is promoted: the last one at which the champion still has traffic."""
    return max((i for i, share in enumerate(schedule) if share < 1.0), default=0)


def canary_weights(arms: tuple[Arm, ...], share: float) -> tuple[Arm, ...]:
    """The arms with the challenger at `share` (0..1) of version traffic and the champion at the rest.

    Raises:
        DataError: not exactly one champion and one challenger, or a share outside 0..1.
    """
    champion, challenger = _the_one(arms, ArmRole.CHAMPION), _the_one(arms, ArmRole.CHALLENGER)
    if not 0.0 <= share <= 1.0:
        raise DataError(f"a share of {share} does not exist", remedy="Give 0 to 1.", field="share")
    weights = {champion.name: 1.0 - share, challenger.name: share}
    return tuple(replace(arm, weight=weights.get(arm.name, arm.weight)) for arm in arms)


def promoted_arms(arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    """The challenger as champion with all version traffic; the former champion, if any, kept at weight 0.

    Raises:
        DataError: not exactly one challenger.
    """
    winner = _the_one(arms, ArmRole.CHALLENGER)
    return tuple(_crowned(arm, winner) for arm in arms)


def rolled_back_arms(arms: tuple[Arm, ...], *, promoted: bool) -> tuple[Arm, ...]:
    """The arms as they were before the new version.

    Before promotion the champion takes all version traffic back. After it, the former champion (kept at weight 0)
    is champion again. Where there was none, no model decides: the hold-out grows to all traffic, so every unit
    gets the contract's action; the version arm keeps all of the nothing outside it.
    """
    former = next((arm for arm in arms if arm.role is ArmRole.CHALLENGER), None)
    if promoted:
        return _only_hold_out(arms) if former is None else tuple(_crowned(arm, former) for arm in arms)
    return canary_weights(arms, 0.0)


def start(deployment: Deployment, now: datetime) -> Deployment:
    """A new deployment put into force: a canary at its first share, a basic one fully; same revision.

    Arms come in as they stand in the plan: a CHAMPION in force (if any), the new version as CHALLENGER.

    Raises:
        SettingError: a canary schedule that cannot be followed.
        DataError: arms missing; a canary needs a champion beside it.
    """
    if deployment.strategy is Strategy.BASIC:
        arms = promoted_arms(deployment.arms)
        return replace(deployment, arms=arms, state=DeploymentState.STABLE, stage_since=now)
    first = checked_schedule(deployment.schedule)[0]
    arms = canary_weights(deployment.arms, first)
    return replace(deployment, arms=arms, state=DeploymentState.PROGRESSING, stage=0, stage_since=now)


def advance(deployment: Deployment, now: datetime, reason: str = "") -> Deployment:
    """The next stage of a canary, with its larger share.

    Raises:
        IllegalTransitionError: it is not progressing, or is at its last share (promote instead).
    """
    _refuse_unless(deployment, "advance", DeploymentState.PROGRESSING)
    stage = deployment.stage + 1
    if stage > last_stage(deployment.schedule):
        raise _illegal(deployment, "advance", "It is at its last share: promote it or roll it back.")
    arms = canary_weights(deployment.arms, deployment.schedule[stage])
    return _moved(replace(deployment, arms=arms, stage=stage), DeploymentState.PROGRESSING, now, reason)


def promote(deployment: Deployment, now: datetime, reason: str = "") -> Deployment:
    """The canary becomes champion with all traffic outside the hold-out.

    Raises:
        IllegalTransitionError: it is not progressing, or has shares left to prove itself at.
    """
    _refuse_unless(deployment, "promote", DeploymentState.PROGRESSING)
    if deployment.stage < last_stage(deployment.schedule):
        raise _illegal(deployment, "promote", "It has shares left in its schedule: advance it.")
    promoted = replace(deployment, arms=promoted_arms(deployment.arms), stage=len(deployment.schedule) - 1)
    return _moved(promoted, DeploymentState.STABLE, now, reason)


def pause(deployment: Deployment, now: datetime, reason: str) -> Deployment:
    """The weights stay, a person decides.

    Raises:
        IllegalTransitionError: it is not progressing.
    """
    _refuse_unless(deployment, "pause", DeploymentState.PROGRESSING)
    return _moved(deployment, DeploymentState.PAUSED, now, reason, restart_stage=False)


def resume(deployment: Deployment, now: datetime, reason: str = "") -> Deployment:
    """A paused rollout goes on at the same share, with a fresh deadline.

    Raises:
        IllegalTransitionError: it is not paused.
    """
    _refuse_unless(deployment, "resume", DeploymentState.PAUSED)
    return _moved(deployment, DeploymentState.PROGRESSING, now, reason)


def roll_back(deployment: Deployment, now: datetime, reason: str) -> Deployment:
    """The former version takes all traffic outside the hold-out; from every state that is not final.

    Raises:
        IllegalTransitionError: it is rolled back or superseded already.
    """
    if deployment.state in FINAL_STATES:
        raise _illegal(deployment, "roll back", "It is final: put a new deployment into force instead.")
    promoted = deployment.state is DeploymentState.STABLE
    arms = rolled_back_arms(deployment.arms, promoted=promoted)
    return _moved(replace(deployment, arms=arms), DeploymentState.ROLLED_BACK, now, reason)


def withdraw(deployment: Deployment, gone: Collection[str], now: datetime, reason: str) -> Deployment:
    """Versions that may not serve any more lose their traffic, in every state but superseded.

    The champion takes it, or where it is itself gone the version arm with the largest weight that is not; where none
    is left, no model decides and every unit gets the hold-out's action.

    Raises:
        IllegalTransitionError: it is superseded already.
    """
    if deployment.state is DeploymentState.SUPERSEDED:
        raise _illegal(deployment, "withdraw", "Nothing answers from it any more.")
    able = [a for a in deployment.arms if a.role is not ArmRole.HOLD_OUT and a.version not in gone]
    able.sort(key=lambda a: (a.role is not ArmRole.CHAMPION, -a.weight))
    arms = tuple(_crowned(a, able[0]) for a in deployment.arms) if able else _only_hold_out(deployment.arms)
    return _moved(replace(deployment, arms=arms), DeploymentState.ROLLED_BACK, now, reason)


def supersede(deployment: Deployment, now: datetime, reason: str) -> Deployment:
    """A newer deployment has taken over the endpoint.

    Raises:
        IllegalTransitionError: it is superseded already.
    """
    if deployment.state is DeploymentState.SUPERSEDED:
        raise _illegal(deployment, "supersede", "Nothing is left to do.")
    return _moved(deployment, DeploymentState.SUPERSEDED, now, reason)


def _moved(
    deployment: Deployment, state: DeploymentState, now: datetime, reason: str, *, restart_stage: bool = True
) -> Deployment:
    since = now if restart_stage else deployment.stage_since
    return replace(deployment, state=state, stage_since=since, reason=reason, revision=deployment.revision + 1)


def _crowned(arm: Arm, winner: Arm) -> Arm:
    if arm.role is ArmRole.HOLD_OUT:
        return arm
    if arm.name == winner.name:
        return replace(arm, role=ArmRole.CHAMPION, weight=1.0)
    return replace(arm, role=ArmRole.CHALLENGER, weight=0.0)


def _only_hold_out(arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    versions = tuple(arm for arm in arms if arm.role is not ArmRole.HOLD_OUT)
    held = next((arm for arm in arms if arm.role is ArmRole.HOLD_OUT), Arm("hold-out", ArmRole.HOLD_OUT, 1.0))
    return (*versions, replace(held, weight=1.0))


def _the_one(arms: tuple[Arm, ...], role: ArmRole) -> Arm:
    found = [arm for arm in arms if arm.role is role]
    if len(found) != 1:
        raise DataError(
            f"the deployment has {len(found)} {role.value} arms",
            remedy=f"Give exactly one {role.value}.",
            field="arms",
        )
    return found[0]


def _refuse_unless(deployment: Deployment, verb: str, state: DeploymentState) -> None:
    if deployment.state is not state:
        raise _illegal(deployment, verb, f"Only a deployment that is {state.value} may.")


def _illegal(deployment: Deployment, verb: str, remedy: str) -> IllegalTransitionError:
    return IllegalTransitionError(
        f"deployment '{deployment.id}' is {deployment.state.value} at stage {deployment.stage} and cannot {verb}",
        remedy=remedy,
        deployment=deployment.id,
        state=deployment.state.value,
    )
