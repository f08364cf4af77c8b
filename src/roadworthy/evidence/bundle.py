"""A bundle: everything there is about one version, in one file that is verified offline, without our server.

The bundle carries a copy of the trust root for reading; what counts is the trust root the verifier already has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import msgspec

from roadworthy.domain.errors import (
    ArtifactError,
    CouldNotVerifyError,
    DigestMismatchError,
    IntegrityError,
)
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.storing.folder import Artifact, Folder, read_list, refuse_differences
from roadworthy.domain.trust import Change, EvidenceKind, Licence, Person
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.approval import require_accepted, require_sign_off
from roadworthy.evidence.canonical import canonical, parse_canonical, to_json
from roadworthy.evidence.chain import Checkpoint, verify_chain
from roadworthy.evidence.checkpoints import (
    SignedCheckpoint,
    checkpoint_in,
    open_checkpoints,
    verify_excerpt,
    verify_record,
)
from roadworthy.evidence.digest import digest_json, digest_of, sha256
from roadworthy.evidence.envelope import OpenedStatement, evidence_id, open_envelope
from roadworthy.evidence.licence import (
    STANDING,
    check_signer,
    claim_of_version,
    gate_runs,
    guarded,
    refused,
    require_passed,
    require_standing,
)
from roadworthy.evidence.statements import version_digest, version_json
from roadworthy.evidence.trust import TrustRoot

FORMAT = "roadworthy.bundle/2"


@dataclass(frozen=True)
class Bundle:
    """One version with its use case, signed evidence, change links and the digest of its artifact.

    `listing` is the list of files, as text, when the artifact is a folder. `changes` are either the whole record, or
    the links about this version; `head` is the newest link of the whole record when the bundle was written.
    """

    use_case: UseCase
    version: ModelVersion
    artifact: str
    envelopes: tuple[str, ...]
    changes: tuple[Change, ...]
    trust: TrustRoot
    head: Checkpoint | None = None
    listing: str = ""
    format: str = FORMAT


class ItemStatus(Enum):
    """What verification says of one item: three answers, never two."""

    OK = "ok"
    WRONG = "wrong"
    COULD_NOT_VERIFY = "could-not-verify"


@dataclass(frozen=True)
class BundleItem:
    """One thing that was verified, and why it came out so."""

    name: str
    status: ItemStatus
    why: str


@dataclass(frozen=True)
class BundleReport:
    """All items, in order. `holds` only when every one is ok: what could not be verified is never a pass."""

    items: tuple[BundleItem, ...]

    @property
    def holds(self) -> bool:
        """Whether every item is ok."""
        return bool(self.items) and all(i.status is ItemStatus.OK for i in self.items)

    def of(self, status: ItemStatus) -> tuple[BundleItem, ...]:
        """The items with this status."""
        return tuple(i for i in self.items if i.status is status)


_GATES_OF: dict[State, tuple[Gate, ...]] = {
    State.AWAITING_SIGN_OFF: (Gate.VALIDATION,),
    State.VALIDATED: (Gate.VALIDATION,),
    State.RELEASING: (Gate.VALIDATION,),
    State.CANDIDATE: (Gate.VALIDATION, Gate.RELEASE),
    State.ACTIVATING: (Gate.VALIDATION, Gate.RELEASE),
    State.ACTIVATED: tuple(Gate),
    State.SUSPENDED: tuple(Gate),
}


def encode_bundle(bundle: Bundle) -> bytes:
    """The bundle's bytes: canonical JSON."""
    whole = {**to_json(bundle), "version": version_json(bundle.version)}
    return canonical({k: v for k, v in whole.items() if k != "listing" or v})


