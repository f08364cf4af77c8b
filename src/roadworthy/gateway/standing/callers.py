"""Telling clients apart, as an endpoint's signed terms say. Nothing here proves who anybody is: see `ClientFrom`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from roadworthy.domain.standing.protection import ClientFrom

HEADER = b"x-client-id"
LONGEST = 64
"""Characters of a client's name that count."""


def client_of(caller: Mapping[str, Any], by: ClientFrom) -> str:
    """The client's name; a token is named by the first 16 hex digits of its SHA-256 and never kept.

    Args:
        caller: `headers` as pairs of bytes, `client` as (address, port) or None, like an ASGI scope.
        by: what the deployment's terms say.

    Example:
        >>> client_of({"headers": [(b"x-client-id", b"shop")], "client": ("10.0.0.7", 4711)}, ClientFrom.HEADER)
        'shop'
        >>> client_of({"headers": [(b"x-client-id", b"shop")], "client": ("10.0.0.7", 4711)}, ClientFrom.ADDRESS)
        'address 10.0.0.7'
    """
    headers = caller.get("headers", ())
    if by is ClientFrom.HEADER:
        named = _header(headers, HEADER).strip()
        if named:
            return named.decode("latin-1")[:LONGEST]
    if by is ClientFrom.TOKEN:
        kind, _, token = _header(headers, b"authorization").partition(b" ")
        if kind.lower() == b"bearer" and token.strip():
            return f"token {hashlib.sha256(token.strip()).hexdigest()[:16]}"
    address = caller.get("client")
    return f"address {address[0]}"[:LONGEST] if address else "address unknown"


def _header(headers: Any, name: bytes) -> bytes:
    return next((bytes(value) for key, value in headers if bytes(key).lower() == name), b"")
