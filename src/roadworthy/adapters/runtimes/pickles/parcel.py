"""A message between this process and the locked-down one: a JSON header, then bytes."""

from __future__ import annotations

import json
from typing import Any

_HEADER_BYTES = 8


def pack(header: dict[str, Any], body: bytes) -> bytes:
    """One message: length of the header (8 bytes), header as JSON, body."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(_HEADER_BYTES, "little") + text + body


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body of a message."""
    end = _HEADER_BYTES + int.from_bytes(message[:_HEADER_BYTES], "little")
    return json.loads(message[_HEADER_BYTES:end]), message[end:]
