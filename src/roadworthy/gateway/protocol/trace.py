"""W3C trace context: which trace a request belongs to, in its caller's words.

Source: W3C Recommendation "Trace Context", sections 3.2 (traceparent) and 3.3 (tracestate).
"""

from __future__ import annotations

import re

_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
LONGEST = 512
"""Bytes of a header that are passed on."""


def trace_id(traceparent: bytes) -> str:
    """The trace id of a valid `traceparent`, 32 hex digits; empty for anything else, which is then ignored.

    Example:
        >>> trace_id(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        '4bf92f3577b34da6a3ce929d0e0e4736'
        >>> trace_id(b"00-00000000000000000000000000000000-00f067aa0ba902b7-01")
        ''
    """
    if not traceparent or len(traceparent) > LONGEST:
        return ""
    found = _TRACEPARENT.fullmatch(traceparent)
    # Version 00 ends here; what a later version adds is not ours to judge.
    return found[2].decode() if found and (found[1] != b"00" or not found[3]) else ""
