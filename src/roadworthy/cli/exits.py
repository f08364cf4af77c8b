"""The one place where errors and verdicts become exit codes.

0  done; a gate passed, perhaps with warnings
1  a defect in Roadworthy itself; of `why`: something stands in the version's way
2  input          3  not found      4  conflict     5  refused
6  evidence wrong 7  model          8  unavailable  9  could not verify: neither right nor wrong
10 a gate or review failed, an agent is silent      11 inconclusive     12 a check broke
13 not proven who asks: no token, or one that is wrong, expired or revoked
"""

from __future__ import annotations

from typing import Any

from roadworthy.domain.errors import (
    ConflictError,
    CouldNotVerifyError,
    InputError,
    IntegrityError,
    ModelError,
    NotFoundError,
    RefusedError,
    RoadworthyError,
    UnauthenticatedError,
    UnavailableError,
)
from roadworthy.domain.verdict import Verdict

DEFECT = 1
BLOCKED = 1
WRONG, COULD_NOT_VERIFY = 6, 9
UNAUTHENTICATED = 13

ERRORS: dict[type[RoadworthyError], int] = {
    CouldNotVerifyError: COULD_NOT_VERIFY,
    InputError: 2,
    NotFoundError: 3,
    ConflictError: 4,
    RefusedError: 5,
    UnauthenticatedError: UNAUTHENTICATED,
    IntegrityError: WRONG,
    ModelError: 7,
    UnavailableError: 8,
}
"""Exit code per branch of the error tree; the first match counts."""

VERDICTS: dict[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.WARN: 0,
    Verdict.FAIL: 10,
    Verdict.INCONCLUSIVE: 11,
    Verdict.ERROR: 12,
}
"""Exit code per verdict of a gate or a review."""


def exit_of(error: RoadworthyError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in ERRORS.items() if isinstance(error, kind)), DEFECT)


def document_of(code: str, what: str, remedy: str, fields: dict[str, object] | None = None) -> dict[str, Any]:
    """What `--json` prints for an error."""
    facts = {k: v if _is_plain(v) else str(v) for k, v in (fields or {}).items()}
    return {"error": {"code": code, "what": what, "remedy": remedy, "fields": facts}}


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, str | int | float | bool)
