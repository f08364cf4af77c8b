"""Logging in by an identity provider: to it and back, so that only this browser's own answer counts."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from roadworthy.domain.errors import UnauthenticatedError
from roadworthy.domain.ports import IdentityProvider
from roadworthy.domain.trust import Identity

MAX_PENDING = 1_000
"""Logins under way at once; the oldest is forgotten first."""

PENDING_FOR = timedelta(minutes=10)
"""How long somebody may take to log in there."""

AGAIN = "Start again from the login page."


@dataclass(frozen=True, slots=True)
class Begun:
    """A login under way: where the browser goes, and what it must bring back in a cookie."""

    address: str
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Pending:
    browser: str
    nonce: str
    verifier: str
    redirect: str
    back: str
    until: datetime


class ProviderLogin:
    """The logins under way at one provider, each good for one return of the browser that began it."""

    def __init__(self, provider: IdentityProvider, now: Callable[[], datetime]) -> None:
        self.provider = provider
        self._now = now
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, redirect: str, back: str) -> Begun:
        """Send a browser there. Raises UnavailableError when the provider does not answer."""
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        begun = Begun(self.provider.address(redirect, state, nonce, verifier), browser)
        with self._lock:
            self._pending[state] = _Pending(browser, nonce, verifier, redirect, back, self._now() + PENDING_FOR)
            while len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
        return begun

    def finish(self, query: Mapping[str, str], browser: str) -> tuple[Identity, str]:
        """Who came back, and where they wanted to go.

        Raises:
            UnauthenticatedError: a state nobody was given or that was used, another browser, too late, a refusal by
                the provider, or a proof that does not hold.
            UnavailableError: the provider does not answer.
        """
        with self._lock:
            pending = self._pending.pop(query.get("state", ""), None)
        if pending is None or not hmac.compare_digest(pending.browser.encode(), browser.encode()):
            raise UnauthenticatedError("this login was not begun by this browser, or is used up", remedy=AGAIN)
        if self._now() >= pending.until:
            raise UnauthenticatedError("this login took too long", remedy=AGAIN)
        if "code" not in query:
            said = query.get("error", "no code")[:80]
            raise UnauthenticatedError(f"{self.provider.name} refused the login: {said}", remedy=AGAIN)
        identity = self.provider.identify(pending.redirect, query["code"], pending.nonce, pending.verifier)
        return identity, pending.back
