"""Whatever is sent, the API answers with a 4xx that says why, and never with a 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.web.api.app import PREFIX, build_api

DESCRIBED = build_api(None, "", "").openapi()  # type: ignore[arg-type] - it is only described
KNOWN = ["mailing", "offers:1", "offers", "work-1", "validation", "validation-offers:1-1", "dan", "letter"]
words = st.sampled_from(KNOWN) | st.text(st.characters(codec="utf-8"), max_size=12)
times = st.sampled_from(["2026-03-02T09:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "today"])
numbers = st.sampled_from([0, 0.0, -1, 0.5, 1, 2**63, 10**400, -1e308, 5e-324]) | st.floats() | st.integers()


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of the described shape; what they say is another matter."""
    if "$ref" in schema:
        return fitting(DESCRIBED["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*(fitting(s) for s in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | words
    if schema.get("type") == "array":
        return st.lists(fitting(schema["items"]), max_size=3)
    if schema.get("type") == "object":
        required = set(schema.get("required", ()))
        fields = {k: fitting(v) for k, v in schema.get("properties", {}).items()}
        return st.fixed_dictionaries(
            {k: v for k, v in fields.items() if k in required},
            optional={k: v for k, v in fields.items() if k not in required},
        )
    plain = {"boolean": st.booleans(), "number": numbers, "integer": numbers, "null": st.none()}
    return plain.get(str(schema.get("type")), times if schema.get("format") == "date-time" else words)


def content(operation: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a client may send as JSON; operations that take bytes get text."""
    described = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return fitting(described["schema"]) if described else words


OPERATIONS = [(m, p, op) for p, ops in DESCRIBED["paths"].items() for m, op in ops.items()]


@pytest.fixture
def api(api_at: Any) -> Any:
    return api_at("serving")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_of_the_right_shape_makes_the_api_fall_over(api: Any, data: Any) -> None:
    method, path, operation = data.draw(st.sampled_from(OPERATIONS))
    filled = path.removeprefix(PREFIX)
    query: dict[str, Any] = {}
    for given_ in operation.get("parameters", ()):
        if given_["in"] == "path":
            word = data.draw(words.filter(bool), label=given_["name"])
            filled = filled.replace("{" + given_["name"] + "}", quote(word, safe=""))
        elif given_["in"] == "query":
            query[given_["name"]] = str(data.draw(fitting(given_["schema"]), label=given_["name"]))
    body = json.dumps(data.draw(content(operation), label="body"))
    reply = api.ask(
        method.upper(), filled, data.draw(st.sampled_from(["admin", "olga"])), params=query, content=body
    )
    assert reply.status_code < 500, reply.text
