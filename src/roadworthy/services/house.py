"""`House`: the platform's parts behind their ports, and the two things every use case does with them.

Every use case authorises its actor first (`allow`) and records what it did in the change record (`record`), in
the transaction that did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from roadworthy.domain.documents.printing import Reports
from roadworthy.domain.durable.bench import CheckBench
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.errors import (
    AlreadyExistsError,
    LostUpdateError,
    NotAllowedError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.ports import (
    ArtifactStore,
    Clock,
    DecisionLog,
    Keyring,
    Perimeter,
    Policy,
    ProtectionLog,
    ServedConfigurations,
    Signer,
    Store,
    Transaction,
    Workshop,
)
from roadworthy.domain.trust import Change, Evidence, EvidenceKind, Person
from roadworthy.evidence.chain import next_link
from roadworthy.evidence.envelope import make_evidence
from roadworthy.evidence.statements import checkpoint_statement

PLATFORM = "platform"
"""The person the platform itself acts and signs as."""


@dataclass(frozen=True, slots=True)
class Means:
    """How whoever is acting proved who they are.

    `via` goes into the change record: `local-token`, `token ID`, `session by ...`; empty for what the platform does by
    itself. `scopes` are the actions a token covers; empty = all that its person may do.
    """

    via: str = ""
    scopes: tuple[str, ...] = ()


class NotSignedYet(Exception):  # noqa: N818 - no error: the transaction is begun again once this is signed
    """A transaction needs a signature by a key of another service; `ahead.py` gets it while none is open."""

    def __init__(self, key: Signer, payload: bytes) -> None:
        super().__init__("to be signed outside of the transaction")
        self.key, self.payload = key, payload


@dataclass(frozen=True, slots=True)
class Desk:
    """What keys of another service have signed so far for one act, and the checkpoints it owes, with their reasons."""

    signed: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    owed: list[tuple[Change, str]] = field(default_factory=list)

    def key(self, kept: Signer) -> Signer:
        """A far key as it is used inside of a transaction."""
        return _KeyAtDesk(kept, self)


@dataclass(frozen=True, slots=True)
class _KeyAtDesk:
    _kept: Signer
    _desk: Desk

    @property
    def key_id(self) -> str:
        return self._kept.key_id

    @property
    def public_key(self) -> str:
        return self._kept.public_key

    @property
    def far(self) -> bool:
        return False

    def sign(self, payload: bytes) -> bytes:
        signature = self._desk.signed.get((self.key_id, payload))
        if signature is None:
            raise NotSignedYet(self._kept, payload)
        return signature


@dataclass(frozen=True, slots=True)
class House:
    """All parts a use case may need. Built once, in `apps/`; each request acts in a copy that knows its `means`."""

    store: Store
    artifacts: ArtifactStore
    decisions: DecisionLog
    served: ServedConfigurations
    trust: ServedConfigurations
    keyring: Keyring
    policy: Policy
    clock: Clock
    engine: WorkEngine
    perimeter: Perimeter
    workshop: Workshop
    reports: Reports
    bench: CheckBench
    seed: int = 0
    means: Means = Means()
    checkpoint_every: int = 100
    desk: Desk | None = None
    tallies: ProtectionLog | None = None

    def person(self, name: str) -> Person:
        """The person with this name. Raises NotFoundError."""
        with self.store.read() as tx:
            return tx.of(Person).get(name)

    def allow(self, actor: Person, action: str, facts: Mapping[str, Any] | None = None) -> None:
        """Refuse an action the policy does not permit this actor; whoever is not active may do nothing.

        Raises:
            NotAllowedError: names the actor, their roles and the action.
        """
        refuse_inactive(actor, action)
        self.cover(actor, (action,))
        if not self.policy.permits(actor, action, facts or {}):
            roles = ", ".join(r.value for r in actor.roles) or "no role"
            raise NotAllowedError(
                f"{actor.id} ({roles}) may not {action}",
                remedy="Ask somebody whose role permits it; `roadworthy people` shows who has which role.",
                actor=actor.id,
                action=action,
            )

    def cover(self, actor: Person, actions: tuple[str, ...]) -> None:
        """Refuse what the token in use was not made for.

        Raises:
            NotAllowedError: none of the actions is in its scopes.
        """
        if self.means.scopes and not set(actions) & set(self.means.scopes):
            raise NotAllowedError(
                f"this token of {actor.id} does not cover {' or '.join(actions)}",
                remedy=f"It covers {', '.join(self.means.scopes)}; make another with `roadworthy token create`.",
                actor=actor.id,
                action=actions[0],
                scopes=list(self.means.scopes),
            )

    def record(
        self,
        tx: Transaction,
        actor: str,
        action: str,
        subject: str,
        why: str = "",
        facts: dict[str, Any] | None = None,
        *,
        checkpoint: str = "",
    ) -> Change:
        """Append to the change record, inside the transaction that makes the change, and by which means.

        The platform signs a checkpoint of every `checkpoint_every`-th link, and of one that gives a reason for it. With
        a key of another service it does so after the commit: at once in an act that signs, else at the next tick.

        Raises:
            NotAllowedError: the actor was deactivated after they were let in: nothing of the transaction happens.
        """
        with suppress(NotFoundError):
            refuse_inactive(tx.of(Person).get(actor), action)
        known = {**(facts or {}), "via": self.means.via} if self.means.via else facts or {}
        link = next_link(
            tx.changes.head(),
            at=self.clock.now(),
            actor=actor,
            action=action,
            subject=subject,
            why=why,
            facts=known,
        )
        tx.changes.append(link)
        if checkpoint or link.seq % self.checkpoint_every == 0:
            reason = checkpoint or f"every {self.checkpoint_every} links"
            if not self._key(tx, PLATFORM).far:
                self.checkpoint(tx, link, reason)
            elif self.desk is not None:
                self.desk.owed.append((link, reason))
        return link

    def checkpoint(self, tx: Transaction, link: Change, reason: str) -> Evidence:
        """Sign where the change record stands, and keep that as evidence: nobody rewrites what came before."""
        statement = checkpoint_statement(link, reason=reason, now=self.clock.now())
        return self.attest(tx, PLATFORM, EvidenceKind.CHECKPOINT, statement)

    def attest(
        self,
        tx: Transaction,
        signer: str,
        kind: EvidenceKind,
        statement: dict[str, Any],
        version: str = "",
    ) -> Evidence:
        """Sign a statement with the key `signer` has now, and keep it as evidence.

        Raises:
            NotSignedYet: the key is in another service, and has not signed this yet; see `ahead.py`.
            LostUpdateError: the signer's key is newer than the statement.
        """
        key, now, since = self._key(tx, signer), self.clock.now(), tx.of(Person).get(signer).valid_from
        if since is not None and now < since:
            raise LostUpdateError(f"the key of {signer} was rotated meanwhile", remedy="Try again.", signer=signer)
        if key.far and self.desk is not None:
            key = self.desk.key(key)
        signed = make_evidence(statement, key, person=signer, now=now)
        evidence = replace(signed, kind=kind, version=version)
        tx.of(Evidence).add(evidence)
        return evidence

    def _key(self, tx: Transaction, signer: str) -> Signer:
        return self.keyring.signer(signer, tx.of(Person).get(signer).key_id)


def refuse_inactive(actor: Person, action: str) -> None:
    """Whoever was deactivated may do nothing, whatever the policy says. Raises NotAllowedError."""
    if not actor.active:
        raise NotAllowedError(
            f"{actor.id} is deactivated and may not {action}",
            remedy=f"Let somebody active do it; `roadworthy people reactivate {actor.id}` lets them come back.",
            actor=actor.id,
            action=action,
        )


def plain(entity: object) -> Any:
    """An entity as JSON-ready builtins."""
    return msgspec.to_builtins(entity)


def refuse_existing(found: int, what: str, name: str, remedy: str) -> None:
    """Refuse to register the same name twice."""
    if found:
        raise AlreadyExistsError(f"{what} '{name}' exists already", remedy=remedy, name=name)


def need_reason(done: str, reason: str) -> None:
    """Refuse what is done without a word of why; `done` says what. Raises SettingError."""
    if not reason.strip():
        raise SettingError(f"{done} without a reason", remedy="Say why.", field="reason")
