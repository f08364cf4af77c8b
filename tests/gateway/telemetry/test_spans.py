"""Spans, as a real collector gets them: OTLP over HTTP to a server of this test that reads the protocol's messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from roadworthy.gateway.telemetry.spans import Spans

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


class Collector:
    """What was sent to `/v1/traces`."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                outer.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> dict[str, Span]:
        """The spans by name."""
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def asked(world: Any, spans: Spans, *requests: tuple[bytes, dict[str, str]], path: str = "infer") -> list[Any]:
    """Replies to requests of a gateway that these spans watch, which are then sent."""

    async def talk(client: Any) -> list[Any]:
        return [
            await client.post(
                f"/v2/models/offers/{path}", content=body, headers={"content-type": "application/json", **headers}
            )
            for body, headers in requests
        ]

    replies: list[Any] = world.talk(talk, watches=[spans])
    return replies


def attributes(span: Span) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def test_a_request_is_a_server_span_with_its_stages_inside(served_world: Any, collector: Collector) -> None:
    (reply,) = asked(served_world, Spans(collector.url, 0), (served_world.body(id="r-1"), {"traceparent": SAMPLED}))
    found = collector.spans()
    outer = found.pop("POST /v2/models/{endpoint}/infer")
    assert (outer.trace_id.hex(), outer.parent_span_id.hex(), outer.kind) == (TRACE, PARENT, Span.SPAN_KIND_SERVER)
    assert attributes(outer) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "roadworthy.endpoint": "offers",
        "roadworthy.request_id": "r-1",
    }
    assert list(found) == ["resolve", "route", "predict", "record"]
    times = [outer.start_time_unix_nano]
    for span in found.values():
        assert (span.trace_id, span.parent_span_id) == (outer.trace_id, outer.span_id)
        times += [span.start_time_unix_nano, span.end_time_unix_nano]
    assert [*times, outer.end_time_unix_nano] == sorted([*times, outer.end_time_unix_nano])
    # The answer names our span: the caller's own spans can be told apart from it.
    assert reply.headers["traceparent"] == f"00-{TRACE}-{outer.span_id.hex()}-01"
    (decision,) = served_world.decisions()
    assert decision.trace == TRACE


def test_what_the_caller_did_not_sample_is_not_sent_and_its_context_is_passed_on(
    served_world: Any, collector: Collector
) -> None:
    (reply,) = asked(served_world, Spans(collector.url, 100), (served_world.body(), {"traceparent": UNSAMPLED}))
    assert collector.spans() == {}
    assert reply.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert served_world.decisions()[0].trace == TRACE


@pytest.mark.parametrize(("percent", "sent"), [(0, 0), (100, 1)])
def test_a_request_without_a_context_is_sampled_by_the_setting(
    served_world: Any, collector: Collector, percent: int, sent: int
) -> None:
    asked(served_world, Spans(collector.url, percent), (served_world.body(), {}))
    outer = [s for s in collector.spans().values() if s.kind == Span.SPAN_KIND_SERVER]
    assert len(outer) == sent


def test_a_failed_request_is_a_span_in_error_with_the_stages_it_reached(
    served_world: Any, collector: Collector
) -> None:
    served_world.gateway.resolve("offers")
    served_world.models["v1"].habit = "raises"
    asked(served_world, Spans(collector.url, 100), (served_world.body(), {}), (b"{", {}))
    found = [span for r in collector.requests for s in r.resource_spans for c in s.scope_spans for span in c.spans]
    failed, refused = (s for s in found if s.kind == Span.SPAN_KIND_SERVER)
    assert (attributes(failed)["http.response.status_code"], failed.status.code) == (503, 2)
    assert (attributes(refused)["http.response.status_code"], refused.status.code) == (422, 0)
    assert [s.name for s in found if s.parent_span_id == refused.span_id] == ["resolve"]


def test_paths_nobody_serves_share_one_name(world: Any, collector: Collector) -> None:
    async def talk(client: Any) -> None:
        for path in ("/a", "/v2/models/nobody/infer", "/v2/models/x/y/z"):
            await client.post(path, content=b"{}", headers={"content-type": "application/json"})

    world.talk(talk, watches=[Spans(collector.url, 100)])
    assert {s.name for s in collector.spans().values() if s.kind == Span.SPAN_KIND_SERVER} == {
        "POST unmatched",
        "POST /v2/models/{endpoint}/infer",
    }


def test_a_collector_that_is_gone_costs_no_answer(served_world: Any, caplog: pytest.LogCaptureFixture) -> None:
    gone = Collector()
    gone.server.shutdown()
    gone.server.server_close()
    spans = Spans(gone.url, 100)
    (reply,) = asked(served_world, spans, (served_world.body(), {}))
    assert reply.status_code == 200


def test_nothing_of_what_was_sent_or_answered_is_in_a_span(served_world: Any, collector: Collector) -> None:
    body = served_world.body(units=["unit-secret"], id="r")
    asked(served_world, Spans(collector.url, 100), (body, {"authorization": "Bearer token-secret"}))
    sent = b"".join(r.SerializeToString() for r in collector.requests)
    assert b"offers" in sent
    assert b"secret" not in sent
