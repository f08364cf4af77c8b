"""Canonical JSON: one value, one sequence of bytes (RFC 8785, JSON Canonicalization Scheme).

Digests and signatures are taken over these bytes, so two programs that agree on the value agree on the digest.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError, DataError

MAX_DEPTH = 100
"""How deep a value may nest: far beyond any evidence, far below the interpreter's recursion limit."""

MAX_DOCUMENT_BYTES = 64 * 2**20
"""The largest document that is read: beyond it, it is refused by its size, before a byte is parsed."""

_SAFE_INTEGER = 2**53
_quote = json.JSONEncoder(ensure_ascii=False).encode
_Path = list[str | int]


def canonical(value: object) -> bytes:
    """The canonical bytes (UTF-8) of a JSON value: None, bool, int, float, str, lists or tuples, and dicts.

    Object keys are ordered by their UTF-16 code units, numbers written as ECMAScript writes them, and nothing is
    escaped that need not be.

    Raises:
        DataError: NaN or infinity, an integer that a double cannot carry, a lone surrogate, a key that is not
            text, any other type, or nesting beyond `MAX_DEPTH`; names the place, like `$.findings[3].statistic`.

    Example:
        >>> canonical({"b": [1.0, -0.0, 1e21], "a": "é"}).decode()
        '{"a":"é","b":[1,0,1e+21]}'

    References:
        RFC 8785, section 3.2; ECMA-262, Number::toString.
    """
    parts: list[str] = []
    _write(value, [], parts)
    return "".join(parts).encode()


def to_json(entity: object) -> Any:
    """The JSON value of a domain entity: dataclasses become objects, enums their values, times RFC 3339 text.

    Raises:
        DataError: the entity holds something JSON has no word for.
    """
    try:
        return msgspec.to_builtins(entity)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise DataError(
            f"{type(entity).__name__} cannot be written as JSON: {error}",
            remedy="Use numbers, text, booleans, lists, dicts with text keys, and times.",
            type=type(entity).__name__,
        ) from error


def parse_canonical(data: bytes, what: str, limit: int = MAX_DOCUMENT_BYTES) -> Any:
    """The JSON value of canonical bytes; bytes that are not canonical are refused, so no second spelling exists.

    Args:
        data: the bytes.
        what: how to call them in a refusal, like "the served document".
        limit: the most bytes it may have.

    Raises:
        CouldNotVerifyError: larger than the limit, not JSON, or JSON in any other than the canonical form.
    """
    check_size(len(data), what, limit)
    try:
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise CouldNotVerifyError(
            f"{what} is not JSON: {error}", remedy="Fetch it again, or publish it again.", piece=what
        ) from error
    try:
        same = canonical(value) == data
    except DataError as error:
        raise _not_canonical(what, error.what) from error
    if not same:
        raise _not_canonical(what, "its bytes differ from the canonical form of its value")
    return value


def check_size(size: int, what: str, limit: int = MAX_DOCUMENT_BYTES) -> None:
    """Refuse by size alone, so that what is far too large costs no memory.

    Raises:
        CouldNotVerifyError: `size` bytes are more than `limit`.
    """
    if size > limit:
        raise CouldNotVerifyError(
            f"{what} has {size:,} bytes, more than the {limit:,} that are read",
            remedy="No genuine one is so large: get it again from its source.",
            piece=what,
        )


def _not_canonical(what: str, why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"{what} is not canonical JSON (RFC 8785): {why}",
        remedy="Keep the bytes exactly as they were written; do not reformat them.",
        piece=what,
    )


def _write(value: object, path: _Path, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, str):
        parts.append(_text(value, path))
    elif isinstance(value, int):
        parts.append(_integer(value, path))
    elif isinstance(value, float):
        parts.append(_number(value, path))
    elif isinstance(value, dict):
        _write_object(value, path, parts)
    elif isinstance(value, list | tuple):
        _write_array(value, path, parts)
    else:
        _refuse(
            path, f"is a {type(value).__name__}, which JSON has no word for", "Pass it through `to_json` first."
        )


def _write_array(items: list[object] | tuple[object, ...], path: _Path, parts: list[str]) -> None:
    _check_depth(path)
    parts.append("[")
    for index, item in enumerate(items):
        if index:
            parts.append(",")
        path.append(index)
        _write(item, path, parts)
        path.pop()
    parts.append("]")


def _write_object(members: dict[Any, object], path: _Path, parts: list[str]) -> None:
    _check_depth(path)
    parts.append("{")
    for index, key in enumerate(_ordered(members, path)):
        if index:
            parts.append(",")
        path.append(key)
        parts.append(_text(key, path))
        parts.append(":")
        _write(members[key], path, parts)
        path.pop()
    parts.append("}")


def _ordered(members: dict[Any, object], path: _Path) -> list[str]:
    for key in members:
        if not isinstance(key, str):
            _refuse(path, f"has the key {key!r}, which is not text", "Use text keys.")
    if all(key.isascii() for key in members):
        return sorted(members)
    return sorted(members, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _text(text: str, path: _Path) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            _refuse(path, "holds half of a surrogate pair, which is not a character", "Repair the text's encoding.")
    return _quote(text)


def _integer(value: int, path: _Path) -> str:
    if -_SAFE_INTEGER < value < _SAFE_INTEGER:
        return int.__repr__(value)
    # A JSON number is a double: a larger integer is kept only when its double prints the very same digits.
    try:
        if _number(float(value), path) == int.__repr__(value):
            return int.__repr__(value)
    except OverflowError:
        pass
    return _refuse(path, "is an integer beyond what a JSON number carries exactly (2**53 - 1)", "Write it as text.")


def _number(value: float, path: _Path) -> str:
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is what differs from itself
        _refuse(
            path, f"is {value}, which JSON cannot carry", "Leave the value out (None) and say why it is missing."
        )
    if value == 0:
        return "0"
    text = float.__repr__(value)
    if "e" not in text:
        return text.removesuffix(".0")
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    return sign + _ecmascript((whole + fraction).rstrip("0"), len(whole) + int(exponent))


def _ecmascript(digits: str, point: int) -> str:
    """0.`digits` x 10**`point` in the notation ECMA-262 prescribes (`digits` without outer zeros)."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"


def _check_depth(path: _Path) -> None:
    if len(path) >= MAX_DEPTH:
        _refuse(path[:4], f"nests deeper than {MAX_DEPTH} levels", "Flatten it.")


def _refuse(path: _Path, why: str, remedy: str) -> NoReturn:
    joined = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    place = joined[:200].encode("ascii", "backslashreplace").decode()
    raise DataError(f"{place} {why}", remedy=remedy, place=place)
