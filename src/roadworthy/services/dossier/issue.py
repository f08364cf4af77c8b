"""Issuing a dossier: read the record, prove it, print it, and sign the SHA-256 of every file as one package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roadworthy.domain.documents.printing import Reports
from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import EvidenceKind, Person
from roadworthy.evidence.bundle import BundleItem, ItemStatus
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.statements import dossier_statement
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.dossier.items import index_of, items_of
from roadworthy.services.dossier.package import BOM, HTML, INDEX, PDF
from roadworthy.services.dossier.proof import Proof, prove
from roadworthy.services.dossier.record import Record, read_record
from roadworthy.services.dossier.telling import inventory, tell
from roadworthy.services.facts import facts_of
from roadworthy.services.house import PLATFORM, House

FILES = {"html": HTML, "pdf": PDF, "bom": BOM, "index": INDEX}
"""Formats and the file each becomes."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A signed package: files by name, the envelope over their digests, and what did not verify in the record."""

    version: str
    files: dict[str, bytes]
    envelope: str
    evidence: str
    problems: tuple[BundleItem, ...]

    @property
    def wrong(self) -> bool:
        """Whether something in the record is shown to be wrong."""
        return any(p.status is ItemStatus.WRONG for p in self.problems)


def issue_dossier(house: House, actor: Person, version_id: str, formats: Sequence[str] = tuple(FILES)) -> Dossier:
    """The dossier of a version, signed by the platform. A record that does not verify is told too, and says so first.

    Raises:
        SettingError: an unknown format, or none.
        NotAllowedError: the actor may not have one made.
        MissingExtraError: a format whose library is not installed.
    """
    for name in formats or [""]:
        if name not in FILES:
            raise SettingError(
                f"there is no dossier format '{name}'", remedy=f"Allowed: {', '.join(FILES)}.", field="formats"
            )
    house.allow(actor, "issue-dossier", facts_of(house, version=version_id))
    record = read_record(house, version_id)
    proof = prove(record)
    files = print_files(house.reports, record, proof, formats, actor.id)
    return _sign(house, actor, record, proof, files)


def print_files(
    reports: Reports, record: Record, proof: Proof, formats: Sequence[str], issuer: str
) -> dict[str, bytes]:
    """The package's files, in the order of `FILES`: the same record gives the same bytes."""
    items = items_of(record, proof)
    document = tell(record, proof, items, issuer)
    printers: dict[str, Callable[[], bytes]] = {
        "html": lambda: reports.html(document),
        "pdf": lambda: reports.pdf(document),
        "bom": lambda: reports.bom(inventory(record)),
        "index": lambda: canonical(index_of(record, items)),
    }
    return {FILES[name]: printers[name]() for name in FILES if name in formats}


@signed_ahead
def _sign(house: House, actor: Person, record: Record, proof: Proof, files: dict[str, bytes]) -> Dossier:
    version = record.version
    statement = dossier_statement(
        version,
        files={name: sha256(data) for name, data in files.items()},
        problems=[f"{p.name}: {p.status.value}. {p.why}" for p in proof.problems],
        head=record.links[-1] if record.links else None,
        person=actor.id,
        now=record.at,
    )
    with house.store.begin() as tx:
        evidence = house.attest(tx, PLATFORM, EvidenceKind.DOSSIER, statement, version.id)
        facts = {"evidence": evidence.id, "files": sorted(files), "verified": proof.holds}
        house.record(tx, actor.id, "dossier-issued", version.id, facts=facts)
    return Dossier(version.id, files, evidence.envelope, evidence.id, proof.problems)
