"""Tokens: a secret per person and purpose, shown once, scoped, expiring, revocable."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from roadworthy.domain.errors import (
    ConflictError,
    LostUpdateError,
    NotAllowedError,
    NotFoundError,
    SettingError,
    UnauthenticatedError,
)
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Person, Role, Token
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.house import House

SHAPE = re.compile(r"rwt_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
"""What a token looks like: easy to find where it should not be."""

USE_KEPT_S = 60.0
"""A use is written down at most this often: reading must not cost a write each time."""

MAX_NAME = 80

NOT_KNOWN = "Make one with `roadworthy token create`, or use the workspace's own in its file `token`."


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as it is shown: everything but its secret's digest."""

    id: str
    person: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `secret` is shown this once; it is in no `repr` and is kept nowhere."""

    token: KnownToken
    secret: str

    def __repr__(self) -> str:
        return f"NewToken(token={self.token!r})"


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a token is for. No `scopes`: all its person may do. No `days`: as long as the rules allow."""

    person: str
    name: str
    scopes: tuple[str, ...] = ()
    days: float | None = None


def create_token(
    house: House, actor: Person, terms: TokenTerms, rules: AccessRules, actions: Sequence[str]
) -> NewToken:
    """Make a token. The only time its secret is known.

    Args:
        house: the house.
        actor: who asks; for somebody else's token the policy must agree.
        terms: whose, for what, how long.
        rules: the longest life.
        actions: every action there is; scopes are among them.

    Raises:
        NotAllowedError: not the actor's to make; or wider than the token the actor uses.
        SettingError: an unknown scope, no name, or a life outside 0 < days <= `rules.token_max_days`.
    """
    house.allow(actor, "manage-tokens", {"owner": terms.person})
    days = _checked(terms, rules, actions)
    wider = set(terms.scopes) - set(house.means.scopes)
    if house.means.scopes and (wider or not terms.scopes):
        raise NotAllowedError(
            "a token cannot make one that covers more than itself",
            remedy=f"Give scopes among {', '.join(house.means.scopes)}.",
            actor=actor.id,
            action="manage-tokens",
        )
    now = house.clock.now()
    secret = secrets.token_hex(32)
    token = Token(
        id=secrets.token_hex(6),
        person=terms.person,
        name=terms.name.strip(),
        secret_digest=digest_of(secret),
        scopes=tuple(sorted(set(terms.scopes))),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    with house.store.begin() as tx:
        holder = tx.of(Person).get(terms.person)
        if Role.PLATFORM in holder.roles or not holder.active:
            raise SettingError(
                f"{holder.id} can hold no token", remedy="Name a person who may act here.", field="person"
            )
        tx.of(Token).add(token)
        facts = {"token": token.id, "scopes": list(token.scopes), "expires": token.expires_at.isoformat()}
        house.record(tx, actor.id, "token-created", terms.person, token.name, facts)
    return NewToken(shown(token), f"rwt_{token.id}_{secret}")


def revoke_token(house: House, actor: Person, token_id: str) -> KnownToken:
    """End a token at once.

    Raises:
        NotFoundError: there is none of that id.
        NotAllowedError: it is not the actor's to end.
        ConflictError: it is revoked already.
    """
    with house.store.begin() as tx:
        token = tx.of(Token).get(token_id)
        house.allow(actor, "manage-tokens", {"owner": token.person})
        if token.revoked_at is not None:
            raise ConflictError(
                f"token {token.id} is revoked already", remedy="Nothing is left to do.", token=token.id
            )
        ended = replace(token, revoked_at=house.clock.now())
        tx.of(Token).replace(token, ended)
        house.record(tx, actor.id, "token-revoked", token.person, token.name, {"token": token.id})
    return shown(ended)


def tokens(house: House, actor: Person, person: str = "") -> list[KnownToken]:
    """The tokens the actor may see, newest first: their own, and those of others whose tokens they manage."""
    with house.store.read() as tx:
        kept = tx.of(Token)
        found = kept.find(newest_first=True, person=person) if person else kept.find(newest_first=True)
    return [
        shown(t)
        for t in found
        if t.person == actor.id or house.policy.permits(actor, "manage-tokens", {"owner": t.person})
    ]


def holder_of(house: House, given: str) -> Token:
    """The token behind a secret, its use written down.

    An unknown id and a wrong secret are one answer: what is wrong with a guess is not told.

    Raises:
        UnauthenticatedError: not a token of ours; or one that is expired or revoked.
    """
    match = SHAPE.fullmatch(given)
    now = house.clock.now()
    with house.store.read() as tx:
        token = _find(tx, match["id"]) if match else None
    kept = token.secret_digest if token else digest_of("")
    known = hmac.compare_digest(kept, digest_of(match["secret"] if match else "none"))
    if token is None or not known:
        raise UnauthenticatedError("the token is not known here", remedy=NOT_KNOWN)
    _check_living(token, now)
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() >= USE_KEPT_S:
        # Lost when somebody else writes the same use down, or revokes the token: their write counts.
        with suppress(LostUpdateError), house.store.begin() as tx:
            tx.of(Token).replace(token, replace(token, last_used_at=now))
    return token


def living_token(house: House, token_id: str) -> Token:
    """The token with this id. Raises UnauthenticatedError when it is gone, expired or revoked."""
    with house.store.read() as tx:
        token = _find(tx, token_id)
    if token is None:
        raise UnauthenticatedError(f"token {token_id} is not known here", remedy=NOT_KNOWN)
    _check_living(token, house.clock.now())
    return token


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, 64 hex digits. Secrets here are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def shown(token: Token) -> KnownToken:
    """The token without its digest."""
    return KnownToken(
        id=token.id,
        person=token.person,
        name=token.name,
        scopes=token.scopes,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        last_used_at=token.last_used_at,
    )


def _find(tx: Transaction, key: str) -> Token | None:
    try:
        return tx.of(Token).get(key)
    except NotFoundError:
        return None


def _check_living(token: Token, now: datetime) -> None:
    if token.revoked_at is not None:
        raise UnauthenticatedError(f"token {token.id} was revoked", remedy=NOT_KNOWN, token=token.id)
    if now >= token.expires_at:
        raise UnauthenticatedError(f"token {token.id} has expired", remedy=NOT_KNOWN, token=token.id)


def _checked(terms: TokenTerms, rules: AccessRules, actions: Sequence[str]) -> float:
    unknown = [s for s in terms.scopes if s not in actions]
    if unknown:
        raise SettingError(
            f"there is no action '{unknown[0]}'", remedy=f"Allowed: {', '.join(actions)}.", field="scopes"
        )
    if not terms.name.strip() or len(terms.name) > MAX_NAME:
        raise SettingError(
            "a token needs a name", remedy=f"Say what it is for, in 1 to {MAX_NAME} characters.", field="name"
        )
    days = float(rules.token_max_days) if terms.days is None else terms.days
    if not 0 < days <= rules.token_max_days:
        raise SettingError(
            f"a token cannot live {days:g} days",
            remedy=f"Allowed: more than 0, at most {rules.token_max_days} (setting token_max_days).",
            field="days",
        )
    return days
