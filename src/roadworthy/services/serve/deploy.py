"""Deploying: an activated version is put in front of traffic, at once or as a canary; and taken back."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.evidence.statements import deployment_statement
from roadworthy.rollout.strategies import checked_schedule
from roadworthy.rollout.strategies import roll_back as rolled_back
from roadworthy.rollout.strategies import supersede as superseded
from roadworthy.services.catalog.contracts import contract_in_force, refuse_outdated
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.services.licence.approval import require_current
from roadworthy.services.serve.plan import DEFAULT_SCHEDULE, current_deployment, plan_deployment
from roadworthy.services.serve.publish import publish


def deploy(
    house: House,
    actor: Person,
    version_id: str,
    endpoint_id: str,
    schedule: tuple[float, ...] = DEFAULT_SCHEDULE,
) -> Deployment:
    """Put a version in force on an endpoint.

    Raises:
        ConflictError: the version is not activated, its approval has ended, it was validated under another contract
            than the one in force, or a rollout is under way.
        SettingError: a schedule that does not rise from above 0 to 1.
    """
    house.allow(actor, "deploy", facts_of(house, version=version_id, endpoint=endpoint_id))
    checked_schedule(schedule)
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        endpoint = tx.of(Endpoint).get(endpoint_id)
        if not version.state.may_serve:
            raise ConflictError(
                f"{version.id} is {version.state.value}",
                remedy="Only an activated version serves: it passes validation, release and activation first.",
                version=version.id,
                state=version.state.value,
            )
        if version.use_case != endpoint.use_case:
            raise ConflictError(
                f"{version.id} belongs to '{version.use_case}', '{endpoint.id}' to '{endpoint.use_case}'",
                remedy="Deploy it on an endpoint of its own use case.",
            )
        require_current(tx, version.id, house.clock.now())
        signed = contract_in_force(tx, version.use_case)
        if signed is not None:
            refuse_outdated(tx, version, signed[0].id)
        former = current_deployment(tx, endpoint_id)
        plan = plan_deployment(house, tx, version, endpoint, schedule, actor.id)
        if former is not None:
            over = superseded(former, house.clock.now(), f"{plan.id} took over")
            put_in_force(house, tx, former, over, actor.id, over.reason)
        stored = put_in_force(house, tx, None, plan, actor.id, f"deploy {version.id}")
    publish(house, endpoint_id)
    return stored


def roll_back(house: House, actor: Person, endpoint_id: str, reason: str) -> Deployment:
    """Take the challenger's traffic away at once, by hand."""
    house.allow(actor, "roll-back", facts_of(house, endpoint=endpoint_id))
    with house.store.begin() as tx:
        current = deployment_in_force(tx, endpoint_id)
        moved = rolled_back(current, house.clock.now(), reason or f"rolled back by {actor.id}")
        stored = put_in_force(house, tx, current, moved, actor.id, reason)
    publish(house, endpoint_id)
    return stored


def deployment_in_force(tx: Transaction, endpoint_id: str) -> Deployment:
    """What serves on an endpoint.

    Raises:
        ConflictError: nothing does.
    """
    tx.of(Endpoint).get(endpoint_id)
    current = current_deployment(tx, endpoint_id)
    if current is None:
        raise ConflictError(
            f"nothing is deployed on '{endpoint_id}'", remedy="Deploy a version: `roadworthy deploy`."
        )
    return current


def put_in_force(
    house: House, tx: Transaction, old: Deployment | None, new: Deployment, signer: str, why: str
) -> Deployment:
    """Sign and store a deployment, or its next revision, with its change; publishing follows the commit."""
    bare = replace(new, statement="")
    evidence = house.attest(tx, signer, EvidenceKind.DEPLOYMENT, deployment_statement(bare, now=house.clock.now()))
    stored = replace(bare, statement=evidence.id)
    if old is None:
        tx.of(Deployment).add(stored)
    else:
        tx.of(Deployment).replace(old, stored)
    house.record(
        tx,
        signer,
        f"deployment-{stored.state.value}",
        stored.endpoint,
        why,
        {
            "deployment": stored.id,
            "revision": stored.revision,
            "weights": {a.name: a.weight for a in stored.arms},
            "evidence": evidence.id,
        },
        checkpoint="a deployment was put in force",
    )
    return stored