def decode_bundle(data: bytes) -> Bundle:
    """The bundle from its bytes.

    Raises:
        CouldNotVerifyError: not canonical JSON, another format, a missing, unknown or ill-typed field.
    """
    value = parse_canonical(data, "the bundle")
    stated = value.get("format") if isinstance(value, dict) else None
    if stated != FORMAT:
        raise _unreadable(f"its format is {str(stated)[:80]!r}, allowed is '{FORMAT}'")
    try:
        bundle = msgspec.convert(value, Bundle)
    except msgspec.ValidationError as error:
        raise _unreadable(str(error)[:300]) from error
    if encode_bundle(bundle) != data:
        raise _unreadable("it has fields or spellings this version does not know")
    return bundle


def verify_bundle(
    bundle: Bundle,
    trust: TrustRoot,
    artifact: Artifact | None,
    *,
    now: datetime | None,
    against: Sequence[str] = (),
) -> BundleReport:
    """What holds, what is wrong and what could not be verified in a bundle, item by item; never raises.

    Args:
        bundle: a decoded bundle.
        trust: the verifier's own trust root; the copy in the bundle is only compared with it.
        artifact: the model's bytes or folder; None leaves the artifact item `could-not-verify`.
        now: the verifier's time, UTC; see `open_envelope`.
        against: envelopes of checkpoints the verifier kept elsewhere.
    """
    items = [_trust_item(bundle.trust, trust), _artifact_item(bundle, artifact)]
    opened: list[OpenedStatement] = []
    for place, text in enumerate(bundle.envelopes, start=1):
        item, statement = _envelope_item(place, text, bundle, trust, now)
        items.append(item)
        if statement is not None and item.status is ItemStatus.OK:
            opened.append(statement)
    items.append(_description_item(bundle, opened))
    items += _licence_items(bundle, opened)
    items += _told_items("suspension, reinstatement and retirement", lambda: _standing(bundle, opened))
    items += _told_items("accepted in an operator's place", lambda: require_accepted(opened))
    items.append(_changes_item(bundle, opened, against, trust, now))
    return BundleReport(tuple(items))


def _trust_item(copy: TrustRoot, trust: TrustRoot) -> BundleItem:
    name = "trust root"
    known = {p.key_id: p for p in trust.holders()}
    strangers = [p.id for p in copy.holders() if p.key_id not in known]
    different = [p.id for p in copy.holders() if p.key_id in known and _differs(p, known[p.key_id])]
    if different:
        return BundleItem(name, ItemStatus.WRONG, f"the bundle's copy disagrees about {', '.join(different[:8])}")
    if strangers:
        why = f"the bundle's copy names people you do not trust: {', '.join(strangers[:8])}"
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, why)
    return BundleItem(
        name, ItemStatus.OK, "every key in the bundle's copy is in yours, with the same owner and roles"
    )


def _differs(copied: Person, own: Person) -> bool:
    """Whether a key has another owner or half, or roles its owner never had; how long it counts your root knows."""
    ever = {*own.roles, *(f.role for f in own.former_roles)}
    same = (copied.id, copied.public_key) == (own.id, own.public_key)
    return not same or not {*copied.roles, *(f.role for f in copied.former_roles)} <= ever


def _artifact_item(bundle: Bundle, artifact: Artifact | None) -> BundleItem:
    name = "artifact"
    if bundle.artifact != bundle.version.artifact:
        return BundleItem(name, ItemStatus.WRONG, "the bundle and its version name different artifacts")
    if artifact is None:
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, f"no bytes were given for {bundle.artifact}")
    if isinstance(artifact, Folder) is not bool(bundle.version.files):
        kinds = ("one file", "a folder") if bundle.version.files else ("a folder", "one file")
        return BundleItem(name, ItemStatus.WRONG, f"{kinds[0]} was given, the version is {kinds[1]}")
    if isinstance(artifact, Folder):
        return _folder_item(name, bundle, artifact)
    if sha256(artifact) != bundle.artifact:
        why = f"the bytes have digest {sha256(artifact)}, expected is {bundle.artifact}"
        return BundleItem(name, ItemStatus.WRONG, why)
    return BundleItem(name, ItemStatus.OK, f"the bytes have digest {bundle.artifact}")


