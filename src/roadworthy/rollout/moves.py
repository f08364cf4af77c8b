"""The moves a deployment may make, whatever its strategy; each gives a new revision, anything not listed is refused.

    start        (new)                     -> the state the strategy begins in
    advance      PROGRESSING               -> PROGRESSING, next share; a canary
    promote      PROGRESSING, last stage   -> STABLE; not a shadow
    pause        PROGRESSING               -> PAUSED, the weights stay; not a blue-green switch, not a shadow
    resume       PAUSED                    -> PROGRESSING, the stage's clock starts again
    roll_back    PROGRESSING PAUSED STABLE -> ROLLED_BACK
    withdraw     any but SUPERSEDED        -> ROLLED_BACK, without the versions that may not serve
    supersede    any but SUPERSEDED        -> SUPERSEDED

In all of them the hold-out keeps its share of all traffic, but where no version is left to answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from roadworthy.domain.errors import IllegalTransitionError
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import (
    canary_weights,
    champion_alone,
    crowned,
    former_champion,
    only_hold_out,
    promoted_arms,
)
from roadworthy.rollout.strategies.canary import last_stage, schedule_of
from roadworthy.rollout.strategies.recipe import Move, Terms
from roadworthy.rollout.strategies.registry import recipe_of

FINAL_STATES = frozenset({DeploymentState.ROLLED_BACK, DeploymentState.SUPERSEDED})


def start(deployment: Deployment, now: datetime, terms: Terms | None = None) -> Deployment:
    """A new deployment put into force, with the weights its strategy begins with; same revision.

    Arms come in as they stand in the plan: a CHAMPION in force (if any) first, then the new versions. Without terms a
    canary follows the schedule the deployment has.

    Raises:
        SettingError: terms the strategy does not understand, or shares that cannot be.
        DataError: arms missing; most strategies need a champion beside the new version.
    """
    recipe = recipe_of(deployment)
    given = terms or Terms(schedule=deployment.schedule if deployment.strategy is Strategy.CANARY else None)
    recipe.check(given)
    return replace(
        deployment,
        arms=recipe.weigh(deployment.arms, given),
        schedule=schedule_of(given) if deployment.strategy is Strategy.CANARY else (),
        state=recipe.begins,
        stage=0,
        stage_since=now,
    )


def advance(deployment: Deployment, now: datetime, reason: str = "") -> Deployment:
    """The next stage of a canary, with its larger share.

    Raises:
        IllegalTransitionError: it is not progressing, is at its last share (promote instead), or has no stages.
    """
    _refuse_unless(deployment, "advance", DeploymentState.PROGRESSING)
    _refuse_foreign(deployment, Move.ADVANCE, "advance")
    stage = deployment.stage + 1
    if stage > last_stage(deployment.schedule):
        raise _illegal(deployment, "advance", "It is at its last share: promote it or roll it back.")
    arms = canary_weights(deployment.arms, deployment.schedule[stage])
    return _moved(replace(deployment, arms=arms, stage=stage), DeploymentState.PROGRESSING, now, reason)


def promote(deployment: Deployment, now: datetime, reason: str = "", arm: str = "") -> Deployment:
    """A challenger becomes champion with all traffic outside the hold-out; `arm` names it where there are several.

    Raises:
        IllegalTransitionError: it is not progressing, has shares left to prove itself at, or is a shadow.
        DataError: there is no such challenger, or there are several and none is named.
    """
    _refuse_unless(deployment, "promote", DeploymentState.PROGRESSING)
    _refuse_foreign(deployment, Move.PROMOTE, "promote")
    if deployment.stage < last_stage(deployment.schedule):
        raise _illegal(deployment, "promote", "It has shares left in its schedule: advance it.")
    arms = promoted_arms(deployment.arms, arm)
    stage = max(len(deployment.schedule) - 1, 0)
    return _moved(replace(deployment, arms=arms, stage=stage), DeploymentState.STABLE, now, reason)


def pause(deployment: Deployment, now: datetime, reason: str) -> Deployment:
    """The weights stay, a person decides.

    Raises:
        IllegalTransitionError: it is not progressing, or its strategy waits for a person anyway.
    """
    _refuse_unless(deployment, "pause", DeploymentState.PROGRESSING)
    _refuse_foreign(deployment, Move.PAUSE, "pause")
    return _moved(deployment, DeploymentState.PAUSED, now, reason, restart_stage=False)


def resume(deployment: Deployment, now: datetime, reason: str = "") -> Deployment:
    """A paused rollout goes on at the same share, with a fresh deadline.

    Raises:
        IllegalTransitionError: it is not paused.
    """
    _refuse_unless(deployment, "resume", DeploymentState.PAUSED)
    return _moved(deployment, DeploymentState.PROGRESSING, now, reason)


def roll_back(deployment: Deployment, now: datetime, reason: str, earlier: Arm | None = None) -> Deployment:
    """The former version takes all traffic outside the hold-out; from every state that is not final.

    Before promotion the champion takes all version traffic back. After it, the former champion (kept at weight 0) is
    champion again, or `earlier`, the champion of the deployment before, where none was kept. Where there is none, no
    model decides: the hold-out grows to all traffic.

    Raises:
        IllegalTransitionError: it is rolled back or superseded already.
    """
    if deployment.state in FINAL_STATES:
        raise _illegal(deployment, "roll back", "It is final: put a new deployment into force instead.")
    arms = _arms_of_before(deployment, earlier)
    return _moved(replace(deployment, arms=arms), DeploymentState.ROLLED_BACK, now, reason)


def withdraw(deployment: Deployment, gone: Collection[str], now: datetime, reason: str) -> Deployment:
    """Versions that may not serve any more lose their traffic, in every state but superseded.

    The champion takes it, or where it is itself gone the version arm with the largest weight that is not; where none
    is left, no model decides and every unit gets the hold-out's action. A shadow is no version to fall back to.

    Raises:
        IllegalTransitionError: it is superseded already.
    """
    if deployment.state is DeploymentState.SUPERSEDED:
        raise _illegal(deployment, "withdraw", "Nothing answers from it any more.")
    able = [a for a in deployment.arms if a.role.answers and a.version not in gone]
    able.sort(key=lambda a: (a.role is not ArmRole.CHAMPION, -a.weight))
    arms = tuple(crowned(a, able[0]) for a in deployment.arms) if able else only_hold_out(deployment.arms)
    return _moved(replace(deployment, arms=arms), DeploymentState.ROLLED_BACK, now, reason)


def supersede(deployment: Deployment, now: datetime, reason: str) -> Deployment:
    """A newer deployment has taken over the endpoint.

    Raises:
        IllegalTransitionError: it is superseded already.
    """
    if deployment.state is DeploymentState.SUPERSEDED:
        raise _illegal(deployment, "supersede", "Nothing is left to do.")
    return _moved(deployment, DeploymentState.SUPERSEDED, now, reason)


def _arms_of_before(deployment: Deployment, earlier: Arm | None) -> tuple[Arm, ...]:
    arms = deployment.arms
    if deployment.state is not DeploymentState.STABLE:
        return champion_alone(arms)
    former = former_champion(arms)
    if former is not None:
        return tuple(crowned(arm, former) for arm in arms)
    if earlier is None:
        return only_hold_out(arms)
    held = tuple(arm for arm in arms if arm.role is ArmRole.HOLD_OUT)
    return (replace(earlier, role=ArmRole.CHAMPION, weight=1.0), *held)


def _moved(
    deployment: Deployment, state: DeploymentState, now: datetime, reason: str, *, restart_stage: bool = True
) -> Deployment:
    since = now if restart_stage else deployment.stage_since
    return replace(deployment, state=state, stage_since=since, reason=reason, revision=deployment.revision + 1)


def _refuse_unless(deployment: Deployment, verb: str, state: DeploymentState) -> None:
    if deployment.state is not state:
        raise _illegal(deployment, verb, f"Only a deployment that is {state.value} may.")


def _refuse_foreign(deployment: Deployment, move: Move, verb: str) -> None:
    recipe = recipe_of(deployment)
    if move not in recipe.moves:
        may = ", ".join(sorted(m.value for m in recipe.moves)) or "be turned back or taken over"
        raise _illegal(deployment, verb, f"A {recipe.strategy.value} deployment may {may}.")


def _illegal(deployment: Deployment, verb: str, remedy: str) -> IllegalTransitionError:
    return IllegalTransitionError(
        f"deployment '{deployment.id}' is {deployment.state.value} at stage {deployment.stage} and cannot {verb}",
        remedy=remedy,
        deployment=deployment.id,
        state=deployment.state.value,
    )
