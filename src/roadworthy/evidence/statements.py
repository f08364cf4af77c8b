"""What is signed: in-toto Statements (v1), one builder per kind of evidence.

A statement says of a subject (a digest) that a predicate holds. The predicate repeats everything a verifier
needs without our server: thresholds, input digests, tool versions, who and when. Builders are pure;
`envelope.seal` signs.

References:
    in-toto Attestation Framework, spec/v1/statement.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from roadworthy.domain.errors import ConflictError, CouldNotVerifyError, DataError
from roadworthy.domain.gate import GateRun, Playbook
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion, Signature
from roadworthy.domain.serving import Arm, Deployment, RolloutLook
from roadworthy.domain.trust import Change, Delegation, EvidenceKind, HandOff, SignOff
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import to_json
from roadworthy.evidence.digest import digest_json, digest_of, is_digest
from roadworthy.evidence.predicates import predicate_type

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

Statement = dict[str, Any]


def gate_run_statement(
    run: GateRun,
    version: ModelVersion,
    use_case: UseCase,
    playbook: Playbook,
    *,
    tools: Mapping[str, str],
    now: datetime,
    makers: Sequence[str] = (),
) -> Statement:
    """Says of the artifact what one finished gate run found, and with which thresholds, data and tools.

    Args:
        run: a finished run of `version`.
        version: what was judged; its developers, threshold and signature are repeated, so that what is served
            can be compared with what was judged.
        use_case: the use case of the version.
        playbook: the playbook in force; its waivers are repeated with their reasons, and what it demands of an
            approval.
        tools: library -> version.
        makers: who developed the version or one it descends from: nobody of them may approve it.
        now: time of signing, UTC.

    Raises:
        ConflictError: the run has no verdict yet.
        DataError: the run is about another version, or the version belongs to another use case.
    """
    verdict, finished_at = _concluded(run, version, use_case)
    predicate = {
        "gate_run": run.id,
        "gate": run.gate.value,
        "verdict": verdict.value,
        "version": version.id,
        "version_digest": version_digest(version),
        "use_case": use_case.id,
        "use_case_digest": digest_of(use_case),
        "model": {"name": version.name, "number": version.number, "format": version.format.value},
        "threshold": version.threshold,
        "signature_digest": signature_digest(version.signature),
        **({"files": version.files} if version.files else {}),
        "developers": list(version.developers),
        "makers": sorted({*version.developers, *makers}),
        "approval": to_json(playbook.approval),
        "actor": run.actor,
        "seed": run.seed,
        "inputs": dict(run.inputs),
        "playbook": {"name": playbook.name, "tier": playbook.tier.value, "digest": playbook.digest},
        "checks": to_json(playbook.checks),
        "waivers": to_json(playbook.waivers),
        "findings": to_json(run.findings),
        "tools": dict(tools),
        "started_at": _utc(run.started_at, "started_at"),
        "finished_at": _utc(finished_at, "finished_at"),
        **({"ending": to_json(run.ending)} if run.ending else {}),
    }
    return _statement(EvidenceKind.GATE_RUN, f"artifact of {version.id}", version.artifact, predicate, now)


def sign_off_statement(sign_off: SignOff, *, now: datetime) -> Statement:
    """Says of one gate run's evidence (its envelope's digest) that a person approves or rejects it, and why."""
    predicate = {
        "sign_off": sign_off.id,
        "gate_run": sign_off.gate_run,
        "version": sign_off.version,
        "person": sign_off.person,
        "approved": sign_off.approved,
        "reason": sign_off.reason,
        "conditions": to_json(sign_off.conditions),
        "delegation": sign_off.delegation,
        "round": sign_off.round,
    }
    return _statement(EvidenceKind.SIGN_OFF, f"gate run {sign_off.gate_run}", sign_off.evidence, predicate, now)


def delegation_statement(delegation: Delegation, *, now: datetime) -> Statement:
    """Says that the giver lets the taker act in their place, or (with `revoked_at`) that this has ended.

    Both are about the delegation as it was granted, so that a revocation is found with it.
    """
    predicate = {"delegation": to_json(replace(delegation, statement=""))}
    subject = digest_of(granted(delegation))
    return _statement(EvidenceKind.DELEGATION, f"delegation {delegation.id}", subject, predicate, now)


def granted(delegation: Delegation) -> Delegation:
    """A delegation as it was when it was granted."""
    return replace(delegation, statement="", revoked_at=None)


def contract_statement(contract: KpiContract, *, person: str, now: datetime) -> Statement:
    """Says that a business owner agrees to this KPI contract; the predicate embeds it whole."""
    embedded = contract_json(contract)
    predicate = {"contract": embedded, "use_case": contract.use_case, "person": person}
    return _statement(EvidenceKind.KPI_CONTRACT, f"contract {contract.id}", digest_json(embedded), predicate, now)


def hand_off_statement(hand_off: HandOff, version: ModelVersion, *, now: datetime) -> Statement:
    """Says that an operator accepts the version into operation, with owner, run book and drill."""
    if hand_off.version != version.id:
        raise DataError(
            f"hand-off {hand_off.id} is about version {hand_off.version}, not {version.id}",
            remedy="Pass the version that was handed over.",
            field="version",
        )
    predicate = {"hand_off": hand_off_json(hand_off), "version": version.id, "use_case": version.use_case}
    return _statement(EvidenceKind.HAND_OFF, f"artifact of {version.id}", version.artifact, predicate, now)


def hand_off_json(hand_off: HandOff) -> dict[str, Any]:
    """A hand-off as it is signed; `delegation` is left out where there is none, as before there were any."""
    whole: dict[str, Any] = to_json(replace(hand_off, statement=""))
    return {k: v for k, v in whole.items() if k != "delegation" or v}


def deployment_statement(deployment: Deployment, *, now: datetime) -> Statement:
    """Says that exactly this deployment is put into force; the predicate embeds it (without its `statement`)."""
    embedded = deployment_json(unsigned(deployment))
    name = f"deployment {deployment.id} revision {deployment.revision}"
    predicate = {"deployment": embedded, "versions": [a.version for a in deployment.arms if a.version]}
    return _statement(EvidenceKind.DEPLOYMENT, name, digest_json(embedded), predicate, now)


def rollout_statement(look: RolloutLook, deployment: Deployment, *, now: datetime) -> Statement:
    """Says what one look of the stopping rule decided about a deployment, with all numbers of the decision."""
    if look.deployment != deployment.id or look.revision != deployment.revision:
        raise DataError(
            f"look {look.id} is about {look.deployment} revision {look.revision},"
            f" not {deployment.id} revision {deployment.revision}",
            remedy="Pass the deployment the look was taken at.",
            field="deployment",
        )
    bare = unsigned(deployment)
    name = f"deployment {deployment.id} revision {deployment.revision}"
    predicate = {"look": to_json(look), "versions": [a.version for a in bare.arms if a.version]}
    return _statement(EvidenceKind.ROLLOUT, name, digest_json(deployment_json(bare)), predicate, now)


def suspension_statement(
    version: ModelVersion, *, person: str, reason: str, cause: str, now: datetime
) -> Statement:
    """Says of the artifact that an activated version is taken out of service, by whom and for what cause."""
    return _standing(EvidenceKind.SUSPENSION, version, person, reason, now, cause=cause)


def reinstatement_statement(
    version: ModelVersion, *, person: str, reason: str, sign_off: str, now: datetime
) -> Statement:
    """Says of the artifact that a suspended version may serve again, and by which renewal if by one."""
    return _standing(EvidenceKind.REINSTATEMENT, version, person, reason, now, sign_off=sign_off)


def retirement_statement(version: ModelVersion, *, person: str, reason: str, now: datetime) -> Statement:
    """Says of the artifact that the version's life has ended."""
    return _standing(EvidenceKind.RETIREMENT, version, person, reason, now)