def _folder_item(name: str, bundle: Bundle, folder: Folder) -> BundleItem:
    """The folder against the signed list of its files, so that what differs is named."""
    listing = bundle.listing.encode()
    if sha256(listing) != bundle.version.files:
        return BundleItem(name, ItemStatus.WRONG, "the bundle's list of files is not the one that was registered")
    try:
        listed = read_list(listing)
        refuse_differences(listed, folder.digests)
    except (ArtifactError, DigestMismatchError) as error:
        return BundleItem(name, ItemStatus.WRONG, error.what)
    if folder.digest != bundle.artifact:
        return BundleItem(name, ItemStatus.WRONG, f"the folder has digest {folder.digest}, not {bundle.artifact}")
    return BundleItem(
        name, ItemStatus.OK, f"all {len(listed)} files are the listed ones, together {bundle.artifact}"
    )


def _envelope_item(
    place: int, text: str, bundle: Bundle, trust: TrustRoot, now: datetime | None
) -> tuple[BundleItem, OpenedStatement | None]:
    name = f"envelope {place}"
    try:
        opened = open_envelope(text, trust, now=now)
        name = f"envelope {place}: {opened.kind.value}"
        with guarded(opened.kind.value):
            check_signer(opened)
            _check_subject(opened, bundle)
    except IntegrityError as error:
        return _failed(name, error), None
    return BundleItem(name, ItemStatus.OK, f"signed by {opened.person.id} with key {opened.key_id}"), opened


def _check_subject(opened: OpenedStatement, bundle: Bundle) -> None:
    """The statement is about something in this bundle, and its digest fits what it embeds."""
    version, kind = bundle.version, opened.kind
    expected: tuple[str, ...]
    if kind in (EvidenceKind.GATE_RUN, EvidenceKind.HAND_OFF, *STANDING.values()):
        expected = (version.artifact,)
    elif kind is EvidenceKind.SIGN_OFF:
        expected = tuple(evidence_id(text) for text in bundle.envelopes)
    elif kind is EvidenceKind.KPI_CONTRACT:
        expected = (digest_json(opened.fact("contract")),)
    elif kind is EvidenceKind.CHECKPOINT:
        expected = (checkpoint_in(opened).digest,)
    elif kind is EvidenceKind.DEPLOYMENT:
        expected = (digest_json(opened.fact("deployment")),)
    else:
        expected = (opened.subject,)
    if opened.subject not in expected:
        raise DigestMismatchError(
            f"its subject {opened.subject} is not what this bundle is about",
            remedy="Remove it, or export the bundle again.",
            piece=kind.value,
        )
    stated = opened.predicate.get("version", version.id)
    concerned = opened.predicate.get("versions", [version.id])
    if stated != version.id or version.id not in concerned:
        raise refused(kind.value, f"it is about another version than {version.id}", "Export the bundle again.")
    if opened.predicate.get("use_case", bundle.use_case.id) != bundle.use_case.id:
        raise refused(kind.value, f"it is about another use case than {bundle.use_case.id}", "Export it again.")


def _description_item(bundle: Bundle, opened: list[OpenedStatement]) -> BundleItem:
    """Version and use case are themselves unsigned: they must be the ones the newest gate run digested."""
    name = "version and use case"
    try:
        with guarded(name):
            runs = sorted(
                (o for o in opened if o.kind is EvidenceKind.GATE_RUN), key=lambda o: str(o.fact("finished_at"))
            )
            if not runs:
                raise CouldNotVerifyError("nothing signed describes the version", remedy="Export it again.")
            stated = {
                "version": (runs[-1].fact("version_digest"), version_digest(bundle.version)),
                "use case": (runs[-1].fact("use_case_digest"), digest_of(bundle.use_case)),
            }
            for what, (signed, here) in stated.items():
                if signed != here:
                    raise refused(name, f"the {what} is not the one the newest gate run judged", "Export it again.")
    except IntegrityError as error:
        return _failed(name, error)
    return BundleItem(name, ItemStatus.OK, "as digested in the newest gate run")


