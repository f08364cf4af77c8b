"""The HTTP face: routes, statuses, headers, metadata, metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from roadworthy import __version__
from roadworthy.domain.errors import InputError, RoadworthyError
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.protocol.edge import STATUSES
from roadworthy.gateway.request import Limits

INVOCATION = json.dumps(
    {
        "inputs": {"age": [40], "balance": [None], "job": ["clerk"], "married": [True]},
        "params": {"unit_id": "u"},
    }
).encode()
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_an_inference_follows_the_protocol(served_world: Any) -> None:
    reply = served_world.infer(served_world.body([40], ["u-1"], id="order-7"))
    said = reply.json()
    assert reply.status_code == 200
    assert (said["model_name"], said["model_version"], said["id"]) == ("offers", "v1", "order-7")
    assert [(o["name"], o["datatype"], o["shape"]) for o in said["outputs"]] == [
        ("score", "FP64", [1]),
        ("acted", "BOOL", [1]),
        ("arm", "BYTES", [1]),
    ]
    assert said["parameters"]["request_ids"] == ["order-7"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v3", 404, "not-found"),
        ("GET", "/v2/models", 404, "not-found"),
        ("GET", "/v2/models/offers/versions", 404, "not-found"),
        ("POST", "/v2/models/offers/explain", 404, "not-found"),
        ("POST", "/v2/models/nobody/infer", 404, "not-found"),
        ("POST", "/v2/models/%2e%2e/infer", 404, "not-found"),
        ("POST", "/v2/models/offers/versions/v9/infer", 404, "not-found"),
        ("GET", "/v2/models/offers/versions/v9", 404, "not-found"),
        ("GET", "/v2/models/offers/infer", 405, "method"),
        ("POST", "/v2", 405, "method"),
        ("DELETE", "/v2/models/offers", 405, "method"),
    ],
)
def test_what_is_not_there_is_said(served_world: Any, method: str, path: str, status: int, code: str) -> None:
    body = served_world.body() if method == "POST" else None
    reply = served_world.request(method, path, body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.json()["error"]
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"content_type": "text/csv"}, "content-type"),
        ({"content_type": "application/x-www-form-urlencoded"}, "content-type"),
        ({"content_encoding": "br"}, "content-encoding"),
        ({"content_encoding": "gzip, gzip"}, "content-encoding"),
        ({"content_type": "application/octet-stream"}, "content-type"),
    ],
)
def test_another_media_type_is_refused(served_world: Any, headers: dict[str, str], field: str) -> None:
    reply = served_world.infer(served_world.body(), **headers)
    assert (reply.status_code, reply.json()["fields"]["field"]) == (415, field)


def test_json_with_a_charset_is_taken(served_world: Any) -> None:
    assert (
        served_world.infer(served_world.body(), content_type="application/json; charset=utf-8").status_code == 200
    )


def test_a_malformed_body_is_a_422_that_names_the_field(served_world: Any) -> None:
    reply = served_world.infer(b'{"inputs": [')
    assert (reply.status_code, reply.json()["code"], reply.json()["fields"]["field"]) == (422, "input", "body")


def test_a_body_too_large_is_refused_before_it_is_read(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(body_bytes=100))
    world.publish()
    reply = world.infer(world.body())
    assert (reply.status_code, reply.json()["fields"]["allowed"]) == (413, 100)


def test_a_streamed_body_too_large_is_refused(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(body_bytes=100))
    world.publish()

    async def chunks() -> Any:
        for _ in range(50):
            yield b" " * 10

    reply = world.talk(lambda client: client.post("/v2/models/offers/infer", content=chunks()))
    assert reply.status_code == 413


def test_a_body_that_does_not_come_is_a_408_that_ends_the_connection(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(body_s=0.05))
    world.publish()
    received = iter([{"type": "http.request", "body": b"{", "more_body": True}])
    sent: list[Any] = []

    async def receive() -> Any:
        found = next(received, None)
        return found if found is not None else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        app = GatewayApp(world.gateway)
        scope = {"type": "http", "method": "POST", "path": "/v2/models/offers/infer", "headers": []}
        await app(scope, receive, send)
        await app.drain()

    asyncio.run(run())
    start, body = sent
    assert (start["status"], dict(start["headers"])[b"connection"]) == (408, b"close")
    assert json.loads(body["body"])["fields"]["field"] == "body"
    assert world.decisions() == []


def test_the_endpoint_s_name_may_be_repeated_in_the_body_as_kserve_s_client_does(served_world: Any) -> None:
    assert served_world.infer(served_world.body(model_name="offers")).status_code == 200
    assert (
        served_world.infer(served_world.body(model_name="offers")[:-1] + b',"model_name":"x"}').status_code == 422
    )


@pytest.mark.parametrize(("sent", "returned"), [(TRACE, TRACE), ("nonsense", None)], ids=["valid", "invalid"])
def test_a_valid_trace_context_is_passed_back(served_world: Any, sent: str, returned: str | None) -> None:
    assert served_world.infer(served_world.body(), traceparent=sent).headers.get("traceparent") == returned


def test_the_callers_trace_is_kept_with_the_decision_and_its_state_passed_back(served_world: Any) -> None:
    reply = served_world.infer(served_world.body(), traceparent=TRACE, tracestate="vendor=1")
    assert reply.headers["tracestate"] == "vendor=1"
    reply = served_world.infer(served_world.body(), traceparent="nonsense", tracestate="vendor=1")
    assert "tracestate" not in reply.headers
    served_world.request("POST", "/v2/models/offers/invocations", INVOCATION, traceparent=TRACE)
    assert [d.trace for d in served_world.decisions()] == [TRACE[3:35], "", TRACE[3:35]]


def test_a_failing_model_is_a_503_with_the_reason_and_when_to_retry(served_world: Any) -> None:
    served_world.gateway.resolve("offers")
    served_world.models["v1"].habit = "raises"
    reply = served_world.infer(served_world.body())
    assert (reply.status_code, reply.json()["fields"]["reason"]) == (503, "model-failed")
    assert "retry-after" in reply.headers


def test_the_server_names_itself(world: Any) -> None:
    assert world.request("GET", "/v2").json() == {
        "name": "roadworthy",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    assert world.request("GET", "/v2/health/live").json() == {"live": True}


def test_the_metadata_says_what_to_send(served_world: Any) -> None:
    said = served_world.request("GET", "/v2/models/offers").json()
    assert said["versions"] == ["v1"]
    assert said["inputs"][0] == {"name": "age", "datatype": "INT64", "shape": [-1]}
    assert said["parameters"]["missing_allowed"] == ["balance"]


def test_a_versions_metadata_and_readiness_are_served(world: Any) -> None:
    world.publish(world.canary(0.5))
    assert world.request("GET", "/v2/models/offers/versions/v2").json()["versions"] == ["v2"]
    assert world.request("GET", "/v2/models/offers/versions/v2/ready").json()["ready"] is True


def test_a_refused_document_degrades_the_endpoint_but_not_the_server(served_world: Any) -> None:
    served_world.gateway.resolve("offers")
    served_world.configurations.publish("offers", b"0" * 64 + b"{}")
    model, server = (served_world.request("GET", p) for p in ("/v2/models/offers/ready", "/v2/health/ready"))
    assert (model.status_code, model.json()["state"]) == (503, "degraded")
    assert (server.status_code, server.json()["endpoints"]["offers"]["state"]) == (200, "degraded")
    assert served_world.infer(served_world.body()).status_code == 200


def test_a_server_with_an_endpoint_that_never_verified_is_not_ready(world: Any) -> None:
    world.configurations.publish("offers", b"0" * 64 + b"{}")
    assert world.request("GET", "/v2/health/ready").status_code == 503
    assert world.infer(world.body()).status_code == 503
    assert world.request("GET", "/v2/models/offers/ready").status_code == 503


def test_a_drained_gateway_refuses_and_is_not_ready(served_world: Any) -> None:
    async def after_drain() -> list[int]:
        app = GatewayApp(served_world.gateway)
        await app.drain()
        return [await status_of(app, path) for path in ("/v2/health/ready", "/v2/models/offers/infer")]

    assert asyncio.run(after_drain()) == [503, 503]


async def status_of(app: GatewayApp, path: str) -> int:
    """A request by hand, as an ASGI server makes it."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    method = "POST" if path.endswith("infer") else "GET"
    await app({"type": "http", "method": method, "path": path, "headers": []}, receive, send)
    return int(sent[0]["status"])


