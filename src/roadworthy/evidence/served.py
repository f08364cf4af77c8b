"""What the control plane publishes for an endpoint, and the rule a gateway applies before it loads anything.

One document carries the deployment and all evidence for it: binary authorization for models. The gateway needs
the document, its own trust root and nothing else; it serves on when the control plane is down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState
from roadworthy.domain.trust import EvidenceKind, Licence
from roadworthy.evidence.approval import require_sign_off
from roadworthy.evidence.canonical import canonical, parse_canonical, to_json
from roadworthy.evidence.envelope import OpenedStatement
from roadworthy.evidence.licence import (
    Claim,
    claim_of_arm,
    gate_runs,
    guarded,
    only,
    open_all,
    refused,
    require_contract,
    require_deployment,
    require_passed,
)
from roadworthy.evidence.statements import deployment_json
from roadworthy.evidence.trust import TrustRoot

FORMAT = "roadworthy.served/1"


@dataclass(frozen=True, slots=True)
class Served:
    """The document for one endpoint. `envelopes` are DSSE texts: the deployment's, for every version its three
    gate runs and the sign-off, and the KPI contract's when `contract_id` is not empty.
    """

    deployment: Deployment
    use_case: str
    contract_id: str
    envelopes: tuple[str, ...]
    format: str = FORMAT


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a document's signatures allow, found in one opening of its envelopes.

    `playbooks` are those its gate runs were judged by: digest -> "name (gate)". Whoever loads checks that the bytes
    named by each digest are there: thresholds nobody can read prove nothing.
    """

    licences: tuple[Licence, ...]
    playbooks: dict[str, str]


def encode_served(served: Served) -> bytes:
    """The document's bytes: canonical JSON, so that no byte can change unnoticed."""
    return canonical({**to_json(served), "deployment": deployment_json(served.deployment)})


def decode_served(data: bytes) -> Served:
    """The document from its bytes; says nothing yet about its evidence: see `verify_served`.

    Raises:
        CouldNotVerifyError: not canonical JSON, another format, a missing, unknown or ill-typed field.
    """
    value = parse_canonical(data, "the served document")
    stated = value.get("format") if isinstance(value, dict) else None
    if stated != FORMAT:
        raise _unreadable(f"its format is {str(stated)[:80]!r}, allowed is '{FORMAT}'")
    try:
        served = msgspec.convert(value, Served)
    except msgspec.ValidationError as error:
        raise _unreadable(str(error)[:300]) from error
    if encode_served(served) != data:
        raise _unreadable("it has fields or spellings this version does not know")
    return served


def verify_served(
    served: Served, trust: TrustRoot, *, endpoint: str | None = None, now: datetime | None
) -> Admitted:
    """Everything in the document may be loaded and served; otherwise refuse, naming the piece.

    Holds when: every envelope opens against `trust`, signed by a role that may; the deployment statement embeds
    exactly this deployment; each version has one validation, release and activation run about exactly this
    artifact, version, threshold, signature and use case, with verdict pass or warn; the quorum it
    demands of independent people approved it (see `approval.py`), and likewise the validation of each member of a
    composition; and, when units are held out, a business owner signed the contract that allows that share and that
    treatment.

    That a licence has ended does not make the document wrong: whoever serves keeps to the licences it returns.

    Args:
        served: a decoded document.
        trust: the gateway's own trust root.
        endpoint: the endpoint it was published for, when known: a document of another endpoint is refused.
        now: the verifier's time, UTC; see `open_envelope`.

    Returns:
        What the signatures allow each served version to do, and by which playbooks it was judged.

    Raises:
        IntegrityError: or one of its kinds (wrong or expired signature, other digest, could not verify);
            `fields["piece"]` names what is wrong or missing.
    """
    deployment = served.deployment
    if endpoint is not None and deployment.endpoint != endpoint:
        raise refused(
            "document",
            f"the document is for endpoint '{deployment.endpoint}', not '{endpoint}'",
            "Publish it again.",
        )
    opened = open_all(served.envelopes, trust, now=now)
    with guarded("deployment"):
        _verify_deployment(opened, deployment)
    own = {claim.version: verify_version(opened, claim) for claim in _claims(served)}
    licences = tuple(_with_members(opened, served, licence) for licence in own.values())
    with guarded("kpi-contract"):
        _verify_holdout(opened, served)
    return Admitted(licences, _named_playbooks(opened))


