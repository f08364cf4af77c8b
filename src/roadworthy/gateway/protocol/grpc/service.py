"""The service on its port: the same data plane, deadlines, batches and refusals as over HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError

from roadworthy import __version__
from roadworthy.domain.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    NotFoundError,
    PortInUseError,
    RefusedError,
    RoadworthyError,
    UnauthenticatedError,
)
from roadworthy.gateway.batching import BatchedGateway
from roadworthy.gateway.protocol.binary import EXTENSION
from roadworthy.gateway.protocol.grpc.messages import MESSAGES, METHODS, SERVICE
from roadworthy.gateway.protocol.grpc.reading import MessageReader, answered
from roadworthy.gateway.protocol.metadata import described
from roadworthy.gateway.protocol.trace import LONGEST, trace_id
from roadworthy.gateway.request import Asked, Marks
from roadworthy.gateway.resolve import Health
from roadworthy.gateway.telemetry.watch import Seen, Watch

log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[RoadworthyError], grpc.StatusCode], ...] = (
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (ConflictError, grpc.StatusCode.FAILED_PRECONDITION),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
    (RefusedError, grpc.StatusCode.PERMISSION_DENIED),
    (IntegrityError, grpc.StatusCode.FAILED_PRECONDITION),
    (RoadworthyError, grpc.StatusCode.UNAVAILABLE),
)
"""The first matching row counts. A shed request is RESOURCE_EXHAUSTED, a late one DEADLINE_EXCEEDED."""

REASONS = {
    "overloaded": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "budget": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "deadline": grpc.StatusCode.DEADLINE_EXCEEDED,
}
SEEN_AS = {
    grpc.StatusCode.INVALID_ARGUMENT: 422,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.INTERNAL: 500,
}
"""HTTP's status for who looks on at calls over both; a call that went well has 200."""

_CONTEXT = ("traceparent", "tracestate")
GRACE_S = 10.0
"""Longest that calls under way are waited for at the end."""


@dataclass(slots=True)
class About:
    """What is known of a call beside its message; its answer adds to it.

    `caller`: `headers` and `client` of who calls, as an ASGI scope has them.
    """

    caller: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    state: str = ""
    marks: Marks | None = None
    endpoint: str = ""
    request_id: str = ""

    @property
    def trace(self) -> str:
        """The caller's trace id."""
        return trace_id(self.parent.encode())


Call = Callable[[Any, About], Awaitable[Any]]
"""What answers a message."""


