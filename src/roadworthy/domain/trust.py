"""Who did what, and the signed evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any


class Role(Enum):
    """What a person may do; the policy file says exactly which actions."""

    DATA_SCIENTIST = "data-scientist"
    VALIDATOR = "validator"
    RISK_REVIEWER = "risk-reviewer"
    OPERATOR = "operator"
    BUSINESS_OWNER = "business-owner"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or the platform itself) who acts and signs. `public_key` is PEM, `key_id` names it."""

    id: str
    roles: tuple[Role, ...]
    key_id: str
    public_key: str


class EvidenceKind(Enum):
    """What a signed statement is about; the value is the last part of its predicate type."""

    GATE_RUN = "gate-run"
    SIGN_OFF = "sign-off"
    KPI_CONTRACT = "kpi-contract"
    HAND_OFF = "hand-off"
    DEPLOYMENT = "deployment"
    ROLLOUT = "rollout-decision"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signed in-toto Statement in its DSSE envelope (JSON text), named by the SHA-256 of the envelope.

    `subject` is the digest the statement is about, `version` the model version it concerns (empty for a contract).
    """

    id: str
    kind: EvidenceKind
    subject: str
    version: str
    signer: str
    envelope: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SignOff:
    """A person's yes or no to one gate run; it binds the evidence's digest: new evidence voids it."""

    id: str
    version: str
    gate_run: str
    evidence: str
    person: str
    approved: bool
    reason: str
    created_at: datetime
    statement: str = ""


@dataclass(frozen=True, slots=True)
class HandOff:
    """An operator accepts a version into operation: who owns it, what to do at night, and a drill that ran."""

    id: str
    version: str
    operator: str
    service_owner: str
    run_book: str
    accepted_at: datetime
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One link of the change record. `digest` = SHA-256 of the canonical bytes of all other fields."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    why: str
    previous: str
    digest: str
    facts: dict[str, Any] = field(default_factory=dict)
