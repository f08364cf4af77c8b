"""In front of every route of the API: who asks, may they ask so often, is the request small enough.

In this order, before a byte of the body is read: the address has not tried too many wrong secrets, the token is
somebody's, that person has not asked too often, the token covers what the route does, the body is within its limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from roadworthy.domain.errors import RoadworthyError, TooLargeError, UnauthenticatedError
from roadworthy.services.access.gatekeeper import Asker, Gatekeeper
from roadworthy.web.api.actions import Needs, needs_of
from roadworthy.web.api.entry.access import ACTOR, KEY
from roadworthy.web.api.entry.edge import answer_of
from roadworthy.web.buckets import Buckets, refuse_wait

PREFIX = "/api/v1"
"""Where the API begins."""

MEGABYTE = 1_000_000

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer of the API: data, to be shown, framed and kept by nobody."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware around the API; other paths pass it untouched."""

    def __init__(self, app: App, keeper: Gatekeeper, now: Callable[[], float], failures: Buckets) -> None:
        self._app = app
        self._keeper = keeper
        self._requests = Buckets(keeper.rules.requests_per_minute, now)
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not path.startswith("/api/"):
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(send)
        needs = needs_of(str(scope["method"]), path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if needs is None:
            # No such route: the framework says so. One that is there and not declared finds no asker, and refuses.
            await self._app(scope, receive, guarded)
            return
        try:
            scope[KEY] = await self._ask(scope, needs)
            limited = _limited(scope, receive, self._limit(needs))
        except RoadworthyError as refused:
            await answer_of(refused)(scope, receive, guarded)
            return
        await self._app(scope, limited, guarded)

    async def _ask(self, scope: Scope, needs: Needs) -> Asker:
        headers = Headers(scope=scope)
        address = address_of(scope)
        kind, _, given = headers.get("authorization", "").partition(" ")
        secret = given.strip() if kind.lower() == "bearer" else ""
        if secret:
            refuse_wait(self._failures.wait_s(address), "too many wrong tokens came from this address")
        try:
            asker = await run_in_threadpool(self._keeper.by_token, secret, headers.get(ACTOR.lower(), ""))
        except UnauthenticatedError:
            if secret:
                self._failures.take(address)
            raise
        refuse_wait(self._requests.take(asker.person.id), f"{asker.person.id} asked too often")
        replace(self._keeper.house, means=asker.means).cover(asker.person, needs.actions)
        return asker

    def _limit(self, needs: Needs) -> int:
        rules = self._keeper.rules
        return (rules.max_upload_mb if needs.upload else rules.max_body_mb) * MEGABYTE


def address_of(scope: Scope) -> str:
    """Where a connection comes from; what a proxy says counts only when the server trusts that proxy."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """The body, refused as soon as it is known to be larger than `limit` bytes.

    Raises:
        TooLargeError: it says so itself.
    """
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdigit() and int(declared[:19]) > limit:
        raise TooLargeError(
            f"the request has {declared[:19]} bytes",
            remedy=f"At most {limit} are taken.",
            field="body",
            allowed=limit,
        )
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # The framework's own error: it passes through the framework's reading of bodies as it is.
            raise HTTPException(413, f"the body is larger than {limit} bytes")
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
