"""Who did what, and the signed evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    PRIVACY_OFFICER = "privacy-officer"
    ADMINISTRATOR = "administrator"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key a person signed with before: what was signed while it was valid stands.

    From `compromised_since` on, somebody else may have held it. What it signed then does not count, and of what is
    dated earlier only the envelopes whose ids are `proven`: the change record shows that they were there before. A
    date alone proves nothing, as whoever holds the key writes what date they like.
    """

    key_id: str
    public_key: str
    valid_from: datetime | None
    valid_until: datetime
    compromised_since: datetime | None = None
    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormerRole:
    """A role a person held until a moment: what they signed in it before stands."""

    role: Role
    until: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or the platform itself) who acts and signs. `public_key` is PEM, `key_id` names it.

    A signature counts when its statement's time lies within `valid_from` .. `valid_until` (None = no bound). Who is
    not `active` may do nothing any more; what they signed before `valid_until` stands. `former` are the keys before,
    `former_roles` the roles before. Of the `roles`, those in `lent` are held as long as the identity provider says so.
    """

    id: str
    roles: tuple[Role, ...]
    key_id: str
    public_key: str
    active: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    former: tuple[FormerKey, ...] = ()
    lent: tuple[Role, ...] = ()
    former_roles: tuple[FormerRole, ...] = ()

    def held(self, at: datetime) -> frozenset[Role]:
        """The roles in which a signature of that time counts: those of today, and those that ended later."""
        return frozenset(self.roles) | {f.role for f in self.former_roles if at <= f.until}


class EvidenceKind(Enum):
    """What a signed statement is about; the value is the last part of its predicate type."""

    GATE_RUN = "gate-run"
    SIGN_OFF = "sign-off"
    KPI_CONTRACT = "kpi-contract"
    HAND_OFF = "hand-off"
    DEPLOYMENT = "deployment"
    ROLLOUT = "rollout-decision"
    DELEGATION = "delegation"
    CHECKPOINT = "checkpoint"
    DOSSIER = "dossier"
    SUSPENSION = "suspension"
    REINSTATEMENT = "reinstatement"
    RETIREMENT = "retirement"


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
class ApprovalTerms:
    """What an approval takes and how long it lasts; of a playbook's risk tier, signed with every gate run.

    `quorum` distinct independent people approve. It ends `max_age_days` after the first of their signatures, after
    `max_decisions` (None = neither), and, with `void_on_drift`, when a review proves a defect. `reason` says why so.
    """

    quorum: int = 1
    max_age_days: float | None = None
    max_decisions: int | None = None
    void_on_drift: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Licence:
    """What the signatures under a version allow: from when to when, for which rows, for how many decisions.

    `only` maps input columns to the values a row may have there; `until` is the first moment at which it no longer
    holds (None = no end). `signers` are named "taker for giver" where somebody signed in another's place.
    """

    version: str
    since: datetime
    until: datetime | None = None
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    max_decisions: int | None = None
    void_on_drift: bool = False
    signers: tuple[str, ...] = ()
    round: int = 1

    def expired(self, now: datetime) -> bool:
        """Whether it ended, by age or by its condition."""
        return self.until is not None and now >= self.until

    def within(self, other: Licence) -> Licence:
        """This licence, as far as the other one holds too: for what needs both. A count of decisions stays its own."""
        ends = [until for until in (self.until, other.until) if until is not None]
        only = dict(self.only)
        for column, values in other.only.items():
            only[column] = tuple(v for v in only.get(column, values) if v in values)
        return replace(self, until=min(ends, default=None), only=only)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which an approval holds: until a time, and only for rows whose columns have one of the named values.

    "Approved for region north until March" is `until=2027-03-31T..., only={"region": ("north",)}`. The gateway
    enforces both.
    """

    until: datetime | None = None
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delegation:
    """`giver` lets `taker` do `action` in their place until a time, in one use case (empty = in all)."""

    id: str
    giver: str
    taker: str
    action: str
    use_case: str
    reason: str
    created_at: datetime
    until: datetime
    revoked_at: datetime | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True)
class SignOff:
    """A person's yes or no to one gate run; it binds the evidence's digest: new evidence voids it.

    `delegation` names the delegation under which `person` signs for somebody else, if any. Renewals are further
    rounds over the same evidence.
    """

    id: str
    version: str
    gate_run: str
    evidence: str
    person: str
    approved: bool
    reason: str
    created_at: datetime
    statement: str = ""
    conditions: Conditions = field(default_factory=Conditions)
    delegation: str = ""
    round: int = 1


@dataclass(frozen=True, slots=True)
class HandOff:
    """An operator accepts a version into operation: who owns it, what to do at night, and a drill that ran.

    `delegation` names the delegation under which `operator` accepted in somebody else's place, if any.
    """

    id: str
    version: str
    operator: str
    service_owner: str
    run_book: str
    accepted_at: datetime
    statement: str = ""
    delegation: str = ""


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


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token of one person. Only the SHA-256 of its secret is kept; `scopes` are actions (empty = all).

    `last_used_at` is exact to the minute.
    """

    id: str
    person: str
    name: str
    secret_digest: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session: `id` is the SHA-256 of its cookie, `csrf` the SHA-256 of what its forms must carry.

    `means` says how the person proved who they are. It ends at `expires_at`, when nothing was asked for too long
    since `seen_at` (exact to the minute), or at `ended_at`, when somebody logged out.
    """

    id: str
    person: str
    csrf: str
    means: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """Which person an account of an identity provider is; `id` is the SHA-256 of issuer and subject."""

    id: str
    person: str
    issuer: str
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether somebody may do something, and the rules that decided it (their ids)."""

    allowed: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What an identity provider says of whoever logged in there, its signature checked."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """A policy file that was put in force; the newest one decides."""

    id: str
    digest: str
    text: str
    source: str
    actor: str
    created_at: datetime
