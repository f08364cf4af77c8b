"""What evidence a version needs before it may serve, one rule per piece.

Each rule takes opened statements (signatures already checked) and returns the statement it found, or refuses and
names the piece. `served.py` applies them to what a gateway is about to load, `bundle.py` to an archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadworthy.domain.errors import CouldNotVerifyError, DataError, DigestMismatchError, IntegrityError
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion, Signature
from roadworthy.domain.serving import Arm, Deployment
from roadworthy.domain.trust import Change, EvidenceKind, Role
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.digest import digest_json
from roadworthy.evidence.envelope import OpenedStatement, claimed_kind, open_envelope
from roadworthy.evidence.statements import deployment_json, signature_digest, unsigned
from roadworthy.evidence.trust import TrustRoot

SIGNERS: dict[EvidenceKind, tuple[Role, ...]] = {
    EvidenceKind.GATE_RUN: (Role.PLATFORM,),
    EvidenceKind.SIGN_OFF: (Role.VALIDATOR,),
    EvidenceKind.KPI_CONTRACT: (Role.BUSINESS_OWNER,),
    EvidenceKind.HAND_OFF: (Role.OPERATOR, Role.ADMINISTRATOR),
    EvidenceKind.DEPLOYMENT: (Role.OPERATOR, Role.ADMINISTRATOR, Role.PLATFORM),
    EvidenceKind.ROLLOUT: (Role.PLATFORM, Role.OPERATOR, Role.ADMINISTRATOR),
    EvidenceKind.DELEGATION: (Role.VALIDATOR, Role.OPERATOR, Role.ADMINISTRATOR),
    EvidenceKind.CHECKPOINT: (Role.PLATFORM,),
    EvidenceKind.DOSSIER: (Role.PLATFORM,),
    EvidenceKind.SUSPENSION: tuple(r for r in Role if r is not Role.AUDITOR),
    EvidenceKind.REINSTATEMENT: (Role.RISK_REVIEWER, Role.OPERATOR, Role.ADMINISTRATOR, Role.PLATFORM),
    EvidenceKind.RETIREMENT: (Role.BUSINESS_OWNER, Role.RISK_REVIEWER, Role.OPERATOR, Role.ADMINISTRATOR),
}
"""Which roles may sign which kind of evidence."""

STANDING = {
    "suspended": EvidenceKind.SUSPENSION,
    "reinstated": EvidenceKind.REINSTATEMENT,
    "retired": EvidenceKind.RETIREMENT,
}
"""Actions of the change record that move a version in or out of service, and the statement each is signed as."""

ACTIVATED = f"{Gate.ACTIVATION.value}-concluded"
"""The action of a finished activation gate: a suspended version may take the whole road again."""

_PASSING = {v.value for v in Verdict if v.lets_through}


@dataclass(frozen=True)
class Claim:
    """What is about to be believed of one version; every field must agree with the signed gate runs."""

    version: str
    artifact: str
    use_case: str
    threshold: float
    signature: Signature | None
    files: str = ""


def claim_of_arm(arm: Arm, use_case: str) -> Claim:
    """What a deployment's arm claims."""
    return Claim(arm.version, arm.artifact, use_case, arm.threshold, arm.signature, arm.files)


def claim_of_version(version: ModelVersion) -> Claim:
    """What a registered version claims."""
    return Claim(
        version.id, version.artifact, version.use_case, version.threshold, version.signature, version.files
    )


def open_all(envelopes: Sequence[str], trust: TrustRoot, *, now: datetime | None) -> tuple[OpenedStatement, ...]:
    """Every envelope, opened; one that does not open refuses them all, with its place and what it says it is.

    Raises:
        SignatureWrongError, ExpiredSignatureError, CouldNotVerifyError: see `envelope.open_envelope`.
        IntegrityError: signed by a role that may not sign this kind, or the same envelope twice.
    """
    opened = tuple(
        _open(text, f"envelope {n} of {len(envelopes)}", trust, now) for n, text in enumerate(envelopes, 1)
    )
    if len({o.id for o in opened}) < len(opened):
        raise refused("envelopes", "the same envelope is there twice", "Carry each envelope once.")
    for one in opened:
        check_signer(one)
    return opened


def _open(text: str, place: str, trust: TrustRoot, now: datetime | None) -> OpenedStatement:
    try:
        return open_envelope(text, trust, now=now)
    except IntegrityError as error:
        said = claimed_kind(text)
        fields = {**error.fields, "piece": said, "envelope": place}
        raise type(error)(f"{place} ({said}): {error.what}", remedy=error.remedy, **fields) from error


