"""The OpenAPI document says all the application does, and schemathesis, reading it, finds nothing else."""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

sys.path.insert(0, str(Path(__file__).parent))

from test_server import by_granian

from roadworthy.gateway import app as gateway_app
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.protocol.openapi import OPERATIONS, described_api
from roadworthy.gateway.request import Limits

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SERVED = {"endpoint": "offers", "version": "v1"}
BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def matched_paths() -> set[str]:
    """The paths `app.py` has a case for, read from its source: a route nobody described is found here."""

    def parts(pattern: ast.pattern) -> list[str] | None:
        if not isinstance(pattern, ast.MatchSequence):
            return None
        named = []
        for part in pattern.patterns:
            if isinstance(part, ast.MatchValue) and isinstance(part.value, ast.Constant):
                named.append(str(part.value.value))
            elif isinstance(part, ast.MatchAs):
                named.append(f"{{{part.name}}}")
            else:
                named.append("*")
        return named

    def cases(function: str) -> Iterator[list[str]]:
        tree = ast.parse(inspect.getsource(gateway_app))
        body = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == function)
        for node in ast.walk(body):
            if isinstance(node, ast.match_case) and (found := parts(node.pattern)) is not None:
                yield found

    own, of_model = list(cases("_route")), list(cases("_model_route"))
    assert len(own) > 5
    assert len(of_model) > 3
    paths = {"/" + "/".join(p) for p in own if "*" not in p}
    prefixes = [p[:-1] for p in own if p[-1] == "*"]
    return paths | {"/" + "/".join((*a, *b)) for a, b in itertools.product(prefixes, of_model)}


def test_every_route_of_the_application_is_described_and_no_other() -> None:
    assert {o.path for o in OPERATIONS} == matched_paths()
    assert len({o.path for o in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_a_path_takes_the_described_method_and_says_so(served_world: Any, operation: Any) -> None:
    path = operation.path.format(endpoint="offers", version="v1")
    body = served_world.body() if operation.method == "POST" else None
    assert served_world.request(operation.method, path, body).status_code in operation.answers
    refused = served_world.request("DELETE", path)
    assert (refused.status_code, refused.headers["allow"]) == (405, operation.method)


def test_the_document_is_served_as_it_is_made(world: Any) -> None:
    reply = world.request("GET", "/openapi.json")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.content == described_api(Limits())
    assert reply.json()["openapi"] == "3.1.0"


def with_schema(world: Any, talk: Any) -> Any:
    """What `talk` gets from the document a gateway behind a real server hands out."""

    async def run() -> Any:
        async with by_granian(GatewayApp(world.gateway)) as address:
            schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{address}/openapi.json")
            return await asyncio.to_thread(talk, schema)

    return asyncio.run(run())


def tried(operation: Any, mode: GenerationMode) -> set[int]:
    """The statuses one operation answered to bounded, seeded requests; half of them ask for what is served."""
    seen: set[int] = set()

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def try_it(case: Any, real: bool) -> None:
        if real:
            case.path_parameters.update({k: SERVED[k] for k in case.path_parameters})
        reply = case.call()
        seen.add(reply.status_code)
        case.validate_response(reply, checks=CHECKS)

    try_it()
    return seen


def test_schemathesis_finds_no_server_error_and_no_undescribed_answer(served_world: Any) -> None:
    def talk(schema: Any) -> dict[str, set[int]]:
        statuses: dict[str, set[int]] = {}
        for found in schema.get_all_operations():
            operation = found.ok()
            name = f"{operation.method.upper()} {operation.path}"
            statuses[name] = tried(operation, GenerationMode.POSITIVE)
            if operation.body:
                statuses[name] |= tried(operation, GenerationMode.NEGATIVE)
        return statuses

    statuses = with_schema(served_world, talk)
    # schemathesis does not try the document it has read.
    assert {*statuses, "GET /openapi.json"} == {f"{o.method} {o.path}" for o in OPERATIONS}
    # It went deep enough to mean something: what is served and what is not, what fits and what does not.
    assert statuses["GET /v2/models/{endpoint}"] == {200, 404}
    assert {404, 422} <= statuses["POST /v2/models/{endpoint}/infer"]
    assert {404, 422} <= statuses["POST /v2/models/{endpoint}/versions/{version}/invocations"]
