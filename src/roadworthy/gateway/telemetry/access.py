"""The access log: one line per request, all of those that failed here and a share of the others."""

from __future__ import annotations

import logging
from itertools import count

from roadworthy.gateway.protocol.trace import trace_id
from roadworthy.gateway.telemetry.watch import Seen

log = logging.getLogger("roadworthy.access")

FAILED = 500
"""From this status on a request failed here, and is always logged."""


class AccessLog:
    """Logs every request with status 500 or above, and of the others `percent` in a hundred, evenly. Is a `Watch`."""

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._others = count()

    def answered(self, seen: Seen) -> str:
        """Write its line, or none."""
        if seen.status >= FAILED or self._drawn():
            path = "".join(c if c.isprintable() else "?" for c in seen.path[:200])
            log.info(
                "%s %s %d",
                seen.method,
                path,
                seen.status,
                extra={
                    "method": seen.method,
                    "path": path,
                    "endpoint": seen.endpoint,
                    "status": seen.status,
                    "ms": round((seen.ended - seen.marks.arrived) * 1000, 3),
                    "request_id": seen.request_id[:256],
                    "trace_id": trace_id(seen.traceparent.encode()),
                },
            )
        return ""

    def close(self) -> None:
        """Nothing is kept back."""

    def _drawn(self) -> bool:
        """The n-th is logged when its share of a hundred passes a whole number: no generator, no bursts."""
        n = next(self._others)
        return (n + 1) * self._percent // 100 > n * self._percent // 100
