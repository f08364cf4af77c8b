"""Verifying: bundles that prove a version's whole history offline, and the change record's unbroken chain."""

from __future__ import annotations

from roadworthy.domain.errors import SettingError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Change, Evidence, EvidenceKind, Person
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.bundle import Bundle
from roadworthy.evidence.chain import Checkpoint, verify_chain
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House

MAX_LINKS = 10_000_000
"""More links than one record will ever hold."""

TRUST = "root"
"""The name under which the trust root is published for gateways."""


def trust_root(house: House) -> TrustRoot:
    """Everybody's public keys and roles."""
    with house.store.read() as tx:
        return TrustRoot(people=tuple(tx.of(Person).find()))


def bundle(house: House, version_id: str) -> Bundle:
    """Everything that proves one version, for verification without this installation."""
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(version_id)
        case = tx.of(UseCase).get(version.use_case)
        evidence = tx.of(Evidence).find(version=version.id)
        signed = contract_in_force(tx, case.id)
        if signed is not None and all(e.id != signed[1].id for e in evidence):
            evidence.append(signed[1])
        links = tx.changes.read(limit=MAX_LINKS)
        head = tx.changes.head()
        people = tuple(tx.of(Person).find())
    return Bundle(
        use_case=case,
        version=version,
        artifact=version.artifact,
        envelopes=tuple(e.envelope for e in evidence),
        changes=tuple(links),
        trust=TrustRoot(people=people),
        head=Checkpoint(head.seq, head.digest) if head else None,
    )


def verify_changes(house: House) -> int:
    """Verify the whole change record; returns its length.

    Raises:
        ChainBrokenError: edited, cut, reordered or forked; names where.
    """
    with house.store.read() as tx:
        links = tx.changes.read(limit=MAX_LINKS)
    verify_chain(links)
    return len(links)


def changes(house: House, subject: str | None = None, limit: int = 200) -> list[Change]:
    """The change record, newest first.

    Raises:
        SettingError: a limit below 0.
    """
    if limit < 0:
        raise SettingError(f"limit is {limit}", remedy="Allowed: 0 or more.", field="limit")
    with house.store.read() as tx:
        return list(reversed(tx.changes.read(subject=subject, limit=MAX_LINKS)))[:limit]


def evidence_of(house: House, version_id: str, kind: EvidenceKind | None = None) -> list[Evidence]:
    """The signed evidence about one version."""
    with house.store.read() as tx:
        found = tx.of(Evidence).find(version=tx.of(ModelVersion).get(version_id).id)
    return [e for e in found if kind is None or e.kind is kind]
