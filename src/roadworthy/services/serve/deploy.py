"""Deploying: activated versions are put in front of traffic by a strategy; and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.evidence.statements import deployment_statement
from roadworthy.rollout.moves import roll_back as rolled_back
from roadworthy.rollout.moves import supersede as superseded
from roadworthy.rollout.moves import withdraw as withdrawn
from roadworthy.rollout.strategies.recipe import Terms
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.catalog.contracts import contract_in_force, refuse_outdated
from roadworthy.services.composing.members import require_members
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.services.licence.approval import require_current
from roadworthy.services.serve.plan import champion_of, current_deployment, plan_deployment, without_model
from roadworthy.services.serve.protect import protection_for
from roadworthy.services.serve.publish import publish


@signed_ahead
def deploy(
    house: House,
    actor: Person,
    version_id: str,
    endpoint_id: str,
    terms: Terms | None = None,
) -> Deployment:
    """Put a version in force on an endpoint, by the strategy `terms` name; by itself a canary, or all at once where
    nothing serves yet.

    Raises:
        ConflictError: a version is not activated, its approval has ended, it was validated under another contract
            than the one in force, a member of a composition may not answer any more, a rollout is under way, or the
            strategy needs a champion and there is none.
        SettingError: terms that the strategy does not understand.
        DataError: its playbook asks for detectors of misuse, and its training data are too few to make them.
    """
    asked = terms or Terms()
    for each in (version_id, *asked.beside):
        house.allow(actor, "deploy", facts_of(house, version=each, endpoint=endpoint_id))
    protection = protection_for(house, version_id, endpoint_id)
    with house.store.begin() as tx:
        endpoint = tx.of(Endpoint).get(endpoint_id)
        for each in (version_id, *asked.beside):
            _refuse_unfit(house, tx, tx.of(ModelVersion).get(each), endpoint)
        former = current_deployment(tx, endpoint_id)
        plan = plan_deployment(house, tx, tx.of(ModelVersion).get(version_id), endpoint, asked, actor.id)
        plan = replace(plan, protection=protection)
        if former is not None:
            over = superseded(former, house.clock.now(), f"{plan.id} took over")
            put_in_force(house, tx, former, over, actor.id, over.reason)
        stored = put_in_force(house, tx, None, plan, actor.id, f"deploy {', '.join((version_id, *asked.beside))}")
    publish(house, endpoint_id)
    return stored


@signed_ahead
def roll_back(house: House, actor: Person, endpoint_id: str, reason: str) -> Deployment:
    """Take the traffic of what is new away at once, by hand; a version that may not serve any more gets none back."""
    house.allow(actor, "roll-back", facts_of(house, endpoint=endpoint_id))
    with house.store.begin() as tx:
        current = deployment_in_force(tx, endpoint_id)
        moved = _rolled_back(tx, current, house.clock.now(), reason or f"rolled back by {actor.id}")
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


def _refuse_unfit(house: House, tx: Transaction, version: ModelVersion, endpoint: Endpoint) -> None:
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
    require_members(house, tx, version)
    signed = contract_in_force(tx, version.use_case)
    if signed is not None:
        refuse_outdated(tx, version, signed[0].id)


def _rolled_back(tx: Transaction, current: Deployment, now: datetime, reason: str) -> Deployment:
    before = tx.of(Deployment).get(current.previous) if current.previous else None
    earlier = champion_of(before) if before and not without_model(before) else None
    moved = rolled_back(current, now, reason, earlier)
    gone = {
        arm.version
        for arm in moved.arms
        if arm.role.answers and not tx.of(ModelVersion).get(arm.version).state.may_serve
    }
    champion = champion_of(moved)
    return withdrawn(current, gone, now, reason) if champion and champion.version in gone else moved


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
