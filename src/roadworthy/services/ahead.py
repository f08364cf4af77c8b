"""Signing ahead: a key service is asked while no transaction is open, so that none of them ever waits for it.

An act that signs is decorated with `signed_ahead`. Keys that are here sign inside of its transaction, at once. A key of
another service does not: the transaction is given up, the key signs, and the act begins anew, with its time stopped, so
that what it says is what was signed. Whatever the transaction reads it reads again; if that has changed, the statement
has, and is signed again. Checkpoints of the change record are signed after the commit: a link never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from roadworthy.domain.errors import ConflictError, LostUpdateError, UnavailableError
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Change, Evidence, EvidenceKind, Person
from roadworthy.evidence.envelope import make_evidence
from roadworthy.evidence.statements import checkpoint_statement
from roadworthy.services.house import PLATFORM, Desk, House, NotSignedYet

ROUNDS = 100
"""Signatures one act may take: a suspension moves a deployment on each endpoint, and others may come in between."""

P = ParamSpec("P")
T = TypeVar("T")


def signed_ahead(act: Callable[Concatenate[House, P], T]) -> Callable[Concatenate[House, P], T]:
    """The act, begun again after each signature that a key of another service gives.

    What it does before its transaction is done again too: it must be repeatable. It may have one transaction that
    signs.
    """

    @wraps(act)
    def ahead(house: House, /, *args: P.args, **kwargs: P.kwargs) -> T:
        desk = Desk()
        acting = replace(house, desk=desk)
        for _ in range(ROUNDS):
            desk.owed.clear()
            try:
                done = act(acting, *args, **kwargs)
            except NotSignedYet as asked:
                if isinstance(acting.clock, _Stopped):
                    desk.signed[asked.key.key_id, asked.payload] = asked.key.sign(asked.payload)
                else:
                    # What it says so far carries more than one time: from now on it carries one.
                    acting = replace(acting, clock=_Stopped(house.clock.now()))
            else:
                _settle(house, desk)
                return done
        raise ConflictError(
            f"others wrote meanwhile, {ROUNDS} times in a row: what was signed did not fit any more",
            remedy="Try again.",
        )

    return ahead


def _settle(house: House, desk: Desk) -> None:
    """Sign the checkpoints an act owes. The act is done: that the key does not answer now is no failure of it."""
    for link, reason in desk.owed:
        with suppress(UnavailableError, LostUpdateError):
            sign_checkpoint(house, link, reason)


@dataclass(frozen=True, slots=True)
class _Stopped:
    at: datetime

    def now(self) -> datetime:
        return self.at


def sign_checkpoint(house: House, link: Change, reason: str) -> Evidence:
    """The signed checkpoint of a link: the one there is, or a new one, signed before the transaction that keeps it.

    Raises:
        LostUpdateError: the platform's key was rotated meanwhile.
    """
    with house.store.read() as tx:
        there = _checkpoint_of(tx, link)
        key = house.keyring.signer(PLATFORM, tx.of(Person).get(PLATFORM).key_id)
    if there is not None:
        return there
    now = house.clock.now()
    made = make_evidence(checkpoint_statement(link, reason=reason, now=now), key, person=PLATFORM, now=now)
    with house.store.begin() as tx:
        there = _checkpoint_of(tx, link)
        if there is None:
            if tx.of(Person).get(PLATFORM).key_id != key.key_id:
                raise LostUpdateError("the platform's key was rotated meanwhile", remedy="Try again.")
            tx.of(Evidence).add(made)
    return there or made


def sign_due_checkpoint(house: House) -> Evidence | None:
    """What a key of another service could not sign when it was due; called again and again while a server runs."""
    with house.store.read() as tx:
        head = tx.changes.head()
        due = head.seq // house.checkpoint_every * house.checkpoint_every if head else 0
        if not due or not house.keyring.signer(PLATFORM, tx.of(Person).get(PLATFORM).key_id).far:
            return None
        (link,) = tx.changes.read(after=due - 1, limit=1)
    return sign_checkpoint(house, link, f"every {house.checkpoint_every} links")


def _checkpoint_of(tx: Transaction, link: Change) -> Evidence | None:
    found = tx.of(Evidence).find(kind=EvidenceKind.CHECKPOINT, subject=link.digest, limit=1)
    return found[0] if found else None
