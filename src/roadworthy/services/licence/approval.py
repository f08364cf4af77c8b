"""What the signatures under a version's newest validation allow: read from the signed statements, never from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roadworthy.domain.errors import ConflictError, CouldNotVerifyError, IntegrityError, NotFoundError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import ApprovalTerms, Delegation, Evidence, EvidenceKind, Licence, Person, SignOff
from roadworthy.evidence.approval import require_sign_off, terms_of
from roadworthy.evidence.envelope import OpenedStatement
from roadworthy.evidence.licence import open_all
from roadworthy.evidence.trust import TrustRoot


@dataclass(frozen=True, slots=True)
class Approval:
    """Where the approval of a version stands. `licence` is None while too few have signed, or one has refused.

    `terms` are what the newest passed validation demands, `signed` how many signatures of the round under way count
    towards the quorum, `why` says what is missing.
    """

    run: str
    terms: ApprovalTerms
    signed: int
    licence: Licence | None
    why: str = ""


def keys_in(tx: Transaction) -> TrustRoot:
    """Everybody's keys and roles as they stand; whoever asks about many versions reads them once."""
    return TrustRoot(people=tuple(tx.of(Person).find()))


def approval_of(tx: Transaction, version: str, keys: TrustRoot | None = None) -> Approval | None:
    """Where the approval of a version stands, or None before a validation let it through."""
    run = validated(tx, version)
    if run is None:
        return None
    opened = _opened(tx, run, keys or keys_in(tx))
    terms = terms_of(opened[0])
    try:
        licence = require_sign_off(opened, opened[0])
    except CouldNotVerifyError as missing:
        signed = missing.fields.get("signatures", 0)
        return Approval(run.id, terms, signed if isinstance(signed, int) else 0, None, missing.what)
    except IntegrityError as wrong:
        return Approval(run.id, terms, 0, None, wrong.what)
    return Approval(run.id, terms, terms.quorum, licence)


def readable_approval(tx: Transaction, version: str, keys: TrustRoot | None = None) -> tuple[Approval | None, str]:
    """Where the approval of a version stands, or why its evidence cannot be read: for those who only show it."""
    try:
        return approval_of(tx, version, keys), ""
    except (NotFoundError, IntegrityError, CouldNotVerifyError) as problem:
        return None, problem.what


def validated(tx: Transaction, version: str) -> GateRun | None:
    """The newest validation run of a version, when it let the version through: what signatures must bind."""
    runs = tx.of(GateRun).find(version=version, gate=Gate.VALIDATION, newest_first=True, limit=1)
    passed = [r for r in runs if r.evidence and r.verdict is not None and r.verdict.lets_through]
    return passed[0] if passed else None


def papers_of(tx: Transaction, run: GateRun) -> list[str]:
    """The ids of the evidence for the approval of one run: every approval, and the delegations they rest on."""
    signed = [s for s in tx.of(SignOff).find(gate_run=run.id) if s.approved]
    delegations = dict.fromkeys(s.delegation for s in signed if s.delegation)
    found = [s.statement for s in signed]
    for name in delegations:
        subject = tx.of(Evidence).get(tx.of(Delegation).get(name).statement).subject
        found += [e.id for e in tx.of(Evidence).find(kind=EvidenceKind.DELEGATION, subject=subject)]
    return found


def require_current(tx: Transaction, version: str, now: datetime) -> Licence:
    """The licence of a version, when it holds now.

    Raises:
        ConflictError: it is missing, or has ended; says what is missing, or since when.
    """
    approval = approval_of(tx, version)
    licence = approval.licence if approval else None
    if licence is None:
        why = approval.why if approval else "no validation let it through"
        raise ConflictError(
            f"{version} is not approved: {why}", remedy="Validators sign its newest validation.", version=version
        )
    if licence.until is not None and licence.expired(now):
        raise ConflictError(
            f"the approval of {version} ended at {licence.until.isoformat()}",
            remedy=f"Validators renew it: `roadworthy licence renew {version}`.",
            version=version,
        )
    return licence


def _opened(tx: Transaction, run: GateRun, keys: TrustRoot) -> tuple[OpenedStatement, ...]:
    """The run's statement, then those of all sign-offs about it, rejections too, and of their delegations."""
    rejected = [s.statement for s in tx.of(SignOff).find(gate_run=run.id) if not s.approved]
    names = dict.fromkeys([run.evidence, *papers_of(tx, run), *rejected])
    envelopes = [tx.of(Evidence).get(name).envelope for name in names]
    # Without a clock: whether something is dated ahead of it is for whoever loads; here it is only read.
    return open_all(envelopes, keys, now=None)
