"""The gateway's own OpenAPI document: what `GET /openapi.json` answers, made from the structs that read the bodies.

Every path the application matches is in `OPERATIONS`, with every status it may answer; the tests hold both to the
application and let schemathesis try them. The Open Inference Protocol itself is described by its own authors; this
says what *this* server takes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from roadworthy import __version__
from roadworthy.gateway.protocol.binary import HEADER
from roadworthy.gateway.protocol.codec import Body
from roadworthy.gateway.protocol.mlflow import Invocation
from roadworthy.gateway.request import Limits

JSON = "application/json"
_TEXT = "text/plain"
_BYTES = "application/octet-stream"


class Refusal(msgspec.Struct):
    """Every refusal: what happened and what to do, a stable code, and the facts by name."""

    error: str
    code: str
    fields: dict[str, Any]


class ServerMetadata(msgspec.Struct):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class Live(msgspec.Struct):
    """The process answers."""

    live: bool


class EndpointState(msgspec.Struct):
    """Whether an endpoint serves what it should, and why not."""

    state: str
    reason: str


class ServerReady(msgspec.Struct):
    """Whether every endpoint has something verified to serve."""

    ready: bool
    endpoints: dict[str, EndpointState]
    reason: str = ""


class ModelReady(msgspec.Struct):
    """Whether one endpoint serves exactly what is in force."""

    name: str
    ready: bool
    state: str
    reason: str


class TensorMetadata(msgspec.Struct):
    """A column taken or an output given."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct):
    """What to send to an endpoint and what comes back."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Any]


class OutputTensor(msgspec.Struct):
    """One output; its values are in `data`, or among the bytes after the JSON part."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | bool | str | None] | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class InferenceResponse(msgspec.Struct):
    """An answer; `model_version` is empty when the rows were not all answered by one."""

    model_name: str
    model_version: str
    id: str
    parameters: dict[str, Any]
    outputs: list[OutputTensor]


class Prediction(msgspec.Struct):
    """One row's answer; a held-out row has no score."""

    score: float | None
    acted: bool
    arm: str


class Predictions(msgspec.Struct):
    """An answer to MLflow's callers."""

    predictions: list[Prediction]
    request_ids: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One path with its one method.

    Attributes:
        method: in capitals.
        path: with `{endpoint}` and `{version}`.
        title: what it does.
        answers: status -> the struct its JSON body is, None = text. 405 and 404 of unknown paths hold everywhere.
        takes: the struct its body is read by, None = no body.
        in_bytes: whether a body may be JSON with tensors after it.
    """

    method: str
    path: str
    title: str
    answers: Mapping[int, type[msgspec.Struct] | None]
    takes: type[msgspec.Struct] | None = None
    in_bytes: bool = False


_NOT_SERVED: dict[int, type[msgspec.Struct] | None] = {404: Refusal, 503: Refusal}
_DECIDING: dict[int, type[msgspec.Struct] | None] = dict.fromkeys(
    (403, 404, 408, 409, 413, 415, 422, 429, 503), Refusal
)


def _of_model(path: str) -> tuple[Operation, ...]:
    return (
        Operation("GET", path, "What to send and what comes back", {200: ModelMetadata, **_NOT_SERVED}),
        Operation(
            "GET",
            f"{path}/ready",
            "Whether the endpoint serves exactly what is in force",
            {200: ModelReady, 404: Refusal, 503: ModelReady},
        ),
        Operation("POST", f"{path}/infer", "Decide", {200: InferenceResponse, **_DECIDING}, Body, in_bytes=True),
        Operation(
            "POST", f"{path}/invocations", "Decide, with a body as MLflow has it", {200: Predictions, **_DECIDING},
            Invocation,
        ),
    )  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v2", "What this server is", {200: ServerMetadata}),
    Operation("GET", "/v2/health/live", "Whether the process answers", {200: Live}),
    Operation("GET", "/v2/health/ready", "Whether every endpoint serves", {200: ServerReady, 503: ServerReady}),
    *_of_model("/v2/models/{endpoint}"),
    *_of_model("/v2/models/{endpoint}/versions/{version}"),
    Operation("GET", "/metrics", "Counters in Prometheus' text format", {200: None}),
    Operation("GET", "/openapi.json", "This document", {200: None}),
)
"""Everything the gateway answers."""


@cache
def described_api(limits: Limits) -> bytes:
    """The document as JSON, OpenAPI 3.1."""
    structs = {s for o in OPERATIONS for s in (*o.answers.values(), o.takes) if s is not None} | {Refusal}
    ordered = sorted(structs, key=lambda s: s.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, limits)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Roadworthy gateway",
            "version": __version__,
            "description": "Open Inference Protocol v2, and MLflow's scoring bodies. The same rules hold over gRPC.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    return msgspec.json.encode(document)


def _operation(operation: Operation, limits: Limits) -> dict[str, Any]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in names
    ]
    said: dict[str, Any] = {
        "summary": operation.title,
        "operationId": f"{operation.method.lower()}{operation.path.replace('/', '-').translate(_PLAIN)}",
        "responses": {str(status): _response(operation, status) for status in (*operation.answers, 405)},
    }
    if operation.takes is not None:
        content: dict[str, Any] = {JSON: {"schema": _reference(operation.takes)}}
        if operation.in_bytes:
            content[_BYTES] = {"schema": {"type": "string", "format": "binary"}}
            parameters.append(_length_header())
        said["requestBody"] = {
            "required": True,
            "description": f"At most {limits.body_bytes} bytes and {limits.rows_per_request} rows.",
            "content": content,
        }
    return {**said, "parameters": parameters} if parameters else said


_PLAIN = str.maketrans("", "", "{}.")


def _response(operation: Operation, status: int) -> dict[str, Any]:
    struct = operation.answers.get(status, Refusal)
    words = "Answered" if status == 200 else "Refused; `fields` says what and where"
    if struct is None:
        return {"description": words, "content": {_JSON_OR_TEXT[operation.path]: {}}}
    content: dict[str, Any] = {JSON: {"schema": _reference(struct)}}
    if operation.in_bytes and struct is InferenceResponse:
        content[_BYTES] = {"schema": {"type": "string", "format": "binary"}}
    return {"description": words, "content": content}


_JSON_OR_TEXT = {"/metrics": _TEXT, "/openapi.json": JSON}


def _reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _length_header() -> dict[str, Any]:
    return {
        "name": HEADER.decode().title(),
        "in": "header",
        "required": False,
        "description": "Bytes of the JSON part, when tensors follow it as bytes.",
        "schema": {"type": "integer", "minimum": 1},
    }
