"""Stepping a rollout: read what its traffic has shown, ask the stopping rule, put its answer in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from roadworthy.domain.errors import StorageUnavailableError
from roadworthy.domain.lifecycle import Event, State, advance
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import (
    Arm,
    ArmRole,
    Decision,
    DecisionStatus,
    Deployment,
    DeploymentState,
    RolloutLook,
)
from roadworthy.domain.trust import EvidenceKind
from roadworthy.evidence.digest import digest_of
from roadworthy.evidence.statements import rollout_statement
from roadworthy.rollout import strategies
from roadworthy.rollout.canary import Action, CanaryDecision, CanaryRule, CanaryView, look
from roadworthy.rollout.canary_evidence import ArmCounts, AssignmentPeriod
from roadworthy.rollout.failure_e_process import FailureEvent
from roadworthy.services.facts import facts_of
from roadworthy.services.house import PLATFORM, House, plain
from roadworthy.services.serve.deploy import deployment_in_force, put_in_force
from roadworthy.services.serve.publish import publish
from roadworthy.services.watch.work_items import close_promoted, open_item


def step_rollout(house: House, endpoint: str, rule: CanaryRule) -> RolloutLook | None:
    """One look at the rollout on an endpoint; None when none is under way. The platform acts and signs."""
    with house.store.read() as tx:
        deployment = deployment_in_force(tx, endpoint)
    if deployment.state is not DeploymentState.PROGRESSING:
        return None
    view = rollout_view(house, deployment)
    decision = look(view, rule)
    with house.store.begin() as tx:
        current = deployment_in_force(tx, endpoint)
        if current != deployment:
            return None
        record = _record(house, tx, deployment, decision, view)
        moved = _moved(house, deployment, decision)
        if moved is not None:
            put_in_force(house, tx, deployment, moved, PLATFORM, decision.sentence)
        if decision.action is Action.ROLL_BACK:
            _send_back(house, tx, deployment, decision)
        if decision.action is Action.PROMOTE:
            promoted = tx.of(ModelVersion).get(_arm(deployment, ArmRole.CHALLENGER).version)
            close_promoted(house, tx, promoted, deployment.id)
    publish(house, endpoint)
    return record


def rollout_view(house: House, deployment: Deployment) -> CanaryView:
    """What one look sees; a log that cannot be read is an outage, not an absence of failures."""
    outages: tuple[str, ...] = ()
    try:
        decisions = [
            d
            for d in house.decisions.read(deployment.endpoint, since=deployment.created_at)
            if d.deployment == deployment.id
        ]
    except StorageUnavailableError:
        decisions, outages = [], ("decision log",)
    canary = _arm(deployment, ArmRole.CHALLENGER)
    since = deployment.stage_since or deployment.created_at
    # Rows that only one arm was licensed for were not drawn: they say nothing about the other.
    drawn = [d for d in decisions if _drawn(deployment, d)]
    scored = [d for d in drawn if d.status is not DecisionStatus.HELD_OUT]
    return CanaryView(
        schedule=deployment.schedule,
        stage=deployment.stage,
        stage_since=since,
        now=house.clock.now(),
        failures=tuple(
            FailureEvent(share=_share(deployment, d), from_canary=d.arm == canary.name)
            for d in scored
            if d.status is DecisionStatus.FAILED
        ),
        requests=_counts(scored, canary),
        stage_requests=_counts([d for d in scored if d.revision == deployment.revision], canary),
        assignments=_periods(deployment, drawn, restricted=len(drawn) < len(decisions)),
        outages=outages,
    )


def looks(house: House, deployment: str) -> list[RolloutLook]:
    """All looks at a deployment, oldest first."""
    with house.store.read() as tx:
        return tx.of(RolloutLook).find(deployment=deployment)


def _arm(deployment: Deployment, role: ArmRole) -> Arm:
    return next(a for a in deployment.arms if a.role is role)


def _share(deployment: Deployment, decision: Decision) -> float:
    """The canary's share of version traffic when this decision was made, from its logged propensity."""
    of_versions = decision.propensity / (1.0 - _held(deployment))
    return round(of_versions if decision.arm == _arm(deployment, ArmRole.CHALLENGER).name else 1.0 - of_versions, 9)


def _drawn(deployment: Deployment, decision: Decision) -> bool:
    """Whether more than one version could have answered this row."""
    return decision.status is DecisionStatus.HELD_OUT or 0.0 < _share(deployment, decision) < 1.0


