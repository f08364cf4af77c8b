"""The gateway's application as Granian takes it natively (RSGI 1.5), with the short way at its door.

Granian hands over a body as one object and takes an answer in one call; the ASGI messages in between cost as much as
the model. Everything but a plain inference goes to the ASGI application behind it, which knows all paths.

Source: the RSGI specification, https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from roadworthy.domain.errors import RoadworthyError
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.protocol.binary import HEADER
from roadworthy.gateway.protocol.edge import JSON, Message, Reply, Scope, error_reply, too_slow

_PLAIN = [("content-type", "application/json")]
_JSON = JSON.decode()
_SPECIAL = ("content-encoding", "traceparent", HEADER.decode())
"""Headers with which a request goes the long way."""


class RsgiScope(Protocol):
    """What Granian says about a request."""

    proto: str
    method: str
    path: str
    query_string: str
    client: str

    @property
    def headers(self) -> Any:
        """Names and values."""
        ...


class RsgiProtocol(Protocol):
    """Granian's side of one request."""

    async def __call__(self) -> bytes:
        """The whole body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""
        ...

    async def client_disconnect(self) -> None:
        """Returns when the caller has gone."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer, whole."""
        ...

    def close(self, status: int | None = None) -> None:
        """End a websocket."""
        ...


class RsgiGateway:
    """An RSGI application over the ASGI one."""

    def __init__(self, app: GatewayApp) -> None:
        self._app = app
        self._plane = app.plane
        self._most = app.gateway.limits.body_bytes

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take requests, over the other faces too."""
        loop.run_until_complete(self._app.open())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Finish what was begun."""
        loop.run_until_complete(self._app.drain())

    async def __rsgi__(self, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        """Serve one request."""
        if scope.proto != "http":
            protocol.close(1003)
            return
        body = None
        path = scope.path
        if scope.method == "POST" and path.startswith("/v2/models/") and path.endswith("/infer"):
            endpoint = path[11:-6]
            if "/" not in endpoint and self._plain(scope.headers):
                try:
                    body = await self._app.patience.read(protocol())
                except TimeoutError:
                    self._app.gateway.metrics.requests.add("", "408")
                    _send(protocol, too_slow(self._app.patience.within_s))
                    return
                try:
                    quick = await self._plane.hurry(endpoint, body)
                except RoadworthyError as error:
                    self._app.gateway.metrics.requests.add(endpoint, str(error_reply(error).status))
                    _send(protocol, error_reply(error))
                    return
                if quick is not None:
                    protocol.response_bytes(200, _PLAIN, quick)
                    return
        await self._long(scope, protocol, body)

    def _plain(self, headers: Any) -> bool:
        size = headers.get("content-length")
        if self._app.watches or size is None or not size.isdigit() or int(size[:19]) > self._most:
            return False
        return headers.get("content-type") == _JSON and not any(name in headers for name in _SPECIAL)

    async def _long(self, scope: RsgiScope, protocol: RsgiProtocol, body: bytes | None) -> None:
        parts = _whole(body) if body is not None else protocol.__aiter__()
        started: list[Message] = []

        async def receive() -> Message:
            try:
                return {"type": "http.request", "body": await anext(parts), "more_body": True}
            except StopAsyncIteration:
                return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in started[0]["headers"]]
            protocol.response_bytes(started[0]["status"], headers, bytes(message["body"]))

        await self._app(_asgi(scope), receive, send)


def _send(protocol: RsgiProtocol, reply: Reply) -> None:
    headers = [("content-type", reply.content_type.decode())]
    headers += [(k.decode(), v.decode()) for k, v in reply.headers.items()]
    protocol.response_bytes(reply.status, headers, reply.body)


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _asgi(scope: RsgiScope) -> Scope:
    headers: Mapping[str, str] = scope.headers
    return {
        "type": "http",
        "method": scope.method,
        "path": scope.path,
        "query_string": scope.query_string.encode(),
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
        "client": (scope.client.rpartition(":")[0],),
    }