def _named_playbooks(opened: tuple[OpenedStatement, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for run in opened:
        if run.kind is EvidenceKind.GATE_RUN:
            with guarded("playbook"):
                playbook = run.fact("playbook")
                found.setdefault(str(playbook["digest"]), f"{playbook['name']} ({run.fact('gate')})")
    return found


def verify_version(opened: tuple[OpenedStatement, ...], claim: Claim) -> Licence:
    """What one version may do: one passed run per gate, and enough sign-offs. Raises as `verify_served`."""
    runs = {}
    for gate in Gate:
        with guarded(gate.value):
            found = gate_runs(opened, claim.version, gate)
            runs[gate] = only(found, gate.value, f"{gate.value} run of version {claim.version}")
            require_passed(runs[gate], claim)
    with guarded("sign-off"):
        return require_sign_off(opened, runs[Gate.VALIDATION])


def _with_members(opened: tuple[OpenedStatement, ...], served: Served, licence: Licence) -> Licence:
    """A version's licence, within those of its members: each was validated and approved as it is in the composition."""
    members = {m for arm in served.deployment.arms if arm.version == licence.version for m in arm.members}
    for member in sorted(members, key=lambda m: m.version):
        claim = Claim(member.version, member.artifact, served.use_case, member.threshold, None, member.files)
        with guarded(f"member {member.version}"):
            found = gate_runs(opened, member.version, Gate.VALIDATION)
            run = only(found, Gate.VALIDATION.value, f"validation run of member {member.version}")
            require_passed(run, claim)
            licence = licence.within(require_sign_off(opened, run))
    return licence


def _verify_deployment(opened: tuple[OpenedStatement, ...], deployment: Deployment) -> None:
    require_deployment(opened, deployment)
    for arm in deployment.arms:
        held_out = arm.role is ArmRole.HOLD_OUT
        if held_out == bool(arm.version) or bool(arm.version) != bool(arm.artifact):
            raise refused(
                "deployment",
                f"arm '{arm.name}' ({arm.role.value}) has version '{arm.version}', artifact '{arm.artifact[:12]}'",
                "A hold-out arm has neither, every other arm has both.",
                arm=arm.name,
            )
    if not any(arm.role.answers for arm in deployment.arms):
        raise refused("deployment", f"deployment {deployment.id} serves no version", "Give it an arm that answers.")


def _claims(served: Served) -> tuple[Claim, ...]:
    """What the arms claim, each different claim once (two arms may share a version)."""
    found: list[Claim] = []
    for arm in served.deployment.arms:
        claim = claim_of_arm(arm, served.use_case)
        if arm.version and claim not in found:
            found.append(claim)
    return tuple(found)


def _verify_holdout(opened: tuple[OpenedStatement, ...], served: Served) -> None:
    deployment = served.deployment
    share = sum(_holdout_weight(arm) for arm in deployment.arms)
    if share <= 0 and not served.contract_id:
        return
    contract = require_contract(opened, served.contract_id, served.use_case)
    if share <= 0:
        return
    agreed, acts = contract["holdout_share"], contract["holdout_acts"]
    # Nobody agreed to hold out everything; but a first version taken back leaves only that policy to answer.
    no_model = deployment.state is DeploymentState.ROLLED_BACK and share >= 1.0
    if (share > agreed + 1e-9 and not no_model) or deployment.holdout_acts is not acts:
        raise refused(
            "kpi-contract",
            f"deployment {deployment.id} holds out a share of {share:g} and acts on it: {deployment.holdout_acts};"
            f" contract {served.contract_id} agrees to {agreed:g} and {acts}",
            "Deploy within the contract, or agree a new one.",
        )


def _holdout_weight(arm: Arm) -> float:
    return max(arm.weight, 0.0) if arm.role is ArmRole.HOLD_OUT else 0.0


def _unreadable(why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the served document cannot be read: {why}",
        remedy="Publish it again with a matching version of Roadworthy.",
        piece="document",
    )
