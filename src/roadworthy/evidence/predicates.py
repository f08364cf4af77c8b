"""The shape of every predicate: one type per kind of evidence, from which the published JSON Schemas are written.

What does not fit its own shape is refused before any rule reads it. Unknown fields are refused too, at every depth:
a field this version does not know may be a condition it would not keep.

A field added later needs a default, so that what was signed before stays readable; a field that is taken away or
changes its meaning needs a new predicate type (`/v2`).

References:
    JSON Schema, draft 2020-12; in-toto Attestation Framework, spec/predicates.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError, DataError
from roadworthy.domain.gate import Ending, Finding, Gate, PlannedCheck, Waiver
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.serving import Deployment, RolloutLook
from roadworthy.domain.trust import ApprovalTerms, Conditions, Delegation, EvidenceKind, HandOff
from roadworthy.domain.use_case import KpiContract, RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import to_json

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PREFIX, _SUFFIX = "https://roadworthy.dev/", "/v1"

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    at: Moment


class ModelName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model the version is one of."""

    name: str
    number: int
    format: ArtifactFormat


class PlaybookName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which playbook was in force; `digest` is the SHA-256 of its file."""

    name: str
    tier: RiskTier
    digest: Digest


class GateRunPredicate(_Predicate, frozen=True, kw_only=True):
    """What one finished gate run found in the artifact."""

    gate_run: str
    gate: Gate
    verdict: Verdict
    version: str
    version_digest: Digest
    use_case: str
    use_case_digest: Digest
    model: ModelName
    threshold: float
    signature_digest: Digest
    developers: tuple[str, ...]
    actor: str
    seed: int
    inputs: dict[str, str]
    playbook: PlaybookName
    checks: tuple[PlannedCheck, ...]
    waivers: tuple[Waiver, ...]
    findings: tuple[Finding, ...]
    tools: dict[str, str]
    started_at: Moment
    finished_at: Moment
    makers: tuple[str, ...] = ()
    approval: ApprovalTerms = ApprovalTerms()
    ending: Ending | None = None
    files: Digest | None = None


class SignOffPredicate(_Predicate, frozen=True, kw_only=True):
    """A person's yes or no to one gate run's evidence."""

    sign_off: str
    gate_run: str
    version: str
    person: str
    approved: bool
    reason: str
    conditions: Conditions = Conditions()
    delegation: str = ""
    round: Annotated[int, msgspec.Meta(ge=1)] = 1


class DelegationPredicate(_Predicate, frozen=True, kw_only=True):
    """A person lets another act in their place; with `revoked_at`, that this has ended."""

    delegation: Delegation


class KpiContractPredicate(_Predicate, frozen=True, kw_only=True):
    """A business owner agrees to a KPI contract."""

    contract: KpiContract
    use_case: str
    person: str


class HandOffPredicate(_Predicate, frozen=True, kw_only=True):
    """An operator accepts a version into operation."""

    hand_off: HandOff
    version: str
    use_case: str


class DeploymentPredicate(_Predicate, frozen=True, kw_only=True):
    """Exactly this deployment is put into force."""

    deployment: Deployment
    versions: tuple[str, ...]


class RolloutPredicate(_Predicate, frozen=True, kw_only=True):
    """What one look of the stopping rule decided."""

    look: RolloutLook
    versions: tuple[str, ...]


class CheckpointPredicate(_Predicate, frozen=True, kw_only=True):
    """Where the change record stood: number and digest of its newest link."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    digest: Digest
    reason: str


class ChainHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest link of the change record that was told."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    digest: Digest


class DossierPredicate(_Predicate, frozen=True, kw_only=True):
    """These files tell one version's record; `problems` is what did not verify in it."""

    version: str
    use_case: str
    artifact: Digest
    files: dict[str, Digest]
    verified: bool
    problems: tuple[str, ...]
    head: ChainHead | None
    person: str


class _StandingPredicate(_Predicate, frozen=True, kw_only=True):
    version: str
    version_digest: Digest
    use_case: str
    person: str
    reason: str
    before: State


class SuspensionPredicate(_StandingPredicate, frozen=True, kw_only=True):
    """An activated version serves no more until it is reinstated; `cause` says who or what ended it."""

    cause: str


