"""Planning a deployment: which arms, with which shares, given what serves now."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Endpoint, Strategy
from roadworthy.rollout.strategies import start
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House

DEFAULT_SCHEDULE = (0.05, 0.25, 0.5, 1.0)
"""Shares of traffic a canary goes through, outside the hold-out."""

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
    schedule: tuple[float, ...] = DEFAULT_SCHEDULE,
    actor: str = "",
) -> Deployment:
    """The deployment that would put `version` in force: all traffic when nothing serves yet, else a canary.

    Raises:
        ConflictError: another rollout is under way, or the version serves there already.
    """
    now = house.clock.now()
    current = current_deployment(tx, endpoint.id)
    signed = contract_in_force(tx, version.use_case)
    share, acts = (signed[0].holdout_share, signed[0].holdout_acts) if signed else (0.0, False)
    incumbent = champion_of(current) if current and not without_model(current) else None
    if current and current.state in (DeploymentState.PROGRESSING, DeploymentState.PAUSED):
        raise ConflictError(
            f"a rollout is under way on '{endpoint.id}' ({current.id}, {current.state.value})",
            remedy="Wait until it is promoted or rolled back, or roll it back.",
            deployment=current.id,
        )
    if incumbent and incumbent.version == version.id:
        raise ConflictError(f"{version.id} serves on '{endpoint.id}' already", remedy="Deploy another version.")
    first = incumbent is None
    arms: list[Arm] = [] if incumbent is None else [replace(incumbent, role=ArmRole.CHAMPION)]
    arms.append(
        Arm(
            name=version.id,
            role=ArmRole.CHALLENGER,
            weight=0.0,
            version=version.id,
            artifact=version.artifact,
            threshold=version.threshold,
            signature=version.signature,
            files=version.files,
        )
    )
    if share > 0:
        arms.append(Arm(name="hold-out", role=ArmRole.HOLD_OUT, weight=share))
    number = tx.of(Deployment).count(endpoint=endpoint.id) + 1
    plan = Deployment(
        id=f"{endpoint.id}-d{number}",
        endpoint=endpoint.id,
        strategy=Strategy.BASIC if first else Strategy.CANARY,
        arms=tuple(arms),
        salt=f"{endpoint.id}-d{number}",
        holdout_acts=acts,
        state=DeploymentState.PROGRESSING,
        created_at=now,
        created_by=actor,
        schedule=() if first else schedule,
        stage_since=now,
        previous=current.id if current else "",
    )
    return start(plan, now)
