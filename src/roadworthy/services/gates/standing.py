"""The standing protections a playbook asks for, per risk tier and per endpoint.

protection:
  high: {rows_per_minute: 6000, burst_rows: 6000, score_digits: 3, reason: "..."}
  endpoints:
    mailing: {detectors: [extraction], outside: reject, reason: "..."}   # over its tier's
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.standing.protection import ClientFrom, OutsideRange, ProtectionTerms
from roadworthy.domain.use_case import RiskTier
from roadworthy.monitoring.protection.detectors import DETECTORS

ENDPOINTS = "endpoints"
"""The key below which single endpoints are named."""

KEYS = tuple(f.name for f in fields(ProtectionTerms) if f.name != "profile")
"""What a playbook may say of protections."""

MOST_ROWS = 10**9

PROTECTION: dict[RiskTier, ProtectionTerms] = {
    RiskTier.LOW: ProtectionTerms(reason="Little is at stake: nothing stands guard unless it is asked for."),
    RiskTier.MEDIUM: ProtectionTerms(
        outside=OutsideRange.FLAG,
        detectors=tuple(DETECTORS),
        reason="Misuse is seen and told; nobody is refused, as a wrong alarm would cost an honest customer.",
    ),
    RiskTier.HIGH: ProtectionTerms(
        rows_per_minute=60_000.0,
        burst_rows=60_000,
        outside=OutsideRange.FLAG,
        score_digits=4,
        detectors=tuple(DETECTORS),
        reason="One caller can neither take all the capacity nor read the score's last digits, which copying lives on.",
    ),
}
"""What runs where the playbook does not say."""


def terms_from(given: Mapping[str, Any], base: ProtectionTerms) -> ProtectionTerms:
    """`base` with what a playbook says instead.

    Raises:
        PlaybookError: an unknown key or a value out of range, naming what is allowed; no reason given.
    """
    for key, value in given.items():
        if key not in KEYS:
            raise _error(key, f"there is no protection '{key}'", f"Allowed: {', '.join(KEYS)}.", KEYS)
        holds, allowed = _RANGES[key]
        if not holds(value):
            raise _error(key, f"the protection '{key}' is {value!r}", f"Allowed: {allowed}.", allowed)
    if not str(given.get("reason") or "").strip():
        raise _error("reason", "the protections give no reason", "Say why they suit.", KEYS)
    values: dict[str, Any] = {**given, "reason": str(given["reason"]).strip()}
    if "client_from" in values:
        values["client_from"] = ClientFrom(values["client_from"])
    if "outside" in values:
        values["outside"] = OutsideRange(values["outside"])
    if "detectors" in values:
        values["detectors"] = tuple(values["detectors"])
    terms = replace(base, **values)
    if (terms.rows_per_minute is None) != (terms.burst_rows is None):
        raise _error(
            "burst_rows", "a budget needs rows_per_minute and burst_rows", "Give both, or null for both.", KEYS
        )
    return terms


def _error(key: str, what: str, remedy: str, allowed: object) -> PlaybookError:
    return PlaybookError(what, remedy=remedy, key=key, allowed=allowed)


def _is_number(value: object, low: float, high: float, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= float(str(value)) <= high


def _one_of(*allowed: str) -> tuple[Callable[[object], bool], str]:
    return (lambda v: v in allowed), ", ".join(allowed)


_RANGES: dict[str, tuple[Callable[[object], bool], str]] = {
    "client_from": _one_of(*(c.value for c in ClientFrom)),
    "rows_per_minute": (
        lambda v: v is None or _is_number(v, 1e-3, MOST_ROWS, int, float),
        f"rows above 0 up to {MOST_ROWS}, or null for no budget",
    ),
    "burst_rows": (
        lambda v: v is None or _is_number(v, 1, MOST_ROWS, int),
        f"a whole number from 1 to {MOST_ROWS}, or null for no budget",
    ),
    "outside": _one_of(*(o.value for o in OutsideRange)),
    "score_digits": (
        lambda v: v is None or _is_number(v, 1, 15, int),
        "a whole number from 1 to 15, or null for all digits",
    ),
    "detectors": (
        lambda v: isinstance(v, list) and all(name in DETECTORS for name in v),
        f"a list of {', '.join(DETECTORS)}",
    ),
    "reason": (lambda v: isinstance(v, str), "text"),
}