class ReinstatementPredicate(_StandingPredicate, frozen=True, kw_only=True):
    """A suspended version may serve again; `sign_off` is the renewal that lifted it, empty when a person did."""

    sign_off: str


class RetirementPredicate(_StandingPredicate, frozen=True, kw_only=True):
    """A version's life has ended; nothing leads back."""


PREDICATES: dict[EvidenceKind, type[_Predicate]] = {
    EvidenceKind.GATE_RUN: GateRunPredicate,
    EvidenceKind.SIGN_OFF: SignOffPredicate,
    EvidenceKind.KPI_CONTRACT: KpiContractPredicate,
    EvidenceKind.HAND_OFF: HandOffPredicate,
    EvidenceKind.DEPLOYMENT: DeploymentPredicate,
    EvidenceKind.ROLLOUT: RolloutPredicate,
    EvidenceKind.DELEGATION: DelegationPredicate,
    EvidenceKind.CHECKPOINT: CheckpointPredicate,
    EvidenceKind.DOSSIER: DossierPredicate,
    EvidenceKind.SUSPENSION: SuspensionPredicate,
    EvidenceKind.REINSTATEMENT: ReinstatementPredicate,
    EvidenceKind.RETIREMENT: RetirementPredicate,
}
"""The shape of each kind that this version writes and reads."""


def predicate_type(kind: EvidenceKind) -> str:
    """The predicate type of a kind of evidence.

    Example:
        >>> predicate_type(EvidenceKind.SIGN_OFF)
        'https://roadworthy.dev/sign-off/v1'
    """
    return f"{_PREFIX}{kind.value}{_SUFFIX}"


def check_predicate(kind: EvidenceKind, predicate: object) -> None:
    """The predicate has the shape of its kind.

    Raises:
        CouldNotVerifyError: it has not, naming the field; or this version knows no shape for the kind.
    """
    shape = PREDICATES.get(kind)
    if shape is None:
        raise _misshapen(kind, "no shape is published for this kind")
    try:
        read = msgspec.convert(predicate, shape)
        extra = _unknown(predicate, to_json(read), "$")
    except (msgspec.ValidationError, DataError, RecursionError) as error:
        raise _misshapen(kind, str(error)[:300]) from error
    if extra:
        raise _misshapen(kind, f"it has the unknown field `{extra[:200]}`")


def predicate_schema(kind: EvidenceKind) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind's predicate, generated from its type.

    Raises:
        DataError: this version knows no shape for the kind.
    """
    shape = PREDICATES.get(kind)
    if shape is None:
        raise DataError(f"no shape is published for {kind.value}", remedy="Add it to PREDICATES.", kind=kind.value)
    generated = msgspec.json.schema(shape)
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(generated))
    root = found["$ref"].rpartition("/")[2]
    defs = {name: _closed(part) for name, part in found["$defs"].items()}
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": f"{predicate_type(kind)}.schema.json",
        **defs.pop(root),
        "$defs": dict(sorted(defs.items())),
    }


def _closed(part: dict[str, Any]) -> dict[str, Any]:
    """A definition with one-line prose, and closed to fields it does not name, as `check_predicate` is."""
    closed = dict(part)
    if "description" in closed:
        closed["description"] = " ".join(str(closed["description"]).split())
    if "properties" in closed:
        closed["additionalProperties"] = False
    return closed


def _unknown(given: Any, known: Any, path: str) -> str:
    """Where `given` has a field that was not read; empty when it has none."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(given, dict) and isinstance(known, dict):
        for name in given:
            if name not in known:
                return f"{path}.{name}"
        pairs = [(f"{path}.{name}", value, known[name]) for name, value in given.items()]
    elif isinstance(given, list | tuple) and isinstance(known, list | tuple):
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(given, known, strict=False))]
    return next((found for where, a, b in pairs if (found := _unknown(a, b, where))), "")


def _misshapen(kind: EvidenceKind, why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the {kind.value} predicate has a shape this version does not know: {why}",
        remedy="Verify it with the version of Roadworthy that signed it; shapes are in docs/reference/predicates.",
        piece=kind.value,
    )