def _standing(
    kind: EvidenceKind, version: ModelVersion, person: str, reason: str, now: datetime, **more: str
) -> Statement:
    """`version` is as it was before: its state is stated."""
    predicate = {
        "version": version.id,
        "version_digest": version_digest(version),
        "use_case": version.use_case,
        "person": person,
        "reason": reason,
        "before": version.state.value,
        **more,
    }
    return _statement(kind, f"artifact of {version.id}", version.artifact, predicate, now)


def checkpoint_statement(head: Change, *, reason: str, now: datetime) -> Statement:
    """Says where the change record stood: the number and digest of its newest link, and why just now."""
    predicate = {"seq": head.seq, "digest": head.digest, "reason": reason}
    return _statement(EvidenceKind.CHECKPOINT, f"link {head.seq} of the change record", head.digest, predicate, now)


def contract_json(contract: KpiContract) -> dict[str, Any]:
    """A contract as it is signed: fields that say nothing are left out.

    A contract signed before there were such fields keeps the digest its owner signed.
    """
    whole: dict[str, Any] = to_json(contract)
    later = ("label_delay_days", "why", "changes")
    return {k: v for k, v in whole.items() if k not in later or v not in (None, "", [], ())}


def contract_digest(contract: KpiContract) -> str:
    """The digest a contract's signature is about."""
    return digest_json(contract_json(contract))


def dossier_statement(
    version: ModelVersion,
    *,
    files: Mapping[str, str],
    problems: Sequence[str],
    head: Change | None,
    person: str,
    now: datetime,
) -> Statement:
    """Says of a dossier's files, by name and SHA-256, that they tell one version's record as it stood.

    Args:
        version: whose dossier it is.
        files: file name -> SHA-256; the subject is the digest of this object.
        problems: what did not verify in the record; none: the record holds.
        head: the newest link of the change record that was told.
        person: who asked for it.
        now: when the record was read, UTC.
    """
    predicate = {
        "version": version.id,
        "use_case": version.use_case,
        "artifact": version.artifact,
        "files": dict(files),
        "verified": not problems,
        "problems": list(problems),
        "head": {"seq": head.seq, "digest": head.digest} if head else None,
        "person": person,
    }
    return _statement(EvidenceKind.DOSSIER, f"dossier of {version.id}", digest_json(dict(files)), predicate, now)


