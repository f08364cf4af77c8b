"""`GatewayApp`: the gateway as an ASGI application, Open Inference Protocol v2 over HTTP, without a framework.

    GET  /v2                                          name, version, extensions
    GET  /v2/health/live                              the process answers
    GET  /v2/health/ready                             every endpoint has a verified deployment
    GET  /v2/models/{endpoint}[/versions/{v}]         what to send and what comes back
    GET  /v2/models/{endpoint}[/versions/{v}]/ready   this endpoint serves exactly what is in force
    POST /v2/models/{endpoint}[/versions/{v}]/infer   decide; with a version: only if it is the arm of all the units
    POST /v2/models/{endpoint}[/versions/{v}]/invocations   the same for MLflow's bodies
    GET  /metrics                                     Prometheus text
    GET  /openapi.json                                all of this, for machines

An endpoint whose newest document is refused serves on: the server stays ready (taking every replica out at once
would turn a bad document into an outage), its own `/ready` says 503 and why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from roadworthy import __version__
from roadworthy.domain.errors import RoadworthyError
from roadworthy.gateway.batching import BatchedGateway
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.protocol.binary import EXTENSION, HEADER
from roadworthy.gateway.protocol.codec import encode
from roadworthy.gateway.protocol.edge import (
    BYTES,
    TRACEPARENT,
    Receive,
    Reply,
    Scope,
    Send,
    context_of,
    error_reply,
    header,
    json_reply,
    read_body,
    refusal,
    refused_media,
    send_reply,
)
from roadworthy.gateway.protocol.http.patience import Patience
from roadworthy.gateway.protocol.metadata import described
from roadworthy.gateway.protocol.mlflow import encode_predictions, read_invocation
from roadworthy.gateway.protocol.openapi import described_api
from roadworthy.gateway.protocol.trace import trace_id
from roadworthy.gateway.request import Asked, Marks
from roadworthy.gateway.resolve import EndpointHealth, Health
from roadworthy.gateway.telemetry.watch import Seen, Watch

log = logging.getLogger(__name__)

MARKS = "roadworthy.marks"
"""Where in a connection's scope it is noted when its request passed which point."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A matched route: the one method it takes, what it does, and the endpoint in its path."""

    method: str
    action: Callable[[], Awaitable[Reply | None]]
    endpoint: str = ""


class Face(Protocol):
    """Another way in to the same data plane, open as long as the application is."""

    async def start(self, plane: BatchedGateway) -> None:
        """Take requests."""
        ...

    async def stop(self) -> None:
        """Take no more, and wait for those under way."""
        ...


