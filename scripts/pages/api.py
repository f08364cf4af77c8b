"""The HTTP API from its own OpenAPI description, and the gateway's routes from its docstring."""

from __future__ import annotations

from typing import Any, cast

from scripts.pages.markdown import code, page, prose, table

from roadworthy.gateway import app as gateway
from roadworthy.gateway.protocol import codec
from roadworthy.gateway.protocol.edge import STATUSES
from roadworthy.services.house import House
from roadworthy.web.api.app import PREFIX, build_api

_INTRO = f"""
The control plane answers under `{PREFIX}`; the OpenAPI file is at
`/api/openapi.json`. Send `Authorization: Bearer TOKEN` (the token is in the workspace's file `token`) and, to
act as somebody by the workspace's own token, `X-Roadworthy-Actor: NAME`. [Access](access.md) says who may
call what. An unknown field is refused. Errors: [errors](errors.md). Times
are ISO 8601 with a zone.
"""
_GATEWAY = """
The gateway answers the Open Inference Protocol, version 2, and asks for no token: put it where only your
applications can reach it. It loads nothing whose signatures do not verify.
"""

_ALSO = """
Also: 405 wrong method, 413 body too large, 415 not plain JSON, 429 overloaded (with `Retry-After`). Errors are
`{"error": ..., "code": ..., "fields": {...}}`.
"""


def api_page() -> str:
    """`reference/api.md`."""
    described = build_api(cast("House", None), "", "").openapi()
    schemas = described["components"]["schemas"]
    by_tag: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, about in methods.items():
            by_tag.setdefault(about["tags"][0], []).append(_route(method, path, about, schemas))
    parts = [_INTRO]
    for tag, routes in by_tag.items():
        parts += [f"## {tag.capitalize()}", *routes]
    bodies = [_schema(name, s) for name, s in sorted(schemas.items()) if _is_ours(name)]
    return page("HTTP API", *parts, "## Request bodies", *bodies, *_gateway())


def routes() -> list[str]:
    """Every route of the API as `METHOD /path`, for the test that all are on the page."""
    paths = build_api(cast("House", None), "", "").openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def _route(method: str, path: str, about: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [f"### {method.upper()} {path}", prose(about.get("description") or about.get("summary"))]
    query = [p for p in about.get("parameters", ()) if p["in"] == "query"]
    if query:
        said = ", ".join(code(p["name"]) + (" (required)" if p.get("required") else "") for p in query)
        parts.append(f"Query: {said}.")
    content = about.get("requestBody", {}).get("content", {})
    for media, body in content.items():
        name = str(body["schema"].get("$ref", "")).rpartition("/")[2]
        form = ", ".join(code(part) for part in schemas.get(name, {}).get("properties", {}))
        parts.append(f"Body ({media}): {_type(body['schema']) if _is_ours(name) else form}.")
    return "\n\n".join(parts)


def _schema(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        said = f"One of {', '.join(code(v) for v in schema['enum'])}."
        return "\n\n".join([f"### {name}", prose(schema.get("description")), said])
    required = schema.get("required", [])
    rows = [
        (code(field), _type(about), "required" if field in required else _default(about))
        for field, about in schema["properties"].items()
    ]
    return "\n\n".join([f"### {name}", prose(schema.get("description")), table(("field", "type", "default"), rows)])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if _is_ours(name) else name
    if "anyOf" in schema:
        return " or ".join(_type(s) for s in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(code(v) for v in schema["enum"])
    kind = str(schema.get("format") or schema.get("contentMediaType") or schema.get("type", "any"))
    return f"list of {_type(schema['items'])}" if kind == "array" else kind


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return code(value) if value not in (None, "") else ""


def _is_ours(name: str) -> bool:
    return not name.startswith(("Body_", "HTTPValidationError", "ValidationError"))


def _gateway() -> list[str]:
    routes_text = prose(gateway.__doc__).split("\n\n")
    body = prose(codec.__doc__).split("\n\n")
    statuses = [(code(kind.code), status) for kind, status in STATUSES]
    return [
        "## The gateway",
        _GATEWAY,
        f"```text\n{prose(routes_text[1])}\n```",
        routes_text[2],
        "### Request",
        f"```text\n{prose(body[1])}\n```",
        body[2],
        "### Answer",
        _answer(),
        "### Statuses",
        table(("branch of the error tree", "status"), statuses),
        _ALSO,
    ]


def _answer() -> str:
    outputs = ", ".join(f"`{name}` ({kind})" for name, kind in codec.OUTPUTS)
    return (
        f"One output per row each: {outputs}. The score of a row in the hold-out is null. `parameters` name the "
        "deployment, its revision and your request ids."
    )