def version_digest(version: ModelVersion) -> str:
    """The digest of everything in a version that never moves (all but its `state`)."""
    return digest_json(version_json(replace(version, state=State.REGISTERED)))


def version_json(version: ModelVersion) -> dict[str, Any]:
    """A version as it is digested: `files` and `members` are left out where there are none."""
    whole: dict[str, Any] = {**to_json(version), "signature": signature_json(version.signature)}
    return {k: v for k, v in whole.items() if k not in ("files", "members") or v}


def signature_json(signature: Signature) -> dict[str, Any]:
    """A signature as it is digested: what was not declared is left out, as before anything could be."""
    whole: dict[str, Any] = to_json(signature)
    return {k: v for k, v in whole.items() if k not in ("limits", "ignore_unknown") or v}


def signature_digest(signature: Signature) -> str:
    """The digest by which a gate run names the signature it judged."""
    return digest_json(signature_json(signature))


def deployment_json(deployment: Deployment) -> dict[str, Any]:
    """A deployment as it is signed; what it or its arms do not have or declare is left out."""
    whole = {k: v for k, v in to_json(deployment).items() if k != "protection" or v}
    return {**whole, "arms": [_arm_json(arm) for arm in deployment.arms]}


def _arm_json(arm: Arm) -> dict[str, Any]:
    whole: dict[str, Any] = to_json(arm)
    if arm.signature is not None:
        whole["signature"] = signature_json(arm.signature)
    return {k: v for k, v in whole.items() if k not in ("files", "members") or v}


def unsigned(deployment: Deployment) -> Deployment:
    """The deployment as it is signed: `statement` names its own evidence, so it cannot be part of it."""
    return replace(deployment, statement="")


def check_statement(value: object) -> Statement:
    """The value, when it has the form of a statement of ours.

    Raises:
        CouldNotVerifyError: it has not; names the field.
    """
    if not isinstance(value, dict):
        raise _malformed("it is not a JSON object")
    if value.get("_type") != STATEMENT_TYPE:
        raise _malformed(f"`_type` is {str(value.get('_type'))[:80]!r}, allowed is '{STATEMENT_TYPE}'")
    if not isinstance(value.get("predicate"), dict):
        raise _malformed("`predicate` is not an object")
    subject = value.get("subject")
    first = subject[0] if isinstance(subject, list) and len(subject) == 1 else None
    digest = first.get("digest") if isinstance(first, dict) else None
    if not isinstance(digest, dict) or not is_digest(digest.get("sha256")):
        raise _malformed("`subject` is not one object with a SHA-256 digest")
    kind_of(value)
    return value


def kind_of(statement: Statement) -> EvidenceKind:
    """Which kind of evidence a statement is.

    Raises:
        CouldNotVerifyError: its predicate type is not one of ours.
    """
    stated = statement.get("predicateType")
    for kind in EvidenceKind:
        if stated == predicate_type(kind):
            return kind
    allowed = ", ".join(predicate_type(k) for k in EvidenceKind)
    raise _malformed(f"`predicateType` is {str(stated)[:80]!r}, allowed are {allowed}")


def _concluded(run: GateRun, version: ModelVersion, use_case: UseCase) -> tuple[Verdict, datetime]:
    if run.verdict is None or run.finished_at is None:
        raise ConflictError(
            f"gate run {run.id} is still running", remedy="Sign it after it has concluded.", gate_run=run.id
        )
    if run.version != version.id:
        raise DataError(
            f"gate run {run.id} is about version {run.version}, not {version.id}",
            remedy="Pass the version the run judged.",
            field="version",
        )
    if version.use_case != use_case.id:
        raise DataError(
            f"version {version.id} belongs to use case {version.use_case}, not {use_case.id}",
            remedy="Pass the use case of the version.",
            field="use_case",
        )
    return run.verdict, run.finished_at


def _statement(kind: EvidenceKind, name: str, digest: str, predicate: dict[str, Any], now: datetime) -> Statement:
    if not is_digest(digest):
        raise DataError(
            f"the subject of a {kind.value} statement, '{digest[:80]}', is not a SHA-256",
            remedy="Give 64 lower-case hex digits.",
            field="subject",
        )
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": predicate_type(kind),
        "predicate": {**predicate, "at": _utc(now, "now")},
    }


def _utc(moment: datetime, field: str) -> str:
    if moment.tzinfo is None:
        raise DataError(
            f"`{field}` has no time zone", remedy="Pass a timezone-aware UTC time.", field=field, value=str(moment)
        )
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _malformed(why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the signed payload is not an in-toto Statement this version understands: {why}",
        remedy="Check which program signed it.",
        piece="statement",
    )