def _licence_items(bundle: Bundle, opened: list[OpenedStatement]) -> list[BundleItem]:
    """What the version's state claims: the newest run of each gate it passed, and the sign-off."""
    state, claim = bundle.version.state, claim_of_version(bundle.version)
    items: list[BundleItem] = []
    for gate in _GATES_OF.get(state, ()):
        name = f"state {state.value} needs {gate.value}"
        try:
            with guarded(gate.value):
                runs = gate_runs(opened, claim.version, gate)
                if not runs:
                    raise CouldNotVerifyError(f"no {gate.value} run that verifies", remedy="Export it again.")
                require_passed(runs[-1], claim)
                who = "passed"
                if gate is Gate.VALIDATION and state is not State.AWAITING_SIGN_OFF:
                    who = _approved(require_sign_off(opened, runs[-1]))
            items.append(BundleItem(name, ItemStatus.OK, who))
        except IntegrityError as error:
            items.append(_failed(name, error))
    return items


def _standing(bundle: Bundle, opened: list[OpenedStatement]) -> str:
    """What took the version out of service or brought it back."""
    found = require_standing(opened, bundle.changes, bundle.version)
    return ", ".join(f"{o.kind.value} by {o.person.id}" for o in found)


def _told_items(name: str, check: Callable[[], str]) -> list[BundleItem]:
    """What a check says; no item where there is nothing to say."""
    try:
        with guarded(name):
            told = check()
    except IntegrityError as error:
        return [_failed(name, error)]
    return [BundleItem(name, ItemStatus.OK, told)] if told else []


def _approved(licence: Licence) -> str:
    """Who approved and for how long; an archive stays genuine when the approval in it has ended."""
    ends = f", until {licence.until.isoformat()}" if licence.until else ""
    rows = "".join(f", for {column} in {', '.join(allowed)}" for column, allowed in licence.only.items())
    return f"passed and signed off by {', '.join(licence.signers)}{rows}{ends}"


def _changes_item(
    bundle: Bundle,
    opened: Sequence[OpenedStatement],
    against: Sequence[str],
    trust: TrustRoot,
    now: datetime | None,
) -> BundleItem:
    """The links, judged by themselves and by every signed checkpoint, of the bundle and of the verifier's own."""
    name, changes = "change record", bundle.changes
    if not changes:
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, "the bundle holds no links")
    try:
        inside = tuple(checkpoint_in(o) for o in opened if o.kind is EvidenceKind.CHECKPOINT)
        known = (*inside, *open_checkpoints(against, trust, now=now))
        if len(changes) == max(c.seq for c in changes):
            return _whole_record(name, bundle, known)
        verify_excerpt(changes, known)
    except IntegrityError as error:
        return _failed(name, error)
    why = f"{len(changes)} links are as written; that none between them is missing needs the whole record"
    return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, why)


def _whole_record(name: str, bundle: Bundle, known: Sequence[SignedCheckpoint]) -> BundleItem:
    verify_chain(bundle.changes, bundle.head)
    report = verify_record(bundle.changes, known)
    if report.open_links:
        why = (
            f"all {report.links} links follow one another; the newest {report.open_links} are under no signed"
            " checkpoint, so their end may have been cut or rewritten"
        )
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, why)
    why = f"all {report.links} links follow one another, as {report.checkpoints} signed checkpoints say"
    return BundleItem(name, ItemStatus.OK, why)


def _failed(name: str, error: IntegrityError) -> BundleItem:
    unknown = isinstance(error, CouldNotVerifyError)
    return BundleItem(name, ItemStatus.COULD_NOT_VERIFY if unknown else ItemStatus.WRONG, error.what)


def _unreadable(why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the bundle cannot be read: {why}",
        remedy="Export it again with a matching version of Roadworthy.",
        piece="bundle",
    )