def test_a_caller_who_leaves_mid_body_is_not_answered(served_world: Any) -> None:
    sent: list[Any] = []

    async def leave() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        app = GatewayApp(served_world.gateway)
        scope = {"type": "http", "method": "POST", "path": "/v2/models/offers/infer", "headers": []}
        await app(scope, receive, send)
        await app.drain()

    asyncio.run(leave())
    assert sent == []


def test_metrics_count_requests_decisions_and_latency(world: Any) -> None:
    world.publish(world.canary(0.5))

    async def some(client: Any) -> str:
        for unit in range(20):
            await client.post("/v2/models/offers/infer", content=world.body([40], [f"u-{unit}"]))
        await client.post("/v2/models/offers/infer", content=b"{")
        await client.get("/v2/models/nobody")
        return str((await client.get("/metrics")).text)

    text = world.talk(some)
    assert 'roadworthy_requests_total{endpoint="offers",status="200"} 20' in text
    assert 'roadworthy_requests_total{endpoint="offers",status="422"} 1' in text
    assert 'roadworthy_requests_total{endpoint="",status="404"} 1' in text
    assert 'roadworthy_request_seconds_count{endpoint="offers"} 20' in text
    per_arm = [
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("roadworthy_decisions_total")
    ]
    assert len(per_arm) == 2
    assert sum(per_arm) == 20


def test_a_defect_is_a_500_in_the_same_form_and_tells_nothing(
    served_world: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served_world.gateway, "process", lambda _: 1 / 0)
    reply = served_world.infer(served_world.body())
    assert (reply.status_code, reply.json()["code"]) == (500, "defect")
    assert "ZeroDivisionError" in caplog.text
    assert "division" not in reply.text


def test_every_error_of_the_tree_has_a_status() -> None:
    kinds, todo = set(), [RoadworthyError]
    while todo:
        todo += (found := todo.pop()).__subclasses__()
        kinds.add(found)
    without = {k for k in kinds if not any(issubclass(k, known) for known, _ in STATUSES)}
    assert without == {RoadworthyError}
    assert json.dumps(dict(InputError("a", remedy="b", field="c").fields)) == '{"field": "c"}'
