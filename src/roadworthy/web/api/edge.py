"""The one place where errors become HTTP answers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from roadworthy.domain.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    ModelError,
    NotFoundError,
    RefusedError,
    RoadworthyError,
    UnavailableError,
    shortlist,
)

STATUS: dict[type[RoadworthyError], int] = {
    InputError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    RefusedError: 403,
    IntegrityError: 409,
    ModelError: 502,
    UnavailableError: 503,
}
"""HTTP status per branch of the error tree."""


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


def install(app: FastAPI) -> None:
    """Answer every error of ours from the table, and malformed requests in the same shape."""

    @app.exception_handler(RoadworthyError)
    async def ours(_: Request, error: RoadworthyError) -> JSONResponse:
        return JSONResponse(body_of(error), status_code=status_of(error))

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
