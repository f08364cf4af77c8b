"""Verifying: bundles that prove a version's whole history offline, and the change record's unbroken chain."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from roadworthy.domain.errors import IntegrityError, NotFoundError, SettingError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.storing.query import Query
from roadworthy.domain.trust import Change, Delegation, Evidence, EvidenceKind, HandOff, Person, Role, SignOff
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.bundle import Bundle
from roadworthy.evidence.chain import Checkpoint
from roadworthy.evidence.checkpoints import RecordReport, open_checkpoints, verify_record
from roadworthy.evidence.envelope import is_void
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.ahead import sign_checkpoint
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.licence.approval import keys_in

MAX_LINKS = 10_000_000
"""More links than one record will ever hold."""

MOST_CHECKPOINTS = 256
"""So many signed checkpoints at even distances go with a bundle or a dossier; a smaller record's go all."""


def trust_root(house: House) -> TrustRoot:
    """Everybody's public keys and roles."""
    with house.store.read() as tx:
        return keys_in(tx)


def bundle(house: House, version_id: str) -> Bundle:
    """Everything that proves one version, for verification without this installation.

    A bundle ends with a signed checkpoint: one is made when the newest link has none yet.
    """
    checkpoint(house, "a bundle was exported")
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(version_id)
        case = tx.of(UseCase).get(version.use_case)
        evidence = tx.of(Evidence).find(version=version.id)
        delegated = [s.delegation for s in tx.of(SignOff).find(version=version.id) if s.delegation]
        delegated += [h.delegation for h in tx.of(HandOff).find(version=version.id) if h.delegation]
        evidence += _delegations(tx, delegated)
        signed = contract_in_force(tx, case.id)
        if signed is not None and all(e.id != signed[1].id for e in evidence):
            evidence.append(signed[1])
        links = tx.changes.read(limit=MAX_LINKS)
        evidence += telling_checkpoints(tx, links, version.id)
        head = tx.changes.head()
        trust = keys_in(tx)
    return Bundle(
        use_case=case,
        version=version,
        artifact=version.artifact,
        envelopes=tuple(e.envelope for e in evidence),
        changes=tuple(links),
        trust=trust,
        head=Checkpoint(head.seq, head.digest) if head else None,
        listing=house.artifacts.get(version.files).decode() if version.files else "",
    )


def standing_checkpoints(tx: Transaction) -> list[Evidence]:
    """Every signed checkpoint, but those that count for nothing since their key was compromised."""
    trust = keys_in(tx)
    return [e for e in tx.of(Evidence).find(kind=EvidenceKind.CHECKPOINT) if not is_void(e.envelope, trust)]


def telling_checkpoints(tx: Transaction, links: Sequence[Change], about: str) -> list[Evidence]:
    """The signed checkpoints that go with a record: all, or of very many those that can say something.

    Of very many these: every one (up to `MOST_CHECKPOINTS`) that contradicts the record or lies beyond its end, so that
    a rewritten or cut past shows as it would against all; the first at or after each link about `about`; the newest;
    and others at even distances.
    """
    many = tx.of(Evidence).count(kind=EvidenceKind.CHECKPOINT) > MOST_CHECKPOINTS
    return _chosen_checkpoints(tx, links, about) if many else standing_checkpoints(tx)