def check_signer(opened: OpenedStatement) -> None:
    """The signer held a role that may sign this kind when they signed it. Raises IntegrityError.

    Who signs off or accepts in somebody else's place need not hold the role: `approval.py` judges the delegation.
    """
    allowed = SIGNERS[opened.kind]
    if delegation_of(opened):
        return
    if not set(allowed) & opened.person.held(opened.at):
        names = " or ".join(r.value for r in allowed)
        raise refused(
            opened.kind.value,
            f"the {opened.kind.value} statement is signed by {opened.person.id}, who is no {names}",
            f"Let a {names} sign it.",
            person=opened.person.id,
        )


def delegation_of(opened: OpenedStatement) -> str:
    """The delegation that a sign-off or a hand-off names; empty for what its signer says in their own place."""
    if opened.kind is EvidenceKind.SIGN_OFF:
        return str(opened.predicate.get("delegation", ""))
    if opened.kind is EvidenceKind.HAND_OFF:
        return str(_inside(opened, "hand_off", "delegation") or "")
    return ""


def gate_runs(opened: Sequence[OpenedStatement], version: str, gate: Gate) -> tuple[OpenedStatement, ...]:
    """The gate-run statements about one version and gate, oldest first."""
    runs = [
        o
        for o in opened
        if o.kind is EvidenceKind.GATE_RUN and o.fact("version") == version and o.fact("gate") == gate.value
    ]
    return tuple(sorted(runs, key=lambda o: str(o.fact("finished_at"))))


def require_passed(run: OpenedStatement, claim: Claim) -> None:
    """A gate run let exactly this version through.

    Raises:
        DigestMismatchError: the run judged another artifact.
        IntegrityError: its verdict is not pass or warn, or threshold, signature or use case differ from the claim.
    """
    piece = str(run.fact("gate"))
    who = f"the {piece} run of version {claim.version}"
    if run.subject != claim.artifact:
        raise DigestMismatchError(
            f"{who} judged artifact {run.subject[:12]}..., not {claim.artifact[:12]}...",
            remedy="Serve the artifact that was judged, or judge this one.",
            piece=piece,
            version=claim.version,
        )
    if run.fact("verdict") not in _PASSING:
        raise refused(
            piece, f"{who} ended with '{run.fact('verdict')}'", "Only pass and warn let a version through."
        )
    stated: dict[str, tuple[object, object]] = {
        "files": (run.predicate.get("files", ""), claim.files),
        "use_case": (run.fact("use_case"), claim.use_case),
        "threshold": (run.fact("threshold"), claim.threshold),
    }
    if claim.signature is not None:
        stated["signature_digest"] = (run.fact("signature_digest"), signature_digest(claim.signature))
    for name, (judged, claimed) in stated.items():
        if judged != claimed:
            raise refused(
                piece,
                f"{who} was about {name} {str(judged)[:80]!r}, claimed is {str(claimed)[:80]!r}",
                "Serve what was judged, or judge what is to be served.",
                field=name,
            )


def require_contract(opened: Sequence[OpenedStatement], contract_id: str, use_case: str) -> dict[str, Any]:
    """The signed KPI contract with this id, about this use case; returns it as JSON.

    Raises:
        CouldNotVerifyError: there is none.
        DigestMismatchError: the signature is over another contract than the one embedded.
        IntegrityError: it belongs to another use case.
    """
    found = [
        o for o in opened if o.kind is EvidenceKind.KPI_CONTRACT and _inside(o, "contract", "id") == contract_id
    ]
    signed = only(found, "kpi-contract", f"KPI contract {contract_id or '(no id given)'}")
    contract: dict[str, Any] = signed.fact("contract")
    if signed.subject != digest_json(contract):
        raise DigestMismatchError(
            f"the signature on KPI contract {contract_id} is over another contract",
            remedy="Sign the contract again.",
            piece="kpi-contract",
        )
    if contract.get("use_case") != use_case:
        raise refused(
            "kpi-contract",
            f"KPI contract {contract_id} is about use case '{contract.get('use_case')}', not '{use_case}'",
            "Use the contract of this use case.",
        )
    return contract


