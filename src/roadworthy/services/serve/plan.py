"""Planning a deployment: which arms, with which shares, given what serves now."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Endpoint, Strategy
from roadworthy.rollout.moves import start
from roadworthy.rollout.strategies.canary import schedule_of
from roadworthy.rollout.strategies.recipe import Recipe, Terms
from roadworthy.rollout.strategies.registry import RECIPES, recipe_of
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House

LIVE = (DeploymentState.PROGRESSING, DeploymentState.PAUSED, DeploymentState.STABLE, DeploymentState.ROLLED_BACK)
"""States in which a deployment's arms answer traffic; after a rollback the old champion does."""


def current_deployment(tx: Transaction, endpoint: str) -> Deployment | None:
    """What is in force on an endpoint."""
    newest = tx.of(Deployment).find(endpoint=endpoint, newest_first=True, limit=1)
    return newest[0] if newest and newest[0].state in LIVE else None


def champion_of(deployment: Deployment) -> Arm | None:
    """The arm that answers by default."""
    return next((a for a in deployment.arms if a.role is ArmRole.CHAMPION), None)


def without_model(deployment: Deployment) -> bool:
    """Whether the hold-out answers everything: an endpoint's first version was rolled back."""
    return any(a.role is ArmRole.HOLD_OUT and a.weight >= 1.0 for a in deployment.arms)


def plan_deployment(
    house: House,
    tx: Transaction,
    version: ModelVersion,
    endpoint: Endpoint,
    terms: Terms | None = None,
    actor: str = "",
) -> Deployment:
    """The deployment that would put `version` in force: all traffic when nothing serves yet, else a canary, unless
    `terms` name a strategy.

    Raises:
        ConflictError: another rollout is under way, a version serves there already, or the strategy needs a champion
            and nothing serves.
        SettingError: terms that the strategy does not understand.
    """
    asked = terms or Terms()
    current = current_deployment(tx, endpoint.id)
    signed = contract_in_force(tx, version.use_case)
    share, acts = (signed[0].holdout_share, signed[0].holdout_acts) if signed else (0.0, False)
    incumbent = champion_of(current) if current and not without_model(current) else None
    refuse_under_way(current)
    recipe = _recipe(asked, endpoint, incumbent)
    new = [version, *(tx.of(ModelVersion).get(other) for other in asked.beside)]
    _refuse_twice(new, incumbent, endpoint)
    arms = [] if incumbent is None else [replace(incumbent, role=ArmRole.CHAMPION)]
    arms += [_new_arm(v, recipe.role) for v in new]
    if share > 0:
        arms.append(Arm(name="hold-out", role=ArmRole.HOLD_OUT, weight=share))
    number = tx.of(Deployment).count(endpoint=endpoint.id) + 1
    now = house.clock.now()
    plan = Deployment(
        id=f"{endpoint.id}-d{number}",
        endpoint=endpoint.id,
        strategy=recipe.strategy,
        arms=tuple(arms),
        salt=f"{endpoint.id}-d{number}",
        holdout_acts=acts,
        state=DeploymentState.PROGRESSING,
        created_at=now,
        created_by=actor,
        stage_since=now,
        previous=current.id if current else "",
    )
    return start(plan, now, asked if asked.strategy or incumbent else _of_a_first_version(asked))


def _of_a_first_version(asked: Terms) -> Terms:
    """It gets everything: a schedule given without a strategy is for those after it, but has to be one."""
    schedule_of(asked)
    return replace(asked, schedule=None)


def refuse_under_way(current: Deployment | None) -> None:
    """Refuse to take over a rollout that somebody or the stopping rule has yet to decide.

    Raises:
        ConflictError: one is under way.
    """
    under_way = (DeploymentState.PROGRESSING, DeploymentState.PAUSED)
    if current and current.state in under_way and not recipe_of(current).gives_way:
        raise ConflictError(
            f"a rollout is under way on '{current.endpoint}' ({current.id}, {current.state.value})",
            remedy="Wait until it is promoted or rolled back, or roll it back.",
            deployment=current.id,
        )


def _recipe(asked: Terms, endpoint: Endpoint, incumbent: Arm | None) -> Recipe:
    recipe = RECIPES[asked.strategy or (Strategy.CANARY if incumbent else Strategy.BASIC)]
    if recipe.needs_champion and incumbent is None:
        raise ConflictError(
            f"no version serves on '{endpoint.id}', and a {recipe.strategy.value} deployment needs a champion",
            remedy="Deploy the first version without a strategy.",
            field="strategy",
        )
    return recipe


def _refuse_twice(new: list[ModelVersion], incumbent: Arm | None, endpoint: Endpoint) -> None:
    if incumbent and any(v.id == incumbent.version for v in new):
        raise ConflictError(
            f"{incumbent.version} serves on '{endpoint.id}' already", remedy="Deploy another version."
        )
    if len({v.id for v in new}) < len(new):
        raise ConflictError("a version is named twice", remedy="Name every new version once.", field="beside")


def _new_arm(version: ModelVersion, role: ArmRole) -> Arm:
    return Arm(
        name=version.id,
        role=role,
        weight=0.0,
        version=version.id,
        artifact=version.artifact,
        threshold=version.threshold,
        signature=version.signature,
        files=version.files,
        members=version.members,
    )