def _chosen_checkpoints(tx: Transaction, links: Sequence[Change], about: str) -> list[Evidence]:
    kept = tx.of(Evidence)
    signed = kept.tally("subject", Query(among={"kind": (EvidenceKind.CHECKPOINT,)}))
    strange = sorted(signed.keys() - {link.digest for link in links})
    agreeing = [link for link in links if link.digest in signed]
    numbers = [link.seq for link in agreeing]
    mine = [bisect_left(numbers, link.seq) for link in links if link.subject == about]
    spread = range(len(agreeing) - 1, -1, -max(1, len(agreeing) // MOST_CHECKPOINTS))
    places = dict.fromkeys((*spread, *mine[-MOST_CHECKPOINTS:]))
    subjects = (*strange[:MOST_CHECKPOINTS], *(agreeing[i].digest for i in sorted(places) if i < len(agreeing)))
    chosen = {"kind": (EvidenceKind.CHECKPOINT,), "subject": subjects}
    found = kept.page(Query(among=chosen, descending=False, limit=2 * len(subjects) + 1, counted=False)).items
    trust = keys_in(tx)
    return [e for e in found if not is_void(e.envelope, trust)]


def _delegations(tx: Transaction, names: list[str]) -> list[Evidence]:
    """The grants and revocations of the delegations under which a version was signed or accepted."""
    subjects = [tx.of(Evidence).get(tx.of(Delegation).get(n).statement).subject for n in dict.fromkeys(names)]
    return [e for s in subjects for e in tx.of(Evidence).find(kind=EvidenceKind.DELEGATION, subject=s)]


def verify_changes(house: House) -> int:
    """Verify the whole change record; returns its length. Raises as `verify_against`."""
    return verify_against(house).links


def verify_against(house: House, kept: Sequence[str] = ()) -> RecordReport:
    """Verify the whole change record by its links, by every signed checkpoint here, and by those kept elsewhere.

    Of the platform's keys only those count that the keyring has too, or had: whoever can write the store could put
    one of their own there.

    Args:
        house: the parts.
        kept: envelopes of checkpoints that somebody took along earlier.

    Raises:
        ChainBrokenError: edited, deleted, reordered, forked, truncated or rewritten; names where.
        IntegrityError: a checkpoint's signature does not hold, or the store names another key for the platform.
        CouldNotVerifyError: more links than there should be are under no checkpoint.
    """
    with house.store.read() as tx:
        links = tx.changes.read(limit=MAX_LINKS)
        stored = tx.of(Person).get(PLATFORM)
        envelopes = [e.envelope for e in tx.of(Evidence).find(kind=EvidenceKind.CHECKPOINT)]
    own = _own_keys(house, stored)
    known = open_checkpoints((*envelopes, *kept), TrustRoot((own,)), now=house.clock.now())
    return verify_record(links, known, every=house.checkpoint_every)


def _own_keys(house: House, stored: Person) -> Person:
    """The platform as the store describes it, when all its keys are the keyring's."""
    kept = house.keyring.public_keys(PLATFORM)
    claimed = {stored.key_id: stored.public_key} | {old.key_id: old.public_key for old in stored.former}
    strange = [key_id for key_id, public in claimed.items() if kept.get(key_id) != public]
    if strange:
        raise IntegrityError(
            f"the store says that '{PLATFORM}' signs or signed with key {strange[0][:12]}..., the keyring holds"
            f" {', '.join(f'{k[:12]}...' for k in kept)}",
            remedy="Restore the store or the keyring from a backup: one of them was changed.",
            piece="platform key",
        )
    return replace(stored, roles=(Role.PLATFORM,))


def checkpoint(house: House, reason: str) -> Evidence:
    """The signed checkpoint of the newest link, made now when there is none; for somebody to keep elsewhere.

    Raises:
        NotFoundError: the record has no link yet.
    """
    with house.store.read() as tx:
        head = tx.changes.head()
    if head is None:
        raise NotFoundError("the change record is empty", remedy="Nothing has happened yet: do something first.")
    return sign_checkpoint(house, head, reason)


def changes(house: House, subject: str | None = None, limit: int = 200) -> list[Change]:
    """The change record, newest first.

    Raises:
        SettingError: a limit below 0.
    """
    if limit < 0:
        raise SettingError(f"limit is {limit}", remedy="Allowed: 0 or more.", field="limit")
    with house.store.read() as tx:
        return tx.changes.newest(subject=subject, limit=min(limit, MAX_LINKS))


def evidence_of(house: House, version_id: str, kind: EvidenceKind | None = None) -> list[Evidence]:
    """The signed evidence about one version."""
    with house.store.read() as tx:
        found = tx.of(Evidence).find(version=tx.of(ModelVersion).get(version_id).id)
    return [e for e in found if kind is None or e.kind is kind]