def require_deployment(opened: Sequence[OpenedStatement], deployment: Deployment) -> OpenedStatement:
    """The one deployment statement there is embeds exactly this deployment.

    Raises:
        CouldNotVerifyError: there is none.
        DigestMismatchError: it is about another one, or another revision or content of this one.
    """
    found = [o for o in opened if o.kind is EvidenceKind.DEPLOYMENT]
    signed = only(found, "deployment", f"signed deployment {deployment.id}")
    bare = deployment_json(unsigned(deployment))
    same = canonical(signed.fact("deployment")) == canonical(bare) and signed.subject == digest_json(bare)
    if not same or deployment.statement not in ("", signed.id):
        raise DigestMismatchError(
            f"deployment {deployment.id} revision {deployment.revision} is not the one {signed.person.id} signed",
            remedy="Publish the deployment that was signed, or sign this one.",
            piece="deployment",
        )
    return signed


def require_standing(
    opened: Sequence[OpenedStatement], changes: Sequence[Change], version: ModelVersion
) -> tuple[OpenedStatement, ...]:
    """What suspended, reinstated and retired a version: links and statements tell the same, and fit its state.

    Links from before there were such statements name none: they count by themselves.

    Raises:
        CouldNotVerifyError: a link names a statement that is not here, or nothing says why the version is suspended
            or retired.
        IntegrityError: a statement says something else than its link, no link names it, or the state contradicts
            what was told last.
    """
    told = [c for c in changes if c.subject == version.id and c.action in STANDING]
    known = {o.id: o for o in opened if o.kind in STANDING.values()}
    named = {str(c.facts["evidence"]): c for c in told if "evidence" in c.facts}
    for name, link in named.items():
        _refuse_unlike(known.get(name), link)
    for name, statement in known.items():
        if name not in named:
            piece = statement.kind.value
            raise refused(piece, f"no link of the change record names the {piece} {name[:12]}...", "Export again.")
    since = told[-1].seq if told else 0
    anew = any(c.action == ACTIVATED and c.subject == version.id and c.seq > since for c in changes)
    _refuse_state(told, anew, version)
    return tuple(known[name] for name in named)


def _refuse_unlike(statement: OpenedStatement | None, link: Change) -> None:
    kind = STANDING[link.action]
    if statement is None:
        raise CouldNotVerifyError(
            f"missing: the {kind.value} that link {link.seq} names",
            remedy="Add its envelope; missing evidence is never a pass.",
            piece=kind.value,
        )
    said = (statement.kind, statement.person.id, statement.fact("person"), statement.fact("reason"))
    if said != (kind, link.actor, link.actor, link.why):
        raise refused(kind.value, f"the {kind.value} of link {link.seq} says something else", "Export it again.")


def _refuse_state(told: Sequence[Change], anew: bool, version: ModelVersion) -> None:
    """The state fits what was told last; `anew`: an activation gate concluded after it."""
    last = told[-1].action if told else ""
    fits = {
        State.SUSPENDED: last == "suspended",
        State.RETIRED: last == "retired",
        State.ACTIVATED: last in ("", "reinstated") or (last == "suspended" and anew),
    }.get(version.state, last != "retired")
    if fits:
        return
    if not last:
        raise CouldNotVerifyError(
            f"nothing here says why version {version.id} is {version.state.value}",
            remedy="Export the bundle again, with the change record.",
            piece="state",
        )
    raise refused(
        "state", f"version {version.id} is {version.state.value}, and was {last} last", "Export it again."
    )


def only(found: Sequence[OpenedStatement], piece: str, what: str) -> OpenedStatement:
    """The one statement found. Raises CouldNotVerifyError for none, IntegrityError for several."""
    if not found:
        raise CouldNotVerifyError(
            f"missing: {what}", remedy="Add its envelope; missing evidence is never a pass.", piece=piece
        )
    if len(found) > 1:
        raise refused(piece, f"there are {len(found)} envelopes for the {what}", "Carry the one that counts.")
    return found[0]


def refused(piece: str, what: str, remedy: str, **fields: object) -> IntegrityError:
    """The error for a piece of evidence that is genuine but does not say what is needed."""
    return IntegrityError(what, remedy=remedy, piece=piece, **fields)


@contextmanager
def guarded(piece: str) -> Iterator[None]:
    """Rules over signed but foreign data: a shape no rule expects is a refusal, never another exception.

    Raises:
        CouldNotVerifyError: the data has no shape this version knows.
    """
    try:
        yield
    except (DataError, TypeError, AttributeError, KeyError) as error:
        raise CouldNotVerifyError(
            f"the {piece} evidence has a shape this version does not know: {error}",
            remedy="Verify it with the version of Roadworthy that wrote it.",
            piece=piece,
        ) from error


def _inside(opened: OpenedStatement, outer: str, inner: str) -> object:
    value = opened.fact(outer)
    return value.get(inner) if isinstance(value, dict) else None
