"""Unpacking compressed bodies without ever holding more than a body may have: a bomb of a few bytes stays one.

Source: RFC 9110, section 8.4.1 (content codings); RFC 7694 (a server names the codings it takes).
"""

from __future__ import annotations

import zlib

from roadworthy.gateway.protocol.columns import malformed

CODINGS = ("identity", "gzip", "deflate")
"""What `Content-Encoding` may say; several one upon the other are refused."""

_GZIP, _ZLIB = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS


def inflated(body: bytes, coding: str, limit: int) -> bytes | None:
    """The body unpacked; None when it would have more than `limit` bytes, of which no more are then unpacked.

    Raises:
        InputError: the bytes are not of this coding, break off, or go on after their end.
    """
    stream = zlib.decompressobj(_GZIP if coding == "gzip" else _ZLIB)
    try:
        found = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise malformed(
            "body", f"the body is not {coding}: {str(error)[:100]}", "Compress it once, as its header says."
        ) from None
    if len(found) > limit:
        return None
    if not stream.eof or stream.unused_data:
        raise malformed(
            "body",
            f"the {coding} body {'goes on after its end' if stream.eof else 'breaks off'}",
            "Send one complete compressed stream.",
        )
    return found
