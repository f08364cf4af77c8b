"""The gatekeeper: from a secret to the person who presents it, and by which means."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from roadworthy.domain.errors import NotAllowedError, UnauthenticatedError
from roadworthy.domain.trust import Person, Role, Session
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import session_of
from roadworthy.services.access.tokens import NOT_KNOWN, holder_of, living_token
from roadworthy.services.catalog.policies import take_up_policy
from roadworthy.services.house import House, Means

LOCAL, TOKEN = "local-token", "token"
"""How the workspace's own token and a person's are called in the change record."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is asking, and how that is known."""

    person: Person
    means: Means


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Knows the workspace's own token and the rules; everybody else's secrets are in the store, as digests.

    `local_token` opens as `administrator`; as anybody else only while the rules say `local_acting`. An empty one
    opens nothing. Whoever is let in is judged by the policy in force now, whichever process put it in force.
    """

    house: House
    local_token: str = field(repr=False)
    administrator: str
    rules: AccessRules

    def by_token(self, given: str, actor: str = "") -> Asker:
        """Who presents a token; `actor` is as whom they ask to act (empty: as themself).

        Raises:
            UnauthenticatedError: no token, a wrong, expired or revoked one, or its person is active no more.
            NotAllowedError: the token may not act as that person.
            NotFoundError: the local token, acting as somebody nobody knows.
            UnavailableError: the policy in force is not known to this version.
        """
        take_up_policy(self.house)
        if not given:
            raise UnauthenticatedError(
                "no token was given", remedy=f"Send 'Authorization: Bearer TOKEN'. {NOT_KNOWN}"
            )
        if self.is_local(given):
            return Asker(self._named_by_local(actor), Means(LOCAL))
        token = holder_of(self.house, given)
        if actor not in ("", token.person):
            raise NotAllowedError(
                f"a token of {token.person} cannot act as {actor}",
                remedy="A person acts as themself; leave the actor out.",
                actor=token.person,
                action=f"act as {actor}",
            )
        return Asker(self.active(token.person), Means(f"{TOKEN} {token.id}", token.scopes))

    def by_cookie(self, cookie: str, *, touch: bool = True) -> tuple[Asker, Session]:
        """Whose browser's session a cookie is; `touch` counts the request as a sign of life.

        A session never outlives the token it was opened with, nor covers more.

        Raises:
            UnauthenticatedError: none, ended, or its person or token is active no more.
            UnavailableError: the policy in force is not known to this version.
        """
        take_up_policy(self.house)
        session = session_of(self.house, cookie, self.rules, touch=touch)
        kind, _, number = session.means.partition(" ")
        scopes = living_token(self.house, number).scopes if kind == TOKEN else ()
        return Asker(self.active(session.person), Means(f"session by {session.means}", scopes)), session

    def acting(self, asker: Asker, actor: str) -> Person:
        """As whom somebody in a session acts: as themself, or as whom the workspace's own token may act.

        Raises:
            NotAllowedError: they may not act as that person.
        """
        if actor in ("", asker.person.id):
            return asker.person
        if asker.means.via != f"session by {LOCAL}":
            raise NotAllowedError(
                f"{asker.person.id} cannot act as {actor}",
                remedy="A person acts as themself.",
                actor=asker.person.id,
                action=f"act as {actor}",
            )
        return self._named_by_local(actor)

    def acts_for_others(self, asker: Asker) -> bool:
        """Whether this session may act as other people."""
        return self.rules.local_acting and asker.means.via == f"session by {LOCAL}"

    def is_local(self, given: str) -> bool:
        """Whether this is the workspace's own token; compared in constant time."""
        return bool(self.local_token) and hmac.compare_digest(given.encode(), self.local_token.encode())

    def active(self, name: str) -> Person:
        """The person, who must still be active.

        Raises:
            UnauthenticatedError: they are not.
        """
        person = self.house.person(name)
        if not person.active:
            raise UnauthenticatedError(
                f"{name} is not active any more", remedy="Ask an administrator; what was signed before stands."
            )
        return person

    def _named_by_local(self, actor: str) -> Person:
        if actor not in ("", self.administrator) and not self.rules.local_acting:
            raise NotAllowedError(
                f"the workspace's own token cannot act as {actor}",
                remedy="Setting local_acting is off: people act with tokens of their own, `roadworthy token create`.",
                actor=self.administrator,
                action=f"act as {actor}",
            )
        person = self.house.person(actor or self.administrator)
        if Role.PLATFORM in person.roles:
            raise NotAllowedError(
                f"nobody acts as {person.id}",
                remedy="The platform does by itself what time or a rule decides.",
                actor=person.id,
                action=f"act as {person.id}",
            )
        return person
