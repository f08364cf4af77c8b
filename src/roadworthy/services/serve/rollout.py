"""Stepping a rollout: read what its traffic has shown, ask the stopping rule, put its answer in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from roadworthy.rollout import moves
from roadworthy.rollout.canary import Action, CanaryDecision, CanaryRule, CanaryView, look
from roadworthy.rollout.canary_evidence import AssignmentPeriod
from roadworthy.rollout.failure_e_process import FailureEvent
from roadworthy.rollout.guard import guard
from roadworthy.rollout.strategies.recipe import Judging
from roadworthy.rollout.strategies.registry import recipe_of
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.house import PLATFORM, House, plain
from roadworthy.services.serve.deploy import deployment_in_force, put_in_force
from roadworthy.services.serve.fixed_shares import counts_of, decided, fixed_views
from roadworthy.services.serve.publish import publish
from roadworthy.services.watch.work_items import close_promoted, open_item


def step_rollout(house: House, endpoint: str, rule: CanaryRule) -> RolloutLook | None:
    """One look at the rollout on an endpoint, per challenger; the platform acts and signs.

    Returns:
        The look that moved something, else the last; None when nothing is under way, or nothing that evidence judges.
    """
    with house.store.read() as tx:
        deployment = deployment_in_force(tx, endpoint)
    if deployment.state is not DeploymentState.PROGRESSING or not _judged(deployment):
        return None
    judged = _judgements(house, deployment, rule)
    acting = next((j for j in judged if j.decision.action is not Action.HOLD), judged[-1])
    record = _carry_out(house, deployment, judged, acting)
    if record is not None:
        publish(house, endpoint)
    return record


@signed_ahead
def _carry_out(
    house: House, deployment: Deployment, judged: list[_Judgement], acting: _Judgement
) -> RolloutLook | None:
    """Record what a look said of each challenger, and do what was decided; None when the deployment has moved on."""
    with house.store.begin() as tx:
        current = deployment_in_force(tx, deployment.endpoint)
        if current != deployment:
            return None
        records = {j.arm.name: _record(house, tx, deployment, j) for j in judged}
        moved = _moved(house, deployment, acting.decision)
        if moved is not None:
            put_in_force(house, tx, deployment, moved, PLATFORM, acting.decision.sentence)
        if acting.decision.action is Action.ROLL_BACK:
            _send_back(house, tx, deployment, acting)
        if acting.decision.action is Action.PROMOTE:
            promoted = tx.of(ModelVersion).get(acting.arm.version)
            close_promoted(house, tx, promoted, deployment.id)
    return records[acting.arm.name]


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What one look said about one challenger."""

    arm: Arm
    decision: CanaryDecision
    view: CanaryView


def _judged(deployment: Deployment) -> bool:
    return recipe_of(deployment).judging is not Judging.NOTHING


def _judgements(house: House, deployment: Deployment, rule: CanaryRule) -> list[_Judgement]:
    if recipe_of(deployment).judging is Judging.DECIDES:
        view = rollout_view(house, deployment)
        return [_Judgement(_arm(deployment, ArmRole.CHALLENGER), look(view, rule), view)]
    challengers = [a for a in deployment.arms if a.role is ArmRole.CHALLENGER]
    views = fixed_views(house, deployment, challengers)
    return [
        _Judgement(arm, guard(view, rule, len(challengers)), view)
        for arm, view in zip(challengers, views, strict=True)
    ]


def rollout_view(house: House, deployment: Deployment) -> CanaryView:
    """What one look sees; a log that cannot be read is an outage, not an absence of failures."""
    decisions, outages = decided(house, deployment)
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
        requests=counts_of(scored, canary),
        stage_requests=counts_of([d for d in scored if d.revision == deployment.revision], canary),
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


def _record(house: House, tx: Transaction, deployment: Deployment, judged: _Judgement) -> RolloutLook:
    decision, view = judged.decision, judged.view
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
        details=plain({**decision.details, "arm": judged.arm.name}),
    )
    tx.of(RolloutLook).add(record)
    if decision.action is not Action.HOLD:
        statement = rollout_statement(record, deployment, now=house.clock.now())
        house.attest(tx, PLATFORM, EvidenceKind.ROLLOUT, statement)
    return record


def _moved(house: House, deployment: Deployment, decision: CanaryDecision) -> Deployment | None:
    now, why = house.clock.now(), decision.sentence
    if decision.action is Action.ADVANCE:
        return moves.advance(deployment, now, why)
    if decision.action is Action.PROMOTE:
        return moves.promote(deployment, now, why)
    if decision.action is Action.ROLL_BACK:
        return moves.roll_back(deployment, now, why)
    if decision.action is Action.PAUSE:
        return moves.pause(deployment, now, why)
    return None


def _send_back(house: House, tx: Transaction, deployment: Deployment, judged: _Judgement) -> None:
    decision = judged.decision
    version = tx.of(ModelVersion).get(judged.arm.version)
    if version.state is State.ACTIVATED:
        # Proven to do harm: it keeps no licence to be deployed again until it has passed the gates anew.
        tx.of(ModelVersion).replace(version, replace(version, state=advance(version.state, Event.RECALL)))
        house.record(tx, PLATFORM, "recalled", version.id, decision.sentence)
    defect = decision.defect or DefectKind.SERVING_FAILURE
    open_item(house, tx, version, defect, f"rollout {deployment.id}", decision.sentence, "validation")
