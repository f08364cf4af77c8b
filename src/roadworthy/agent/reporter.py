"""One report over HTTP: decisions and a sign of life, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import httpx

TIMEOUT_S = 10.0
"""Longest wait for one answer."""


@dataclass(frozen=True, slots=True)
class Made:
    """One decision made elsewhere. `score` is None when the model failed, and `error` then says why."""

    request_id: str
    unit_id: str
    inputs: Mapping[str, Any]
    score: float | None
    acted: bool
    at: datetime
    latency_ms: float = 0.0
    error: str = ""

    def as_json(self) -> str:
        """As the control plane takes it. Raises ValueError or TypeError for what JSON cannot carry."""
        return _json(
            {
                "request_id": self.request_id,
                "unit_id": self.unit_id,
                "inputs": {name: None if _is_nan(value) else value for name, value in self.inputs.items()},
                "score": self.score,
                "acted": self.acted,
                "at": self.at.isoformat(),
                "latency_ms": self.latency_ms,
                "error": self.error,
            }
        )


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What an agent says of itself: since when it runs, and in all, how much it could not report."""

    started_at: datetime
    waiting: int = 0
    lost: int = 0
    refused: int = 0

    def as_json(self) -> str:
        """As the control plane takes it."""
        started = self.started_at.isoformat()
        said = {"started_at": started, "waiting": self.waiting, "lost": self.lost, "refused": self.refused}
        return _json(said)


class Fate(Enum):
    """What became of a report."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a report, and `why` it was not taken: refused for one `row`, or to be sent again later.

    `every_s` is how often the control plane wants to hear of this agent, 0 = it did not say.
    """

    fate: Fate
    why: str = ""
    row: int | None = None
    every_s: float = 0.0


class Reporter:
    """Sends the reports of one agent. The token is only ever in a header."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S)

    def send(self, rows: Sequence[Made], life: SignOfLife) -> Sent:
        """Send one report; raises nothing. A report that was taken in and not answered may safely be sent again."""
        written: list[str] = []
        for number, made in enumerate(rows):
            try:
                written.append(made.as_json())
            except (TypeError, ValueError) as problem:
                return Sent(Fate.REFUSED, f"a decision cannot be written as JSON: {type(problem).__name__}", number)
        body = f'{{"decisions":[{",".join(written)}],"life":{life.as_json()}}}'.encode()
        try:
            reply = self._client.post(f"/api/v1/agents/{self.name}/reports", content=body)
            said = _document(reply)
        except (httpx.HTTPError, ValueError, TypeError) as problem:
            return Sent(Fate.LATER, f"{type(problem).__name__}: {str(problem)[:200]}")
        if reply.is_success:
            return Sent(Fate.TAKEN, every_s=_number(said.get("every_s")))
        fields = said.get("fields") or {}
        why = str(said.get("error") or said.get("what") or f"HTTP {reply.status_code}")[:300]
        if reply.status_code in (413, 422):
            row = fields.get("row")
            return Sent(Fate.REFUSED, why, row if isinstance(row, int) else None)
        return Sent(Fate.LATER, why)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _document(reply: httpx.Response) -> dict[str, Any]:
    is_json = "json" in reply.headers.get("content-type", "")
    found = reply.json() if is_json else {}
    return found if isinstance(found, dict) else {}


def _json(said: object) -> str:
    return json.dumps(said, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """What JSON does not know by itself: NumPy's scalars, as Python's own. Raises TypeError for anything else."""
    if not hasattr(value, "item"):
        raise TypeError(f"values of type {type(value).__name__} are not supported")
    return value.item()


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN is what differs from itself


def _number(said: object) -> float:
    try:
        return max(float(str(said)), 0.0)
    except ValueError:
        return 0.0