def _held(deployment: Deployment) -> float:
    return sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)


def _counts(decisions: Sequence[Decision], canary: Arm) -> ArmCounts:
    mine = sum(d.arm == canary.name for d in decisions)
    return ArmCounts(champion=len(decisions) - mine, canary=mine)


def _periods(
    deployment: Deployment, decisions: Sequence[Decision], *, restricted: bool
) -> tuple[AssignmentPeriod, ...]:
    """Units by the weights in force when they were first seen; a unit counts once.

    Where some rows were not drawn, held-out units cannot be told from theirs: only the versions are compared then.
    """
    canary, champion = _arm(deployment, ArmRole.CHALLENGER), _arm(deployment, ArmRole.CHAMPION)
    held = 0.0 if restricted else _held(deployment)
    if restricted:
        decisions = [d for d in decisions if d.status is not DecisionStatus.HELD_OUT]
    shares = {d.revision: _share(deployment, d) for d in decisions if d.status is not DecisionStatus.HELD_OUT}
    seen: set[str] = set()
    counted: dict[float, Counter[str]] = {}
    for d in decisions:
        if d.unit_id not in seen and d.revision in shares:
            seen.add(d.unit_id)
            counted.setdefault(shares[d.revision], Counter())[d.arm] += 1
    periods: list[AssignmentPeriod] = []
    for share, counts in counted.items():
        weights = {champion.name: (1 - held) * (1 - share), canary.name: (1 - held) * share}
        if held:
            weights["hold-out"] = held
        periods.append(AssignmentPeriod(weights, dict(counts)))
    return tuple(periods)


def _record(
    house: House, tx: Transaction, deployment: Deployment, decision: CanaryDecision, view: CanaryView
) -> RolloutLook:
    record = RolloutLook(
        id=f"{deployment.id}-look-{tx.of(RolloutLook).count(deployment=deployment.id) + 1}",
        deployment=deployment.id,
        revision=deployment.revision,
        at=view.now,
        action=decision.action.value,
        reason=f"{decision.reason.value}: {decision.sentence}",
        harm_e=decision.harm_e,
        safety_e=decision.safety_e,
        threshold=decision.threshold,
        failures=decision.failures,
        requests=decision.requests,
        share=decision.share,
        inputs_digest=digest_of(view),
        details=plain(decision.details),
    )
    tx.of(RolloutLook).add(record)
    if decision.action is not Action.HOLD:
        statement = rollout_statement(record, deployment, now=house.clock.now())
        house.attest(tx, PLATFORM, EvidenceKind.ROLLOUT, statement)
    return record


def _moved(house: House, deployment: Deployment, decision: CanaryDecision) -> Deployment | None:
    now, why = house.clock.now(), decision.sentence
    if decision.action is Action.ADVANCE:
        return strategies.advance(deployment, now, why)
    if decision.action is Action.PROMOTE:
        return strategies.promote(deployment, now, why)
    if decision.action is Action.ROLL_BACK:
        return strategies.roll_back(deployment, now, why)
    if decision.action is Action.PAUSE:
        return strategies.pause(deployment, now, why)
    return None


def _send_back(house: House, tx: Transaction, deployment: Deployment, decision: CanaryDecision) -> None:
    version = tx.of(ModelVersion).get(_arm(deployment, ArmRole.CHALLENGER).version)
    if version.state is State.ACTIVATED:
        # Proven to do harm: it keeps no licence to be deployed again until it has passed the gates anew.
        tx.of(ModelVersion).replace(version, replace(version, state=advance(version.state, Event.RECALL)))
        house.record(tx, PLATFORM, "recalled", version.id, decision.sentence)
    defect = decision.defect or DefectKind.SERVING_FAILURE
    open_item(house, tx, version, defect, f"rollout {deployment.id}", decision.sentence, "validation")


def resume_rollout(house: House, actor_id: str, endpoint: str, why: str) -> Deployment:
    """A person lets a paused rollout go on."""
    actor = house.person(actor_id)
    house.allow(actor, "promote", facts_of(house, endpoint=endpoint))
    with house.store.begin() as tx:
        current = deployment_in_force(tx, endpoint)
        moved = strategies.resume(current, house.clock.now(), why)
        stored = put_in_force(house, tx, current, moved, actor.id, why)
    publish(house, endpoint)
    return stored
