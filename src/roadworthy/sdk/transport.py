"""How the Python face speaks to the HTTP API: one request, its answer read as a type, its errors as their classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from roadworthy.domain.errors import InputError, RoadworthyError, UnavailableError

T = TypeVar("T")
TIMEOUT_S = 900.0
"""Longest wait for one call: a gate with many checks may take minutes."""


class Connection:
    """Requests to one installation in one person's name, over a client that it closes."""

    def __init__(self, client: httpx.Client, token: str, actor: str = "") -> None:
        self._client = client
        self._token = token
        self.actor = actor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def url(self) -> str:
        """Where the installation answers."""
        return str(self._client.base_url).rstrip("/")

    def ask(self, method: str, path: str, kind: type[T], body: Mapping[str, Any] | None = None, **query: str) -> T:
        """Any other route of the API (see its reference), its answer read as `kind`."""
        about: dict[str, Any] = {} if body is None else {"json": dict(body)}
        return self._send(method, path, kind, params={k: v for k, v in query.items() if v}, **about)

    def _get(self, path: str, kind: type[T], **query: str) -> T:
        return self._send("GET", path, kind, params={k: v for k, v in query.items() if v})

    def _post(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        return self._send("POST", path, kind, json=dict(body))

    def _send(self, method: str, path: str, kind: type[T], *, prefix: str = "/api/v1", **request: Any) -> T:
        return msgspec.json.decode(self._reply(method, path, prefix=prefix, **request).content, type=kind)

    def _reply(self, method: str, path: str, *, prefix: str = "/api/v1", **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", "X-Roadworthy-Actor": self.actor}
        if prefix == "":
            headers["Content-Type"] = "application/json"
        try:
            reply = self._client.request(method, prefix + path, headers=headers, **request)
        except httpx.HTTPError as problem:
            raise UnavailableError(
                f"{self.url} does not answer: {problem}", remedy="Start it with `roadworthy up`.", url=self.url
            ) from problem
        if reply.status_code >= 400:
            raise error_of(reply)
        return reply


def error_of(reply: httpx.Response) -> RoadworthyError:
    """The error an answer of the API or the gateway carries, as its own class."""
    try:
        body = reply.json()
        kinds = {kind.code: kind for kind in _tree(RoadworthyError)}
        kind = kinds.get(body["code"], InputError if reply.status_code < 500 else UnavailableError)
        fields = {k: v for k, v in (body.get("fields") or {}).items() if k not in ("what", "remedy")}
        if "error" in body:
            # The Open Inference Protocol has one text for both.
            what, _, remedy = body["error"].partition(". ")
            return kind(what, remedy=remedy or "See the API reference.", **fields)
        return kind(body["what"], remedy=body["remedy"], **fields)
    except (ValueError, KeyError, AttributeError, TypeError):
        return UnavailableError(
            f"the server answered {reply.status_code}: {reply.text[:200]}", remedy="See the server's log."
        )


def _tree(kind: type[RoadworthyError]) -> list[type[RoadworthyError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]
