"""One house as the pages see it, and one request's way through the door."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fastapi import Request

from roadworthy.domain.errors import IntegrityError, NotAllowedError, UnavailableError
from roadworthy.domain.trust import Session
from roadworthy.services.access.gatekeeper import Asker, Gatekeeper
from roadworthy.services.access.sessions import form_token
from roadworthy.services.house import House
from roadworthy.services.watch.verify import verify_changes

CLOSE_S = 10.0
"""Longest wait for readers when a house closes."""

T = TypeVar("T")

KEY = "roadworthy.visit"
"""Where the door leaves the `Visit` in the ASGI scope."""


@dataclass
class Site:
    """The pages of one house.

    `proven` is what verifying showed, by the record's head; `kept` what was read, with the head it was read at.
    """

    house: House
    proven: dict[str, int | IntegrityError] = field(default_factory=dict)
    kept: dict[str, tuple[tuple[int, str], Any]] = field(default_factory=dict)
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: threading.Condition = field(default_factory=threading.Condition)
    _readers: int = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What reads the house does so in here, so that it is not closed meanwhile.

        Raises:
            UnavailableError: it is closed already.
        """
        with self._idle:
            if self.closed:
                raise UnavailableError("this workspace has been closed", remedy="Start it again: `roadworthy up`.")
            self._readers += 1
        try:
            yield
        finally:
            with self._idle:
                self._readers -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Let nobody begin to read any more, and wait for those who are at it."""
        with self._idle:
            self.closed = True
            self._idle.wait_for(lambda: self._readers == 0, timeout=CLOSE_S)

    def head(self) -> tuple[int, str]:
        """How many changes are recorded, and the newest one's digest."""
        with self.house.store.read() as tx:
            newest = tx.changes.head()
        return (newest.seq, newest.digest) if newest else (0, "")

    def once(self, name: str, read: Callable[[House], T]) -> T:
        """What `read` answers, read again only when something was recorded since."""
        head = self.head()
        known = self.kept.get(name)
        if known is None or known[0] != head:
            known = self.kept[name] = (head, read(self.house))
        found: T = known[1]
        return found

    def verified(self) -> int | IntegrityError | None:
        """What verifying the change record as it stands has shown, if anybody asked."""
        return self.proven.get(self.head()[1])

    def verify(self) -> int | IntegrityError:
        """Verify the change record, once per head; returns its length, or what is wrong with it."""
        digest = self.head()[1]
        with self._lock:
            if digest not in self.proven:
                try:
                    found: int | IntegrityError = verify_changes(self.house)
                except IntegrityError as broken:
                    found = broken
                self.proven.clear()
                self.proven[digest] = found
            return self.proven[digest]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page, and by which session."""

    keeper: Gatekeeper
    cookie: str = field(repr=False)
    asker: Asker
    session: Session

    @property
    def form(self) -> str:
        """What every form of this session carries."""
        return form_token(self.cookie)

    @property
    def house(self) -> House:
        """The house, in which this visitor acts by their own means."""
        return replace(self.keeper.house, means=self.asker.means)

    def may(self, action: str, facts: Mapping[str, Any]) -> bool:
        """Whether a form for this action is worth showing; the service asks again."""
        try:
            self.house.allow(self.asker.person, action, facts)
        except NotAllowedError:
            return False
        return True


@dataclass
class Visit:
    """One request that passed the door; `status` is what the answer will say."""

    site: Site
    visitor: Visitor
    status: int = 200

    def allow_reading(self) -> None:
        """Look at the session again and ask the policy, as every request of the API does; no sign of life.

        Raises:
            UnauthenticatedError: the session has ended, or its person is active no more.
            NotAllowedError: the rules do not let them read.
        """
        asker, _ = self.visitor.keeper.by_cookie(self.visitor.cookie, touch=False)
        replace(self.site.house, means=asker.means).allow(asker.person, "read")


def visit_of(request: Request) -> Visit:
    """The visit behind a page's request."""
    found: Visit = request.scope[KEY]
    return found
