"""What is signed: the predicate types, each with an example statement built as the real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from scripts.pages.markdown import first_line, page, prose

from roadworthy.domain.gate import Finding, Gate, GateRun, PlannedCheck, Playbook, Step, Waiver
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, ModelVersion, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, RolloutLook, Strategy
from roadworthy.domain.trust import Change, Delegation, EvidenceKind, HandOff, SignOff
from roadworthy.domain.use_case import (
    Bound,
    DecisionPoint,
    DecisionPointKind,
    Interval,
    KpiContract,
    KpiLimit,
    RiskTier,
    UseCase,
)
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence import statements
from roadworthy.evidence.chain import next_link
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.predicates import PREDICATES, predicate_schema, predicate_type

_INTRO = """
Evidence is an [in-toto Statement](https://github.com/in-toto/attestation) (version 1) in a DSSE envelope,
signed with the Ed25519 key of whoever says it: gate runs, rollout decisions and automatic moves by the
platform; sign-offs, contracts, hand-offs, manual deployments, suspensions, reinstatements and retirements by the
person (what follows from an expiry or a renewal by the platform). The signature covers canonical
JSON bytes; the id of a piece of evidence is the SHA-256 of its envelope. A sign-off's subject is the gate
run's envelope: a new run voids it.

The gateway serves a version only when it has seen, and verified, its three gate runs, the sign-off, the
contract and the deployment. `roadworthy bundle` writes all of it into one file, `roadworthy verify` checks
that file offline.

Every predicate has a published shape, a JSON Schema generated from the type by which it is read. A signed statement
whose predicate does not fit, or has a field its schema does not name, could not be verified: an unknown field may be
a condition this version would not keep. A signature counts when the statement's own time lies within the signer's
validity (`valid_from`, `valid_until` of the key in the trust root); outside it the signature is refused as expired,
which is *wrong*, not unknown. A statement dated more than five minutes after the verifier's clock could not be
verified. Envelopes above 8 MiB and documents above 64 MiB are refused by their size, unread.

The examples below are built by the same functions that build real statements, from made-up records; digests
are real SHA-256 values of made-up bytes.
"""
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_ARTIFACT = sha256(b"the bytes of a model")
_SIGNATURE = Signature((ColumnSpec("tenure_months", DType.INT64, low=0.0, high=71.0),))
_CASE = UseCase(
    id="churn",
    objective="Offer a discount to customers who would leave",
    owner="olga",
    risk_tier=RiskTier.LOW,
    target="left",
    positive_label="yes",
    label_delay_days=30.0,
    decision_points=(DecisionPoint("offers", DecisionPointKind.PROCESS, "the retention team"),),
    created_at=_NOW - timedelta(days=9),
)
_VERSION = ModelVersion(
    id="churn:1",
    use_case=_CASE.id,
    name="churn",
    number=1,
    artifact=_ARTIFACT,
    format=ArtifactFormat.SKOPS,
    signature=_SIGNATURE,
    threshold=0.17,
    developers=("dan",),
    train_dataset="churn-train-43c97e767b",
    created_at=_NOW - timedelta(days=1),
)
_SERVING = replace(_VERSION, state=State.ACTIVATED)
_DEPLOYMENT = Deployment(
    id="offers-d2",
    endpoint="offers",
    strategy=Strategy.CANARY,
    arms=(
        Arm("churn:0", ArmRole.CHAMPION, 0.95, "churn:0", sha256(b"the model before"), 0.2, _SIGNATURE),
        Arm("churn:1", ArmRole.CHALLENGER, 0.05, "churn:1", _ARTIFACT, 0.17, _SIGNATURE),
        Arm("hold-out", ArmRole.HOLD_OUT, 0.05),
    ),
    salt="offers-d2",
    holdout_acts=False,
    state=DeploymentState.PROGRESSING,
    created_at=_NOW,
    created_by="omar",
    schedule=(0.05, 0.25, 0.5, 1.0),
    stage_since=_NOW,
)


def evidence_page() -> str:
    """`reference/evidence.md`."""
    parts = [_INTRO]
    for kind, statement in examples().items():
        schema = schema_name(kind)
        said = prose(_BUILDERS[kind].__doc__).split("\n\n")[0]
        parts += [
            f"## {kind.value}",
            f"Predicate type: `{predicate_type(kind)}`. Its shape: [{schema}](predicates/{schema}).",
            first_line(said),
            f"```json\n{json.dumps(statement, indent=2, ensure_ascii=False)}\n```",
        ]
    unwritten = [f"`{predicate_type(k)}`" for k in EvidenceKind if k not in _BUILDERS]
    if unwritten:
        parts += ["## Reserved", f"Named, and written by nothing yet: {', '.join(unwritten)}."]
    return page("Evidence", *parts)


def schema_name(kind: EvidenceKind) -> str:
    """The file of a kind's published schema, below `docs/reference/predicates/`."""
    return f"{kind.value}.v1.json"


def schema_pages() -> dict[str, Callable[[], str]]:
    """`reference/predicates/`: one JSON Schema per kind of evidence."""
    return {f"reference/predicates/{schema_name(kind)}": partial(_schema, kind) for kind in PREDICATES}


def _schema(kind: EvidenceKind) -> str:
    return json.dumps(predicate_schema(kind), indent=2, ensure_ascii=False) + "\n"


def examples() -> dict[EvidenceKind, dict[str, Any]]:
    """One statement of every kind."""
    return {
        EvidenceKind.GATE_RUN: _gate_run(),
        EvidenceKind.SIGN_OFF: statements.sign_off_statement(_sign_off(), now=_NOW),
        EvidenceKind.KPI_CONTRACT: statements.contract_statement(_contract(), person="olga", now=_NOW),
        EvidenceKind.HAND_OFF: statements.hand_off_statement(_hand_off(), _VERSION, now=_NOW),
        EvidenceKind.DEPLOYMENT: statements.deployment_statement(_DEPLOYMENT, now=_NOW),
        EvidenceKind.ROLLOUT: statements.rollout_statement(_look(), _DEPLOYMENT, now=_NOW),
        EvidenceKind.DELEGATION: statements.delegation_statement(_delegation(), now=_NOW),
        EvidenceKind.CHECKPOINT: statements.checkpoint_statement(_link(), reason="deployment", now=_NOW),
        EvidenceKind.DOSSIER: _dossier(),
        EvidenceKind.SUSPENSION: statements.suspension_statement(
            _SERVING, person="omar", reason="an incident", cause="by hand", now=_NOW
        ),
        EvidenceKind.REINSTATEMENT: statements.reinstatement_statement(
            replace(_SERVING, state=State.SUSPENDED), person="rita", reason="looked into", sign_off="", now=_NOW
        ),
        EvidenceKind.RETIREMENT: statements.retirement_statement(
            _SERVING, person="olga", reason="churn:2 took over", now=_NOW
        ),
    }


_BUILDERS = {
    EvidenceKind.GATE_RUN: statements.gate_run_statement,
    EvidenceKind.SIGN_OFF: statements.sign_off_statement,
    EvidenceKind.KPI_CONTRACT: statements.contract_statement,
    EvidenceKind.HAND_OFF: statements.hand_off_statement,
    EvidenceKind.DEPLOYMENT: statements.deployment_statement,
    EvidenceKind.ROLLOUT: statements.rollout_statement,
    EvidenceKind.DELEGATION: statements.delegation_statement,
    EvidenceKind.CHECKPOINT: statements.checkpoint_statement,
    EvidenceKind.DOSSIER: statements.dossier_statement,
    EvidenceKind.SUSPENSION: statements.suspension_statement,
    EvidenceKind.REINSTATEMENT: statements.reinstatement_statement,
    EvidenceKind.RETIREMENT: statements.retirement_statement,
}


def _dossier() -> dict[str, Any]:
    files = {name: sha256(name.encode()) for name in ("dossier.html", "index.json")}
    return statements.dossier_statement(_VERSION, files=files, problems=[], head=_link(), person="ada", now=_NOW)


def _gate_run() -> dict[str, Any]:
    finding = Finding(
        step=Step.V2,
        check="overfit",
        check_version=1,
        verdict=Verdict.WARN,
        message="AUC is 0.850 on training and 0.825 on sealed rows: a gap of 0.025.",
        statistic=0.0248,
        interval=Interval(0.002, 0.0475),
        threshold=0.1,
        unit="AUC",
        rows=2400,
        defect=DefectKind.OVERFIT,
    )
    playbook = Playbook(
        name="tabular-binary",
        tier=RiskTier.LOW,
        checks=(PlannedCheck(Step.V2, "overfit"),),
        waivers=(Waiver(Step.V8, "*", "Trained elsewhere; accepted until the next version."),),
        digest=sha256(b"the playbook's bytes"),
    )
    run = GateRun(
        id="validation-churn:1-1",
        version=_VERSION.id,
        gate=Gate.VALIDATION,
        playbook=playbook.digest,
        actor="dan",
        seed=1,
        started_at=_NOW - timedelta(minutes=2),
        inputs={"artifact": _ARTIFACT, "sealed": "churn-sealed-2e06672dd8", "contract": "churn-kpi-1"},
        findings=(finding,),
        verdict=Verdict.WARN,
        finished_at=_NOW,
    )
    tools = {"roadworthy": "0.1.0", "scikit-learn": "1.6.0"}
    return statements.gate_run_statement(run, _VERSION, _CASE, playbook, tools=tools, now=_NOW)


def _delegation() -> Delegation:
    return Delegation(
        id="delegation-1",
        giver="vera",
        taker="victor",
        action="sign-off",
        use_case=_CASE.id,
        reason="away in April",
        created_at=_NOW,
        until=_NOW + timedelta(days=30),
    )


def _sign_off() -> SignOff:
    evidence = sha256(b"the gate run's envelope")
    return SignOff(
        id="sign-off-1",
        version=_VERSION.id,
        gate_run="validation-churn:1-1",
        evidence=evidence,
        person="vera",
        approved=True,
        reason="Read the slices.",
        created_at=_NOW,
    )


def _contract() -> KpiContract:
    return KpiContract(
        id="churn-kpi-1",
        use_case=_CASE.id,
        revision=1,
        unit="EUR",
        value="CASE WHEN acted THEN 60 * outcome - 10 ELSE 0 END",
        target=0.5,
        guardrails=(KpiLimit("offers", "acted", Bound.AT_MOST, 0.6, "share"),),
        unintended=(),
        holdout_share=0.05,
        holdout_acts=False,
        created_at=_NOW - timedelta(days=2),
    )


def _hand_off() -> HandOff:
    return HandOff("hand-off-1", _VERSION.id, "omar", "omar", "roadworthy rollback offers, then call omar", _NOW)


def _link() -> Change:
    return next_link(
        None,
        at=_NOW,
        actor="omar",
        action="deployment-progressing",
        subject="offers",
        why="deploy churn:1",
        facts={},
    )


def _look() -> RolloutLook:
    return RolloutLook(
        id="offers-d2-look-7",
        deployment=_DEPLOYMENT.id,
        revision=_DEPLOYMENT.revision,
        at=_NOW,
        action="advance",
        reason="safety-proven: Advance at share 0.05: safety is proven, safety E 30.1 against 20.",
        harm_e=0.2,
        safety_e=30.1,
        threshold=20.0,
        failures={"champion": 0, "canary": 0},
        requests={"champion": 7210, "canary": 380},
        share=0.05,
        inputs_digest=sha256(b"what the look saw"),
    )
