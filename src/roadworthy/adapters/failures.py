"""Errors as plain JSON and back, so that durable work fails the same way when it is rejoined after a restart.

Our own errors come back as their class with code, message, remedy and fields; Python's built-in ones as their
class; any other as `RoadworthyError` naming the original class. No pickle is involved.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator
from typing import Any

from roadworthy.domain.errors import DataError, RoadworthyError


def plain_json(value: Any, what: str) -> Any:
    """The value as JSON gives it back (tuples become lists), so a first run and a rejoined one see the same.

    Raises:
        DataError: the value is not plain JSON; `what` names it.
    """
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} is not plain JSON: {error}",
            remedy="Give None, booleans, numbers, text, lists and dictionaries only.",
        ) from error


def record(error: BaseException) -> dict[str, Any]:
    """What must be kept of an error to raise it again."""
    if isinstance(error, RoadworthyError):
        fields = {name: _plain_or_text(value) for name, value in error.fields.items()}
        return {"code": error.code, "what": error.what, "remedy": error.remedy, "fields": fields}
    return {"type": type(error).__name__, "args": [_plain_or_text(a) for a in error.args], "text": str(error)}


def rebuild(kept: dict[str, Any]) -> Exception:
    """The error that `record` kept."""
    if "code" in kept:
        known = {cls.code: cls for cls in _tree(RoadworthyError)}
        cls = known.get(kept["code"], RoadworthyError)
        return cls(kept["what"], remedy=kept["remedy"], **kept["fields"])
    builtin = getattr(builtins, kept["type"], None)
    if isinstance(builtin, type) and issubclass(builtin, Exception):
        try:
            return builtin(*kept["args"])
        except TypeError:
            pass  # a built-in whose arguments are not JSON (UnicodeDecodeError): told by name below
    return RoadworthyError(
        f"the work raised {kept['type']}: {kept['text']}",
        remedy="This is a fault in the work itself; its traceback is in the log.",
        error_type=kept["type"],
    )


def _tree(root: type[RoadworthyError]) -> Iterator[type[RoadworthyError]]:
    """The classes below `root`, the deepest first, so that of equal codes the one nearest the root counts."""
    for cls in root.__subclasses__():
        yield from _tree(cls)
    yield root


def _plain_or_text(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return str(value)
