"""HTTP at its lowest: reading a body within its limit, the one table from errors to statuses, and replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from roadworthy.domain.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    ModelError,
    NotFoundError,
    RefusedError,
    RoadworthyError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)
from roadworthy.gateway.protocol.binary import HEADER
from roadworthy.gateway.protocol.http.inflate import CODINGS, inflated
from roadworthy.gateway.protocol.http.patience import Patience
from roadworthy.gateway.protocol.trace import LONGEST, trace_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STATUSES: tuple[tuple[type[RoadworthyError], int], ...] = (
    (InputError, 422),
    (NotFoundError, 404),
    (ConflictError, 409),
    (UnauthenticatedError, 401),
    (RefusedError, 403),
    (IntegrityError, 409),
    (ModelError, 503),
    (ThrottledError, 429),
    (UnavailableError, 503),
)
"""The first matching row counts. A shed request (`reason` overloaded) is 429 instead."""

TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"
JSON = b"application/json"
BYTES = b"application/octet-stream"
"""Of a body whose JSON part is followed by tensors."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP response; `counted`: among the requests of the metrics already; `id`: of the request it answers."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    counted: bool = False
    id: str = ""


def json_reply(status: int, value: object) -> Reply:
    """A JSON response."""
    return Reply(status, msgspec.json.encode(value))


def refusal(status: int, code: str, what: str, **fields: object) -> Reply:
    """A refusal in the form every error has."""
    return json_reply(status, {"error": what, "code": code, "fields": fields})


def error_reply(error: RoadworthyError) -> Reply:
    """The response to an error: message, stable code, and the facts by name."""
    status = next((s for kind, s in STATUSES if isinstance(error, kind)), 500)
    if error.fields.get("reason") == "overloaded":
        status = 429
    wait = str(error.fields.get("retry_after_s", 1)).encode()
    body = {"error": str(error), "code": error.code, "fields": error.fields}
    headers = {b"retry-after": wait} if status in (429, 503) else {}
    return Reply(status, msgspec.json.encode(body, enc_hook=str), JSON, headers)


def header(scope: Scope, name: bytes) -> bytes:
    """The value of a request header, empty when it is not there."""
    return next((bytes(value) for key, value in scope["headers"] if key.lower() == name), b"")


def context_of(scope: Scope) -> tuple[bytes, bytes]:
    """The caller's `traceparent` and `tracestate`; both empty when the first is not valid."""
    parent = header(scope, TRACEPARENT)
    if not parent or not trace_id(parent):
        return b"", b""
    state = header(scope, TRACESTATE)
    return parent, state if len(state) <= LONGEST else b""


def refused_media(scope: Scope) -> Reply | None:
    """415 for a body that is neither JSON nor JSON with tensors after it, or is compressed in another way."""
    media = header(scope, b"content-type").split(b";")[0].strip().lower()
    admitted = (b"", JSON, BYTES) if header(scope, HEADER) else (b"", JSON)
    if media not in admitted:
        return refusal(415, "media-type", "Send content-type: application/json.", field="content-type")
    if _coding(scope) not in ("", *CODINGS):
        allowed = ", ".join(CODINGS)
        reply = refusal(
            415,
            "media-type",
            f"Send the body as it is, or compressed once, as one of {allowed}.",
            field="content-encoding",
            allowed=list(CODINGS),
        )
        return replace(reply, headers={b"accept-encoding": allowed.encode()})
    return None


def _coding(scope: Scope) -> str:
    return header(scope, b"content-encoding").strip().lower().decode("latin-1")


def _too_large(limit: int) -> Reply:
    what = f"The body may have at most {limit} bytes, unpacked."
    return refusal(413, "too-large", what, field="body", allowed=limit)


async def read_body(scope: Scope, receive: Receive, limit: int, patience: Patience) -> bytes | Reply | None:
    """The request body, unpacked; None when the caller went away.

    413 as soon as it exceeds `limit` bytes, 408 when it is not there in time.

    Raises:
        InputError: it is not compressed as its header says.
    """
    try:
        body = await patience.read(_received(scope, receive, limit))
    except TimeoutError:
        return too_slow(patience.within_s)
    coding = _coding(scope)
    if not isinstance(body, bytes) or coding in ("", "identity"):
        return body
    # A small body may unpack to the limit: off the event loop, which others wait for.
    unpacked = await asyncio.to_thread(inflated, body, coding, limit)
    return _too_large(limit) if unpacked is None else unpacked


def too_slow(within_s: float) -> Reply:
    """The refusal of a body that does not come; the connection cannot be used for another request."""
    what = f"The body was not there within {within_s:g} s."
    reply = refusal(408, "too-slow", what, field="body", allowed=within_s)
    return replace(reply, headers={b"connection": b"close"})


async def _received(scope: Scope, receive: Receive, limit: int) -> bytes | Reply | None:
    declared = header(scope, b"content-length")
    too_large = _too_large(limit)
    if declared.isdigit() and int(declared[:19]) > limit:
        return too_large
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return too_large
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def send_reply(scope: Scope, send: Send, reply: Reply) -> None:
    """Send a response; the caller's trace context goes back to them, unless the reply has one of its own."""
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        *reply.headers.items(),
    ]
    if TRACEPARENT not in reply.headers:
        parent, state = context_of(scope)
        headers += [(name, value) for name, value in ((TRACEPARENT, parent), (TRACESTATE, state)) if value]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
