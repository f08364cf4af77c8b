"""A small world of real keys, entities and signed envelopes for the evidence tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadworthy.adapters.signing import MemoryKeyring
from roadworthy.domain.gate import Finding, Gate, GateRun, PlannedCheck, Playbook, Step, Waiver
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, ModelVersion, Signature
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.trust import HandOff, Person, Role, SignOff
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
from roadworthy.evidence.bundle import Bundle
from roadworthy.evidence.chain import Checkpoint, checkpoint_of, next_link
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import evidence_id, seal
from roadworthy.evidence.served import Served
from roadworthy.evidence.trust import TrustRoot

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ARTIFACT = b"the bytes of a model"

ROLES = {
    "platform": (Role.PLATFORM,),
    "val": (Role.VALIDATOR,),
    "dev": (Role.DATA_SCIENTIST, Role.VALIDATOR),
    "ops": (Role.OPERATOR,),
    "owner": (Role.BUSINESS_OWNER,),
    "auditor": (Role.AUDITOR,),
}

SIGNATURE = Signature(
    (
        ColumnSpec("age", DType.FP64, low=17.0, high=98.0),
        ColumnSpec("job", DType.BYTES, categories=("admin", "été")),
    )
)
USE_CASE = UseCase(
    id="term-deposit",
    objective="Call the customers who will subscribe",
    owner="owner",
    risk_tier=RiskTier.MEDIUM,
    target="y",
    positive_label="yes",
    label_delay_days=14.0,
    decision_points=(DecisionPoint("call list", DecisionPointKind.PROCESS, "dialler"),),
    created_at=NOW - timedelta(days=30),
)
CONTRACT = KpiContract(
    id="contract-1",
    use_case="term-deposit",
    revision=1,
    unit="EUR",
    value="CASE WHEN acted THEN 80 * outcome - 5 ELSE 0 END",
    target=0.4,
    guardrails=(KpiLimit("calls", "acted", Bound.AT_MOST, 0.3, "share"),),
    unintended=(),
    holdout_share=0.1,
    holdout_acts=False,
    created_at=NOW - timedelta(days=20),
)
VERSION = ModelVersion(
    id="deposit-1",
    use_case="term-deposit",
    name="deposit",
    number=1,
    artifact=sha256(ARTIFACT),
    format=ArtifactFormat.ONNX,
    signature=SIGNATURE,
    threshold=0.35,
    developers=("dev",),
    train_dataset="train-1",
    created_at=NOW - timedelta(days=10),
    state=State.ACTIVATED,
    environment={"scikit-learn": "1.9.1"},
)
PLAYBOOK = Playbook(
    name="standard",
    tier=RiskTier.MEDIUM,
    checks=(PlannedCheck(Step.V2, "beats-baseline", {"min_gain": 0.02}),),
    waivers=(Waiver(Step.V8, "*", "trained elsewhere; accepted once"),),
    digest=sha256(b"playbook"),
)


def finished_run(
    gate: Gate, verdict: Verdict = Verdict.PASS, *, version: str = "deposit-1", at: datetime = NOW
) -> GateRun:
    finding = Finding(
        Step.V2,
        "beats-baseline",
        1,
        verdict,
        "AUC is above the baseline",
        statistic=0.7812345678901234,
        interval=Interval(0.76, 0.8),
        threshold=0.02,
        unit="AUC",
        rows=4119,
        details={"per_slice": [0.5, 1.0, 1e-9]},
    )
    return GateRun(
        id=f"run-{gate.value}",
        version=version,
        gate=gate,
        playbook="standard",
        actor="dev",
        seed=7,
        started_at=at,
        inputs={"artifact": sha256(ARTIFACT), "sealed": sha256(b"sealed")},
        findings=(finding,),
        verdict=verdict,
        finished_at=at + timedelta(minutes=3),
    )


@dataclass
class World:
    """Keys for everybody, and short ways to sign things with them."""

    NOW = NOW
    ARTIFACT = ARTIFACT
    VERSION = VERSION
    USE_CASE = USE_CASE
    CONTRACT = CONTRACT
    PLAYBOOK = PLAYBOOK
    SIGNATURE = SIGNATURE

    keyring: MemoryKeyring = field(default_factory=MemoryKeyring)
    trust: TrustRoot = field(init=False)

    def __post_init__(self) -> None:
        people = []
        for name, roles in ROLES.items():
            key = self.keyring.create(name)
            people.append(Person(name, roles, key.key_id, key.public_key))
        self.trust = TrustRoot(tuple(people))

    def sign(self, statement: dict[str, Any], person: str) -> str:
        return seal(statement, self.keyring.signer(person))

    def gate_run(self, gate: Gate, verdict: Verdict = Verdict.PASS, *, by: str = "platform", **changes: Any) -> str:
        version = replace(VERSION, **changes)
        run = finished_run(gate, verdict, version=version.id)
        return self.sign(
            statements.gate_run_statement(run, version, USE_CASE, PLAYBOOK, tools={"onnxruntime": "1.20"}, now=NOW),
            by,
        )

    def sign_off(self, validation: str, *, by: str = "val", person: str = "", approved: bool = True) -> str:
        entity = SignOff(
            "so-1", VERSION.id, "run-validation", evidence_id(validation), person or by, approved, "sound", NOW
        )
        return self.sign(statements.sign_off_statement(entity, now=NOW), by)

    def contract(self, contract: KpiContract = CONTRACT, *, by: str = "owner") -> str:
        return self.sign(statements.contract_statement(contract, person=by, now=NOW), by)

    def hand_off(self, *, by: str = "ops") -> str:
        entity = HandOff("ho-1", VERSION.id, by, "team dialler", "https://wiki.example/run-book", NOW)
        return self.sign(statements.hand_off_statement(entity, VERSION, now=NOW), by)

    def deployed(self, deployment: Deployment, *, by: str = "ops") -> str:
        return self.sign(statements.deployment_statement(deployment, now=NOW), by)

    def finished(self, gate: Gate, **changes: Any) -> GateRun:
        return replace(finished_run(gate), **changes)

    def checkpoint(self, link: Any, *, by: str = "platform") -> str:
        return self.sign(statements.checkpoint_statement(link, reason="every 100 links", now=NOW), by)

    def deployment(self, **changes: Any) -> Deployment:
        return deployment(**changes)

    def pieces(self) -> dict[str, str]:
        validation = self.gate_run(Gate.VALIDATION)
        return {
            "validation": validation,
            "release": self.gate_run(Gate.RELEASE, Verdict.WARN),
            "activation": self.gate_run(Gate.ACTIVATION),
            "sign-off": self.sign_off(validation),
            "kpi-contract": self.contract(),
            "deployment": self.deployed(deployment()),
        }

    def served(self, *, without: str = "", instead: dict[str, str] | None = None, **changes: Any) -> Served:
        """The complete document, without one piece, or with pieces replaced or added."""
        pieces = {**self.pieces(), **(instead or {})}
        envelopes = tuple(text for name, text in pieces.items() if name != without)
        whole = Served(deployment(), "term-deposit", "contract-1", envelopes)
        return replace(whole, **changes)

    def changes(self, n: int = 5) -> list[Any]:
        links: list[Any] = []
        for i in range(n):
            links.append(  # each link needs the one before it
                next_link(
                    links[-1] if links else None,
                    at=NOW + timedelta(minutes=i),
                    actor="dev",
                    action="register-version",
                    subject="deposit-1",
                    why=f"reason {i}",
                    facts={"share": 0.1 * i, "at": NOW, "tags": ("a", "b")},
                )
            )
        return links

    def bundle(self, *, without: str = "", **changes: Any) -> Bundle:
        links = self.changes()
        pieces = {**self.pieces(), "hand-off": self.hand_off(), "checkpoint": self.checkpoint(links[-1])}
        whole = Bundle(
            use_case=USE_CASE,
            version=VERSION,
            artifact=VERSION.artifact,
            envelopes=tuple(text for name, text in pieces.items() if name != without),
            changes=tuple(links),
            trust=self.trust,
            head=checkpoint_of(links[-1]) if links else Checkpoint(0, ""),
        )
        return replace(whole, **changes)

    def suspended(self, *, by: str = "ops", why: str = "an incident", named: bool = True) -> Bundle:
        """A suspended version; its link gives `why`, and names the statement unless it is of before there were any."""
        before = self.bundle()
        statement = statements.suspension_statement(
            VERSION, person=by, reason="an incident", cause="by hand", now=NOW
        )
        signed = self.sign(statement, by)
        link = next_link(
            before.changes[-1],
            at=NOW,
            actor=by,
            action="suspended",
            subject=VERSION.id,
            why=why,
            facts={"cause": "by hand", **({"evidence": evidence_id(signed)} if named else {})},
        )
        more = (signed, self.checkpoint(link)) if named else (self.checkpoint(link),)
        return replace(
            before,
            version=replace(VERSION, state=State.SUSPENDED),
            envelopes=(*before.envelopes, *more),
            changes=(*before.changes, link),
            head=checkpoint_of(link),
        )


def deployment(**changes: Any) -> Deployment:
    whole = Deployment(
        id="dep-1",
        endpoint="deposit",
        strategy=Strategy.CANARY,
        arms=(
            Arm("champion", ArmRole.CHAMPION, 1.0, VERSION.id, VERSION.artifact, VERSION.threshold, SIGNATURE),
            Arm("hold-out", ArmRole.HOLD_OUT, 0.1),
        ),
        salt="3f2a",
        holdout_acts=False,
        state=DeploymentState.PROGRESSING,
        created_at=NOW,
        created_by="ops",
        schedule=(0.05, 0.25, 1.0),
    )
    return replace(whole, **changes)


@pytest.fixture(scope="session")
def world() -> World:
    """Keys and signing are real; the world is immutable in use, so one serves all tests."""
    return World()
