"""What a person decides about a rollout under way: promote a challenger, pause, let it go on. Signed by that person."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Deployment, RolloutLook
from roadworthy.domain.trust import Person
from roadworthy.rollout import moves
from roadworthy.rollout.canary import Reason
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House, need_reason
from roadworthy.services.licence.approval import require_current
from roadworthy.services.serve.deploy import deployment_in_force, put_in_force
from roadworthy.services.serve.plan import champion_of
from roadworthy.services.serve.publish import publish
from roadworthy.services.watch.work_items import close_promoted

ACTION = "promote"
"""What the policy is asked for: whoever may promote may also stop short of it."""


@signed_ahead
def promote_by_hand(house: House, actor: Person, endpoint: str, why: str, arm: str = "") -> Deployment:
    """A person makes a challenger the champion; `arm` names it where there are several.

    Raises:
        ConflictError: the challenger may not serve any more.
        IllegalTransitionError: nothing is under way, or its strategy does not allow it now.
        DataError: no such challenger, or several and none is named.
        SettingError: no reason is given.
    """

    def move(tx: Transaction, current: Deployment) -> Deployment:
        moved = moves.promote(current, house.clock.now(), why, arm)
        winner = champion_of(moved)
        if winner is not None:
            version = tx.of(ModelVersion).get(winner.version)
            _refuse_unable(house, tx, version)
            if _proven(tx, current, winner.name):
                close_promoted(house, tx, version, current.id)
        return moved

    return _moved(house, actor, endpoint, why, move)


@signed_ahead
def pause_rollout(house: House, actor: Person, endpoint: str, why: str) -> Deployment:
    """A person stops a rollout where it is: the weights stay, no look moves them.

    Raises:
        IllegalTransitionError: nothing is under way, or its strategy has no pause.
        SettingError: no reason is given.
    """
    return _moved(house, actor, endpoint, why, lambda _, current: moves.pause(current, house.clock.now(), why))


@signed_ahead
def resume_rollout(house: House, actor: Person, endpoint: str, why: str) -> Deployment:
    """A person lets a paused rollout go on.

    Raises:
        IllegalTransitionError: it is not paused.
        SettingError: no reason is given.
    """
    return _moved(house, actor, endpoint, why, lambda _, current: moves.resume(current, house.clock.now(), why))


def _moved(
    house: House,
    actor: Person,
    endpoint: str,
    why: str,
    move: Callable[[Transaction, Deployment], Deployment],
) -> Deployment:
    house.allow(actor, ACTION, facts_of(house, endpoint=endpoint))
    need_reason(f"the rollout on '{endpoint}' is moved", why)
    with house.store.begin() as tx:
        current = deployment_in_force(tx, endpoint)
        stored = put_in_force(house, tx, current, move(tx, current), actor.id, why)
    publish(house, endpoint)
    return stored


def _proven(tx: Transaction, deployment: Deployment, arm: str) -> bool:
    """Whether the newest look at this arm proved it safe: a person's decision alone mends no defect."""
    looks = [x for x in tx.of(RolloutLook).find(deployment=deployment.id) if x.details.get("arm") == arm]
    return bool(looks) and looks[-1].reason.startswith(Reason.SAFETY_PROVEN.value)


def _refuse_unable(house: House, tx: Transaction, version: ModelVersion) -> None:
    """Between deploying and promoting its approval may have ended, or somebody may have suspended it."""
    if not version.state.may_serve:
        raise ConflictError(
            f"{version.id} is {version.state.value}",
            remedy="Only an activated version is promoted: roll the deployment back.",
            version=version.id,
        )
    require_current(tx, version.id, house.clock.now())
