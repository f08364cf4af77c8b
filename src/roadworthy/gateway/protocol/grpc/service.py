"""The service on its port: the same data plane, deadlines, batches and refusals as over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from roadworthy.gateway.protocol.trace import trace_id
from roadworthy.gateway.request import Asked
from roadworthy.gateway.resolve import Health

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
_CONTEXT = ("traceparent", "tracestate")
GRACE_S = 10.0
"""Longest that calls under way are waited for at the end."""


@dataclass(frozen=True, slots=True)
class _Called:
    """Who calls: their trace id, and `headers` and `client` as an ASGI scope has them."""

    trace: str
    caller: Mapping[str, Any]


Call = Callable[[Any, _Called], Awaitable[Any]]
"""What answers a message, told who calls."""


class GrpcFace:
    """Serves `inference.GRPCInferenceService` of one gateway. Belongs to the event loop that starts it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = f"{host}:{port}"
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
                partial(_guarded, MESSAGES[f"{name}Request"], getattr(calls, _snake(name))),
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

    async def stop(self) -> None:
        """Take no new calls and wait for those under way."""
        if self._server is not None:
            await self._server.stop(GRACE_S)


class _Calls:
    """One method per method of the protocol."""

    def __init__(self, plane: BatchedGateway) -> None:
        self._plane = plane

    async def server_live(self, _sent: Any, _called: _Called) -> Any:
        return MESSAGES["ServerLiveResponse"](live=True)

    async def server_ready(self, _sent: Any, _called: _Called) -> Any:
        states = await self._plane.health() if self._plane.accepting else {}
        ready = self._plane.accepting and all(s.health is not Health.BROKEN for s in states.values())
        return MESSAGES["ServerReadyResponse"](ready=ready)

    async def model_ready(self, sent: Any, _called: _Called) -> Any:
        served = await self._plane.served(sent.name)
        if sent.version:
            served.arm_of(sent.version)
        state = await self._plane.endpoint_health(sent.name)
        return MESSAGES["ModelReadyResponse"](ready=state.health is Health.SERVING and self._plane.accepting)

    async def server_metadata(self, _sent: Any, _called: _Called) -> Any:
        return MESSAGES["ServerMetadataResponse"](name="roadworthy", version=__version__, extensions=[EXTENSION])

    async def model_metadata(self, sent: Any, _called: _Called) -> Any:
        found = described(await self._plane.served(sent.name), sent.version)
        del found["parameters"]
        return MESSAGES["ModelMetadataResponse"](**found)

    async def model_infer(self, sent: Any, called: _Called) -> Any:
        asked = Asked(b"", sent.model_version, size=sent.ByteSize(), trace=called.trace, caller=called.caller)
        answer, form = await self._plane.infer(sent.model_name, asked, MessageReader(sent))
        return answered(answer, form, in_bytes=bool(sent.raw_input_contents))


async def _guarded(kind: Any, call: Call, raw: bytes, context: Any) -> Any:
    try:
        called = _Called(await _traced(context), _caller(context))
        return await call(kind.FromString(raw), called)
    except DecodeError:
        told = _told(InputError.code, {"field": "message"})
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not of the protocol", told)
    except RoadworthyError as error:
        await context.abort(_status(error), str(error), _told(error.code, error.fields))
    except Exception:
        log.exception("a defect in the gateway")
        await context.abort(grpc.StatusCode.INTERNAL, "A defect in the gateway; nothing was answered. Report it.")


async def _traced(context: Any) -> str:
    """The caller's trace id; their context goes back to them with the answer's first metadata, as over HTTP."""
    given = {key: value for key, value in context.invocation_metadata() or () if key in _CONTEXT}
    found = trace_id(str(given.get("traceparent", "")).encode())
    if found:
        await context.send_initial_metadata(tuple((key, given[key]) for key in _CONTEXT if key in given))
    return found


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
