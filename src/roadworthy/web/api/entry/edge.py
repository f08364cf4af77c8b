"""The one place where errors become HTTP answers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from roadworthy.domain.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    ModelError,
    NotFoundError,
    RefusedError,
    RoadworthyError,
    ThrottledError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    shortlist,
)

STATUS: dict[type[RoadworthyError], int] = {
    TooLargeError: 413,
    InputError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    UnauthenticatedError: 401,
    RefusedError: 403,
    IntegrityError: 409,
    ModelError: 502,
    ThrottledError: 429,
    UnavailableError: 503,
}
"""HTTP status per branch of the error tree; the first match counts."""


def status_of(error: RoadworthyError) -> int:
    """The HTTP status of an error."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


def body_of(error: RoadworthyError) -> dict[str, Any]:
    """What the answer says: the stable code, what happened, and what to do."""
    fields = {
        k: v if isinstance(v, str | int | float | bool | list) or v is None else str(v)
        for k, v in error.fields.items()
    }
    return {"code": error.code, "what": error.what, "remedy": error.remedy, "fields": fields}


def answer_of(error: RoadworthyError) -> JSONResponse:
    """The whole answer: 401 says how to prove who asks, 429 when to come back."""
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="roadworthy"'
    if isinstance(error, ThrottledError):
        headers["Retry-After"] = str(error.fields.get("retry_after_s", 1))
    return JSONResponse(body_of(error), status_code=status_of(error), headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of ours from the table, and all others in the same shape."""

    @app.exception_handler(RoadworthyError)
    async def ours(_: Request, error: RoadworthyError) -> JSONResponse:
        return answer_of(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        where = [".".join(str(part) for part in e["loc"]) + ": " + str(e["msg"]) for e in error.errors()]
        answer = {
            "code": "input",
            "what": f"the request is malformed: {shortlist(where, 5)}",
            "remedy": "See the API reference for the fields of this request.",
            "fields": {"problems": where[:20]},
        }
        return JSONResponse(answer, status_code=422)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> JSONResponse:
        unread = error.status_code == 400
        answer: dict[str, Any] = {
            "code": {404: "not-found", 413: "too-large"}.get(error.status_code, "input"),
            "what": f"{request.method} {request.url.path[:200]}: {error.detail}",
            "remedy": "Send valid JSON." if unread else "The paths there are: GET /api/openapi.json.",
            "fields": {},
        }
        return JSONResponse(answer, status_code=422 if unread else error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        answer = {
            "code": RoadworthyError.code,
            "what": f"a defect in the control plane: {type(error).__name__}",
            "remedy": "Report it with the traceback in the server's log.",
            "fields": {"path": request.url.path[:200]},
        }
        return JSONResponse(answer, status_code=500)