class GatewayApp:
    """An ASGI 3 application over one gateway. At lifespan shutdown, or by `drain`, it finishes what it began."""

    def __init__(self, gateway: Gateway, faces: Sequence[Face] = (), watches: Sequence[Watch] = ()) -> None:
        self.gateway = gateway
        self.watches = watches
        self.plane = BatchedGateway(gateway)
        self.patience = Patience(gateway.limits.body_s)
        self._faces = faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the ASGI specification, version 3."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def open(self) -> None:
        """Take requests over the other faces too."""
        for face in self._faces:
            await face.start(self.plane)

    async def drain(self) -> None:
        """Refuse new requests, answer those inside, end all threads."""
        for face in self._faces:
            await face.stop()
        await self.plane.drain()
        for watch in self.watches:
            await asyncio.to_thread(watch.close)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await self.open()
            await send({"type": "lifespan.startup.complete"})
        await self.drain()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.watches:
            scope[MARKS] = Marks(time.perf_counter())
        call = self._route(scope, receive)
        reply = await self._reply(call, scope["method"])
        if reply is None:
            return
        known = call is not None and call.endpoint in self.gateway.resolver.known
        endpoint = call.endpoint if call and known else ""
        if not reply.counted:
            self.gateway.metrics.requests.add(endpoint, str(reply.status))
        if self.watches:
            reply = self._watched(scope, endpoint, reply)
        await send_reply(scope, send, reply)

    def _watched(self, scope: Scope, endpoint: str, reply: Reply) -> Reply:
        parent, state = (value.decode("latin-1") for value in context_of(scope))
        ended, marks = time.perf_counter(), scope[MARKS]
        seen = Seen(scope["method"], scope["path"], endpoint, reply.status, reply.id, parent, state, marks, ended)
        answered = [own for watch in self.watches if (own := watch.answered(seen))]
        return replace(reply, headers={**reply.headers, TRACEPARENT: answered[-1].encode()}) if answered else reply

    async def _reply(self, call: _Call | None, method: str) -> Reply | None:
        if call is None:
            return refusal(
                404, "not-found", "There is no such path; GET /v2 tells what this server is.", field="path"
            )
        if method != call.method:
            reply = refusal(405, "method", f"This path takes {call.method}.", field="method", allowed=call.method)
            return replace(reply, headers={b"allow": call.method.encode()})
        try:
            return await call.action()
        except RoadworthyError as error:
            return error_reply(error)
        except Exception:
            log.exception("a defect in the gateway")
            return refusal(500, "defect", "A defect in the gateway; nothing was answered. Report it.")

    def _route(self, scope: Scope, receive: Receive) -> _Call | None:
        match scope["path"].removesuffix("/").split("/")[1:]:
            case ["v2"]:
                return _Call("GET", self._server)
            case ["metrics"]:
                return _Call("GET", self._metrics)
            case ["openapi.json"]:
                return _Call("GET", self._described)
            case ["v2", "health", "live"]:
                return _Call("GET", self._live)
            case ["v2", "health", "ready"]:
                return _Call("GET", self._ready)
            case ["v2", "models", endpoint, "versions", version, *rest] if version:
                return self._model_route(endpoint, version, rest, scope, receive)
            case ["v2", "models", endpoint, *rest]:
                return self._model_route(endpoint, "", rest, scope, receive)
        return None

    def _model_route(
        self, endpoint: str, version: str, rest: list[str], scope: Scope, receive: Receive
    ) -> _Call | None:
        match rest:
            case []:
                return _Call("GET", partial(self._metadata, endpoint, version), endpoint)
            case ["ready"]:
                return _Call("GET", partial(self._model_ready, endpoint, version), endpoint)
            case ["infer"]:
                return _Call("POST", partial(self._infer, scope, receive, endpoint, version), endpoint)
            case ["invocations"]:
                return _Call("POST", partial(self._invocations, scope, receive, endpoint, version), endpoint)
        return None

    async def _server(self) -> Reply:
        return json_reply(200, {"name": "roadworthy", "version": __version__, "extensions": [EXTENSION]})

    async def _metrics(self) -> Reply:
        return Reply(200, self.gateway.metrics.text().encode(), b"text/plain; version=0.0.4; charset=utf-8")

    async def _described(self) -> Reply:
        return Reply(200, described_api(self.gateway.limits))

    async def _live(self) -> Reply:
        return json_reply(200, {"live": True})

    async def _ready(self) -> Reply:
        if not self.plane.accepting:
            return json_reply(503, {"ready": False, "reason": "draining", "endpoints": {}})
        states = await self.plane.health()
        ready = all(state.health is not Health.BROKEN for state in states.values())
        said = {endpoint: _said(state) for endpoint, state in states.items()}
        return json_reply(200 if ready else 503, {"ready": ready, "endpoints": said})

    async def _model_ready(self, endpoint: str, version: str) -> Reply:
        served = await self.plane.served(endpoint)
        if version:
            served.arm_of(version)
        state = await self.plane.endpoint_health(endpoint)
        ready = state.health is Health.SERVING and self.plane.accepting
        return json_reply(200 if ready else 503, {"name": endpoint, "ready": ready, **_said(state)})

    async def _metadata(self, endpoint: str, version: str) -> Reply:
        return json_reply(200, described(await self.plane.served(endpoint), version))

    async def _infer(self, scope: Scope, receive: Receive, endpoint: str, version: str) -> Reply | None:
        body = await self._body(scope, receive)
        if not isinstance(body, bytes):
            return body
        asked = self._asked(scope, body, version, header(scope, HEADER))
        plain = not (version or asked.declared or asked.trace or asked.marks)
        quick = await self.plane.hurry(endpoint, body) if plain else None
        if quick is not None:
            return Reply(200, quick, counted=True)
        answer, form = await self.plane.infer(endpoint, asked)
        text, json_bytes = encode(answer, form)
        if not json_bytes:
            return Reply(200, text, id=answer.id)
        return Reply(200, text, BYTES, {HEADER: str(json_bytes).encode()}, id=answer.id)

    async def _invocations(self, scope: Scope, receive: Receive, endpoint: str, version: str) -> Reply | None:
        body = await self._body(scope, receive)
        if not isinstance(body, bytes):
            return body
        answer, _ = await self.plane.infer(endpoint, self._asked(scope, body, version), read_invocation)
        return Reply(200, encode_predictions(answer), id=answer.id)

    def _asked(self, scope: Scope, body: bytes, version: str, declared: bytes = b"") -> Asked:
        trace = trace_id(header(scope, TRACEPARENT))
        return Asked(body, version, declared, trace=trace, marks=scope.get(MARKS), caller=scope)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Reply | None:
        refused = refused_media(scope)
        return refused or await read_body(scope, receive, self.gateway.limits.body_bytes, self.patience)


def _said(state: EndpointHealth) -> dict[str, str]:
    return {"state": state.health.value, "reason": state.reason}
