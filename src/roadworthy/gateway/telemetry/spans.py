"""OpenTelemetry spans of requests, sent by OTLP over HTTP (extra `otel`).

A request is one span of kind server with up to four inside it: `resolve` (which deployment answers), `route` (the body
read, each row given its arm), `predict`, `record` (the decisions on disk). They are made when the request has been
answered, from the times it left behind, so that a request waits for none of it; a thread of the SDK sends them, from a
bounded queue that drops what does not fit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from roadworthy import __version__
from roadworthy.gateway.protocol.openapi import OPERATIONS
from roadworthy.gateway.request import Marks
from roadworthy.gateway.telemetry.watch import Seen

FAILED = 500
"""From this status on the server is at fault."""

CLOSE_S = 5.0
"""Longest that spans not yet sent are waited for at the end."""

_ENDPOINT, _VERSION = re.compile(r"^/v2/models/[^/]+"), re.compile(r"/versions/[^/]+")
_KNOWN = frozenset(operation.path for operation in OPERATIONS)


class Spans:
    """Sends the spans of one gateway process. Is a `Watch`.

    Args:
        endpoint: of the collector, without `/v1/traces`.
        percent: of requests that come without a trace context; those that come with one follow its sampled flag.
    """

    def __init__(self, endpoint: str, percent: int) -> None:
        resource = Resource.create({"service.name": "roadworthy-gateway", "service.version": __version__})
        sampler = ParentBased(TraceIdRatioBased(percent / 100))
        self._provider = TracerProvider(resource=resource, sampler=sampler, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=CLOSE_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("roadworthy.gateway", __version__)
        self._context = TraceContextTextMapPropagator()

    def answered(self, seen: Seen) -> str:
        """Make the request's spans; the `traceparent` of its answer names the outermost."""
        # What the monotonic clock says, in Unix time: their distance is taken anew, as the system clock may be set.
        distance = time.time_ns() - round(time.perf_counter() * 1e9)
        carrier = {"traceparent": seen.traceparent, "tracestate": seen.tracestate} if seen.traceparent else {}
        span = self._tracer.start_span(
            f"{seen.method} {_shape(seen)}",
            context=self._context.extract(carrier),
            kind=SpanKind.SERVER,
            attributes=_attributes(seen),
            start_time=distance + round(seen.marks.arrived * 1e9),
        )
        within = set_span_in_context(span)
        if span.is_recording():
            for name, (start, end) in parts(seen.marks).items():
                inner = self._tracer.start_span(name, context=within, start_time=distance + round(start * 1e9))
                inner.end(distance + round(end * 1e9))
        if seen.status >= FAILED:
            span.set_status(Status(StatusCode.ERROR))
        span.end(distance + round(seen.ended * 1e9))
        answer: dict[str, str] = {}
        self._context.inject(answer, context=within)
        return answer.get("traceparent", "")

    def close(self) -> None:
        """Send what waits, for a bounded time."""
        self._provider.force_flush(round(CLOSE_S * 1000))
        self._provider.shutdown()


def parts(marks: Marks) -> dict[str, tuple[float, float]]:
    """The stages a request went through, each from when to when."""
    stages = {
        "resolve": (marks.arrived, marks.resolved),
        "route": (marks.resolved, marks.admitted),
        "predict": (marks.predicting, marks.predicted),
        "record": (marks.predicted, marks.recorded),
    }
    return {name: (start, end) for name, (start, end) in stages.items() if start and end}


def _shape(seen: Seen) -> str:
    """The path as it is described, names left out: a span's name stands for many requests."""
    if seen.method == "gRPC":
        return seen.path  # one of the service's methods: no other gets here
    shape = _VERSION.sub("/versions/{version}", _ENDPOINT.sub("/v2/models/{endpoint}", seen.path))
    return shape if shape in _KNOWN else "unmatched"


def _attributes(seen: Seen) -> Mapping[str, str | int]:
    return {
        "http.request.method": seen.method,
        "http.response.status_code": seen.status,
        "roadworthy.endpoint": seen.endpoint,
        "roadworthy.request_id": seen.request_id,
    }
