"""A browser's sessions: opened at a login, known by the digest of a cookie, ended by time or by somebody."""

from __future__ import annotations

import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from roadworthy.domain.errors import LostUpdateError, NotAllowedError, NotFoundError, UnauthenticatedError
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import Session
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import digest_of
from roadworthy.services.house import House

SWEPT = 100
"""So many of the oldest sessions are looked at whenever one is opened; what is over is removed."""

SEEN_KEPT_S = 60.0
"""A request is written down at most this often."""

AGAIN = "Log in again."


@dataclass(frozen=True, slots=True)
class Cookie:
    """What the browser keeps. Its value is in no `repr`; the store has its digest only."""

    value: str = field(repr=False)
    expires_at: datetime


def open_session(house: House, person: str, means: str, rules: AccessRules) -> Cookie:
    """A new session; always with a new cookie, so that one planted before the login is worth nothing.

    Removes old ones that are over: who logged in when is in the change record only where they did something.

    Args:
        house: the house.
        person: whose.
        means: how they proved who they are, as the change record will say.
        rules: how long it may last.
    """
    now = house.clock.now()
    cookie = Cookie(secrets.token_urlsafe(32), now + timedelta(hours=rules.session_max_h))
    session = Session(
        id=digest_of(cookie.value),
        person=person,
        csrf=digest_of(form_token(cookie.value)),
        means=means,
        created_at=now,
        expires_at=cookie.expires_at,
        seen_at=now,
    )
    with house.store.begin() as tx:
        tx.of(Session).add(session)
        for old in tx.of(Session).find(limit=SWEPT):
            if old.ended_at is not None or now >= old.expires_at:
                tx.of(Session).remove(old)
    return cookie


def session_of(house: House, cookie: str, rules: AccessRules, *, touch: bool = True) -> Session:
    """The session behind a cookie.

    `touch` counts the request as a sign of life; a page that refreshes by itself is none.

    Raises:
        UnauthenticatedError: no such session, or it has ended.
    """
    now = house.clock.now()
    with house.store.read() as tx:
        session = _find(tx, digest_of(cookie)) if cookie else None
    if session is None:
        raise UnauthenticatedError("there is no such session", remedy=AGAIN)
    seen = session.seen_at or session.created_at
    if session.ended_at is not None or now >= session.expires_at:
        raise UnauthenticatedError("the session has ended", remedy=AGAIN)
    if now - seen >= timedelta(minutes=rules.session_idle_min):
        raise UnauthenticatedError("the session has ended: nothing was asked for too long", remedy=AGAIN)
    if touch and (now - seen).total_seconds() >= SEEN_KEPT_S:
        # Lost when another request writes the same down, or somebody logs out: their write counts.
        with suppress(LostUpdateError), house.store.begin() as tx:
            tx.of(Session).replace(session, replace(session, seen_at=now))
    return session


def form_token(cookie: str) -> str:
    """What a form must carry: derived from the cookie, which another site cannot read."""
    return hmac.new(cookie.encode(), b"roadworthy form", sha256).hexdigest()


def check_form(session: Session, given: str) -> None:
    """Refuse a form that another site made the browser send.

    Raises:
        NotAllowedError: it lacks what only our own pages know.
    """
    if not hmac.compare_digest(session.csrf, digest_of(given)):
        raise NotAllowedError(
            "this form did not come from a page of this session",
            remedy="Open the page again and send its form.",
            actor=session.person,
            action="send a form",
        )


def end_session(house: House, cookie: str) -> None:
    """Log out; nothing happens when there is no such session."""
    with house.store.begin() as tx:
        session = _find(tx, digest_of(cookie))
        if session is not None:
            _end(house, tx, session)


def end_sessions(house: House, person: str) -> int:
    """Log a person out everywhere; returns how many sessions were ended."""
    with house.store.begin() as tx:
        living = [s for s in tx.of(Session).find(person=person) if s.ended_at is None]
        for session in living:
            _end(house, tx, session)
    return len(living)


def _end(house: House, tx: Transaction, session: Session) -> None:
    if session.ended_at is None:
        tx.of(Session).replace(session, replace(session, ended_at=house.clock.now()))


def _find(tx: Transaction, key: str) -> Session | None:
    try:
        return tx.of(Session).get(key)
    except NotFoundError:
        return None
