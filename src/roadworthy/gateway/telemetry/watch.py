"""What is known of one request when it has been answered, for those who look on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from roadworthy.gateway.request import Marks


@dataclass(frozen=True, slots=True)
class Seen:
    """One answered request. It has no header, no body and no query: what is secret is not here to be told.

    Attributes:
        method: of HTTP, or "gRPC".
        path: of HTTP, or the method's name.
        endpoint: the endpoint asked for, empty = none, or one that is not known.
        status: HTTP's.
        request_id: of the answer, empty = there is none.
        traceparent: the caller's valid `traceparent`, or empty.
        tracestate: the caller's, of a valid context only.
        marks: when it was where.
        ended: `time.perf_counter()` when its answer was ready.
    """

    method: str
    path: str
    endpoint: str
    status: int
    request_id: str
    traceparent: str
    tracestate: str
    marks: Marks
    ended: float


class Watch(Protocol):
    """Looks on. It must not raise, and must not make anybody wait."""

    def answered(self, seen: Seen) -> str:
        """A request was answered. Returns the `traceparent` of its answer, or empty to leave the caller's."""
        ...

    def close(self) -> None:
        """Send what is not sent yet, for a bounded time."""
        ...