class GrpcFace:
    """Serves `inference.GRPCInferenceService` of one gateway. Belongs to the event loop that starts it."""

    def __init__(self, host: str, port: int, watches: Sequence[Watch] = ()) -> None:
        self._address = f"{host}:{port}"
        self._watches = watches
        self._server: Any = None
        self.port = 0

    async def start(self, plane: BatchedGateway) -> None:
        """Listen. Several processes may, on the same port.

        Raises:
            PortInUseError: somebody else does.
        """
        limit = plane.gateway.limits.body_bytes
        options = (("grpc.max_receive_message_length", limit), ("grpc.so_reuseport", 1))
        self._server = grpc.aio.server(options=options)
        calls = _Calls(plane)
        handlers: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(
                partial(self._call, name, getattr(calls, _snake(name))),
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name in METHODS
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        try:
            self.port = self._server.add_insecure_port(self._address)
        except RuntimeError as problem:
            raise PortInUseError(
                f"gRPC cannot listen on {self._address}: {problem}", remedy="Choose another `grpc_port`."
            ) from problem
        await self._server.start()

    async def _call(self, name: str, call: Call, raw: bytes, context: Any) -> Any:
        about = About(marks=Marks(time.perf_counter()) if self._watches else None)
        try:
            return await _guarded(MESSAGES[f"{name}Request"], call, about, raw, context)
        finally:
            if about.marks is not None:
                self._tell(name, about, about.marks, context.code())

    def _tell(self, name: str, about: About, marks: Marks, code: Any) -> None:
        status = SEEN_AS.get(code, 200)
        path, ended = f"/{SERVICE}/{name}", time.perf_counter()
        seen = Seen("gRPC", path, about.endpoint, status, about.request_id, about.parent, about.state, marks, ended)
        for watch in self._watches:
            watch.answered(seen)

    async def stop(self) -> None:
        """Take no new calls and wait for those under way."""
        if self._server is not None:
            await self._server.stop(GRACE_S)


class _Calls:
    """One method per method of the protocol."""

    def __init__(self, plane: BatchedGateway) -> None:
        self._plane = plane

    async def server_live(self, _sent: Any, _about: About) -> Any:
        return MESSAGES["ServerLiveResponse"](live=True)

    async def server_ready(self, _sent: Any, _about: About) -> Any:
        states = await self._plane.health() if self._plane.accepting else {}
        ready = self._plane.accepting and all(s.health is not Health.BROKEN for s in states.values())
        return MESSAGES["ServerReadyResponse"](ready=ready)

    async def model_ready(self, sent: Any, _about: About) -> Any:
        served = await self._plane.served(sent.name)
        if sent.version:
            served.arm_of(sent.version)
        state = await self._plane.endpoint_health(sent.name)
        return MESSAGES["ModelReadyResponse"](ready=state.health is Health.SERVING and self._plane.accepting)

    async def server_metadata(self, _sent: Any, _about: About) -> Any:
        return MESSAGES["ServerMetadataResponse"](name="roadworthy", version=__version__, extensions=[EXTENSION])

    async def model_metadata(self, sent: Any, _about: About) -> Any:
        found = described(await self._plane.served(sent.name), sent.version)
        del found["parameters"]
        return MESSAGES["ModelMetadataResponse"](**found)

    async def model_infer(self, sent: Any, about: About) -> Any:
        about.endpoint = sent.model_name if sent.model_name in self._plane.gateway.resolver.known else ""
        asked = Asked(
            b"",
            sent.model_version,
            size=sent.ByteSize(),
            trace=about.trace,
            marks=about.marks,
            caller=about.caller,
        )
        answer, form = await self._plane.infer(sent.model_name, asked, MessageReader(sent))
        about.endpoint, about.request_id = answer.endpoint, answer.id
        return answered(answer, form, in_bytes=bool(sent.raw_input_contents))


async def _guarded(kind: Any, call: Call, about: About, raw: bytes, context: Any) -> Any:
    try:
        about.caller = _caller(context)
        await _take_context(about, context)
        return await call(kind.FromString(raw), about)
    except DecodeError:
        told = _told(InputError.code, {"field": "message"})
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not of the protocol", told)
    except RoadworthyError as error:
        await context.abort(_status(error), str(error), _told(error.code, error.fields))
    except Exception:
        log.exception("a defect in the gateway")
        await context.abort(grpc.StatusCode.INTERNAL, "A defect in the gateway; nothing was answered. Report it.")


async def _take_context(about: About, context: Any) -> None:
    """The caller's trace context, which goes back to them with the answer's first metadata, as over HTTP."""
    given = {key: str(value) for key, value in context.invocation_metadata() or () if key in _CONTEXT}
    parent = given.get("traceparent", "")
    if trace_id(parent.encode()):
        about.parent, about.state = parent, given.get("tracestate", "")[:LONGEST]
        await context.send_initial_metadata(tuple((key, given[key]) for key in _CONTEXT if key in given))


def _caller(context: Any) -> Mapping[str, Any]:
    """Metadata as headers, and the address without its port."""
    headers = [
        (key.encode(), value.encode() if isinstance(value, str) else value)
        for key, value in context.invocation_metadata() or ()
    ]
    kind, _, place = unquote(context.peer()).partition(":")
    address = place.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else kind
    return {"headers": headers, "client": (address,)}


def _status(error: RoadworthyError) -> grpc.StatusCode:
    reason = REASONS.get(str(error.fields.get("reason", "")))
    return reason or next(status for kind, status in STATUSES if isinstance(error, kind))


def _told(code: str, fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The stable code, and the field that is wrong, as trailing metadata."""
    field = str(fields.get("field", "")).encode("ascii", "backslashreplace").decode()
    return (("code", code), *((("field", field),) if field else ()))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
