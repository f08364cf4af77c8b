"""Reading a YAML or JSON file of named fields, and the short spellings of command-line options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from roadworthy.domain.errors import SettingError

_LIMIT = re.compile(
    r"(?P<name>[^:]+):(?P<expression>.+?)\s*(?P<sign><=|>=)\s*(?P<limit>[-+\d.eE]+)\s*(?P<unit>\D*)$"
)


def read_document(path: Path, allowed: Sequence[str]) -> dict[str, Any]:
    """The fields of a YAML (or JSON, which is YAML) file.

    Raises:
        SettingError: not readable, no mapping, or an unknown key; names file, key and what is allowed.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8 text"
        raise SettingError(
            f"'{path}' cannot be read: {reason}", remedy="Check the path.", file=str(path)
        ) from problem
    except yaml.YAMLError as problem:
        where = str(getattr(problem, "problem_mark", "")).strip()
        raise SettingError(
            f"'{path}' is no valid YAML {where}".strip(),
            remedy="Correct the indentation or quoting.",
            file=str(path),
        ) from problem
    if not isinstance(found, dict):
        raise SettingError(f"'{path}' holds no fields", remedy=f"Allowed: {', '.join(allowed)}.", file=str(path))
    for key in found:
        refuse_unknown(str(key), allowed, f"'{path}'")
    return {str(k): v for k, v in found.items()}


def refuse_unknown(key: str, allowed: Sequence[str], where: str) -> None:
    """Refuse a key that is not allowed, with the nearest that is."""
    if key in allowed:
        return
    near = get_close_matches(key, allowed, 1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise SettingError(
        f"{where} has the unknown key '{key}'",
        remedy=f"{hint}Allowed: {', '.join(allowed)}.",
        key=key,
        allowed=list(allowed),
    )


def read_limit(text: str) -> dict[str, Any]:
    """`NAME: EXPRESSION <= LIMIT UNIT` as a KPI limit.

    Raises:
        SettingError: it is spelled otherwise.

    Example:
        >>> read_limit("calls: acted * 1.0 <= 0.2 calls")["bound"]
        'at-most'
    """
    found = _LIMIT.match(text.strip())
    limit = _number(found["limit"]) if found else None
    if found is None or limit is None:
        raise SettingError(
            f"'{text}' is no limit",
            remedy="Write 'NAME: EXPRESSION <= NUMBER UNIT', for example 'calls: acted * 1.0 <= 0.2 calls'.",
            field="limit",
        )
    return {
        "name": found["name"].strip(),
        "expression": found["expression"].strip(),
        "bound": "at-most" if found["sign"] == "<=" else "at-least",
        "limit": limit,
        "unit": found["unit"].strip(),
    }


def read_point(text: str) -> dict[str, Any]:
    """`NAME:KIND:CONSUMER` as a decision point; kind and consumer may be left out."""
    name, _, rest = text.partition(":")
    kind, _, consumer = rest.partition(":")
    return {"name": name, "kind": kind or "application", "consumer": consumer or "the application"}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
