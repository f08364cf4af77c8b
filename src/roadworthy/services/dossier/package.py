"""A dossier's package, verified offline: the signature over the digests, and every file against its digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from roadworthy.domain.errors import CouldNotVerifyError, DigestMismatchError, IntegrityError
from roadworthy.domain.trust import EvidenceKind
from roadworthy.evidence.bundle import BundleItem, BundleReport, ItemStatus
from roadworthy.evidence.digest import digest_json, sha256
from roadworthy.evidence.envelope import OpenedStatement, open_envelope
from roadworthy.evidence.licence import check_signer, guarded, refused
from roadworthy.evidence.trust import TrustRoot

HTML, PDF, BOM, INDEX = "dossier.html", "dossier.pdf", "bom.cdx.json", "index.json"
ENVELOPE = "dossier.dsse.json"
"""The file that holds the signed statement; it names all others."""

MAX_FILES = 64
"""More files than a dossier has."""


def verify_package(
    envelope: str, files: Mapping[str, bytes], trust: TrustRoot, *, now: datetime | None
) -> BundleReport:
    """What holds, what is wrong and what could not be verified in a dossier's folder, file by file; never raises.

    Args:
        envelope: the text of the signed statement.
        files: every other file of the folder, by name.
        trust: the verifier's own trust root.
        now: the verifier's time, UTC; None = there is no clock to trust.
    """
    try:
        opened, named = _signed(envelope, trust, now)
    except IntegrityError as error:
        unsigned = [BundleItem(n, ItemStatus.COULD_NOT_VERIFY, "nothing signed names it") for n in sorted(files)]
        return BundleReport((_failed("signature", error), *unsigned))
    items = [BundleItem("signature", ItemStatus.OK, f"signed by {opened.person.id} with key {opened.key_id}")]
    items += [_file(name, digest, files.get(name)) for name, digest in sorted(named.items())]
    items += [
        BundleItem(name, ItemStatus.WRONG, "it is not part of the signed dossier")
        for name in sorted(files)
        if name not in named
    ]
    return BundleReport((*items, _record(opened)))


def _signed(envelope: str, trust: TrustRoot, now: datetime | None) -> tuple[OpenedStatement, dict[str, str]]:
    opened = open_envelope(envelope, trust, now=now)
    with guarded("dossier"):
        if opened.kind is not EvidenceKind.DOSSIER:
            raise refused(
                "dossier", f"the statement is a {opened.kind.value}, no dossier", "Take the dossier's own."
            )
        check_signer(opened)
        files = opened.fact("files")
        if not isinstance(files, dict) or not 0 < len(files) <= MAX_FILES:
            raise CouldNotVerifyError("the statement names no files", remedy="Issue the dossier again.")
        if opened.subject != digest_json(files):
            raise DigestMismatchError("the statement's subject is another list of files", remedy="Issue it again.")
        return opened, {str(name): str(digest) for name, digest in files.items()}


def _file(name: str, digest: str, data: bytes | None) -> BundleItem:
    if data is None:
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, "the file is missing")
    if sha256(data) != digest:
        return BundleItem(name, ItemStatus.WRONG, f"its bytes have digest {sha256(data)}, signed is {digest}")
    return BundleItem(name, ItemStatus.OK, f"digest {digest}")


def _record(opened: OpenedStatement) -> BundleItem:
    """What the dossier itself says of the record it tells."""
    name = "record when issued"
    if opened.predicate.get("verified") is True:
        return BundleItem(name, ItemStatus.OK, "its chain and signatures verified")
    problems = opened.predicate.get("problems")
    told = "; ".join(str(p) for p in problems[:5]) if isinstance(problems, list) else "it does not say what"
    return BundleItem(name, ItemStatus.WRONG, f"the record did not verify when the dossier was issued: {told}")


def _failed(name: str, error: IntegrityError) -> BundleItem:
    unknown = isinstance(error, CouldNotVerifyError)
    return BundleItem(name, ItemStatus.COULD_NOT_VERIFY if unknown else ItemStatus.WRONG, error.what)
