"""Asks a served store over HTTP, one request after the other, and says how long the answers took."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from benchmarks.catalog.fill import TOPICS, Scale, case_name, model_name
from benchmarks.catalog.templates import developer, owner

from roadworthy.web.api.entry.guard import PREFIX

PROMISED_MS = 200.0
"""The 95th percentile of every list, filter and opened page stays below it."""

Draw = Callable[[random.Random], str]
"""One address, drawn anew for each request, so that no answer is only warm."""


@dataclass(frozen=True, slots=True)
class Figure:
    """How long one kind of request took: milliseconds, and bytes of the largest answer."""

    name: str
    p50: float
    p95: float
    worst: float
    largest: int


def measure(url: str, token: str, scale: Scale, repeats: int, seed: int = 1) -> Iterator[Figure]:
    """One figure per kind of request.

    Raises:
        RuntimeError: an answer that is not 200.
    """
    with httpx.Client(base_url=url, timeout=300) as api, httpx.Client(base_url=url, timeout=300) as pages:
        api.headers["Authorization"] = f"Bearer {token}"
        entered = pages.post("/login", data={"token": token}, headers={"Origin": url})
        _good(entered)
        for name, (client, address) in {
            **{f"GET {n}": (api, a) for n, a in _api(api, scale).items()},
            **{f"page {n}": (pages, a) for n, a in _pages(api, scale).items()},
        }.items():
            yield _figure(name, client, address, repeats, random.Random(seed))  # noqa: S311 - nothing secret


def _figure(name: str, client: httpx.Client, address: Draw, repeats: int, draw: random.Random) -> Figure:
    took, largest = [], 0
    _good(client.get(address(draw)))  # not counted: the first one loads what a server that runs has loaded
    for _ in range(repeats):
        path = address(draw)
        start = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - start) * 1000)
        _good(answer)
        largest = max(largest, len(answer.content))
    ordered = sorted(took)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Figure(name, statistics.median(took), p95, ordered[-1], largest)


def _good(answer: httpx.Response) -> None:
    if answer.status_code not in (200, 303):
        raise RuntimeError(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
        )


def _api(client: httpx.Client, scale: Scale) -> dict[str, Draw]:
    known = _Known(client, scale)

    def plain(path: str, **query: str) -> Draw:
        return lambda _: f"{PREFIX}{path}{'?' if query else ''}{urlencode(query)}"

    def drawn(path: str, **query: Callable[[random.Random], str]) -> Draw:
        return lambda draw: f"{PREFIX}{path}?{urlencode({k: f(draw) for k, f in query.items()})}"

    def one(path: str, thing: Callable[[random.Random], str]) -> Draw:
        return lambda draw: PREFIX + path.format(quote(thing(draw)))

    deep = {"cursor": lambda _: known.deep("/catalog")}
    return {
        "/catalog": plain("/catalog"),
        "/catalog, 500": plain("/catalog", limit="500"),
        "/catalog, in the middle": drawn("/catalog", **deep),
        "/catalog?state=validated": plain("/catalog", state="validated"),
        "/catalog?state=activated": plain("/catalog", state="activated"),
        "/catalog?use_case": drawn("/catalog", use_case=known.case),
        "/catalog?owner": drawn("/catalog", owner=known.owner),
        "/catalog?developer": drawn("/catalog", developer=known.developer),
        "/catalog?name": drawn("/catalog", name=known.model),
        "/catalog?words, one": drawn("/catalog", words=known.topic),
        "/catalog?words, three": drawn("/catalog", words=lambda d: f"{known.topic(d)} logistic north"),
        "/catalog?words, of all": plain("/catalog", words="logistic"),
        "/catalog?words, a letter": plain("/catalog", words="a"),
        "/catalog?words, of none": plain("/catalog", words="nothing like this"),
        "/catalog, approved in a month": plain(
            "/catalog", approved_since="2025-03-01T00:00:00Z", approved_before="2025-04-01T00:00:00Z"
        ),
        "/catalog, state, owner, words": drawn(
            "/catalog", state=lambda _: "validated", owner=known.owner, words=known.topic
        ),
        "/catalog, developer by approval": drawn("/catalog", developer=known.developer, order=lambda _: "approval"),
        "/catalog?order=name": plain("/catalog", order="name"),
        "/catalog?order=approval": plain("/catalog", order="approval"),
        "/catalog?order=approval-oldest, retired": plain("/catalog", order="approval-oldest", state="retired"),
        "/versions": plain("/versions"),
        "/versions, in the middle": drawn("/versions", cursor=lambda _: known.deep("/versions")),
        "/versions?use_case": drawn("/versions", use_case=known.case),
        "/versions/{version}": one("/versions/{}", known.version),
        "/versions/{version}/licence": one("/versions/{}/licence", known.version),
        "/versions/{version}/evidence": one("/versions/{}/evidence", known.version),
        "/status": plain("/status"),
        "/use-cases": plain("/use-cases"),
        "/use-cases/{}/contract": one("/use-cases/{}/contract", known.case),
        "/use-cases/{}/datasets": one("/use-cases/{}/datasets", known.case),
        "/work-items": plain("/work-items"),
        "/work-items?open_only": plain("/work-items", open_only="true"),
        "/work-items?use_case": drawn("/work-items", use_case=known.case),
        "/endpoints": plain("/endpoints"),
        "/endpoints/{}/deployments": one("/endpoints/{}/deployments", known.endpoint),
        "/endpoints/{}/reviews": one("/endpoints/{}/reviews", known.endpoint),
        "/endpoints/{}/ledger": one("/endpoints/{}/ledger", known.endpoint),
        "/people": plain("/people"),
        "/changes": plain("/changes"),
        "/changes?subject": drawn("/changes", subject=known.version),
    }


def _pages(client: httpx.Client, scale: Scale) -> dict[str, Draw]:
    known = _Known(client, scale)
    return {
        "/": lambda _: "/",
        "/?words": lambda draw: f"/?words={known.topic(draw)}",
        "/versions": lambda _: "/versions",
        "/versions, in the middle": lambda _: f"/versions?cursor={quote(known.deep('/catalog'))}",
        "/versions?state": lambda _: "/versions?state=returned",
        "/versions?words": lambda draw: f"/versions?words={known.topic(draw)}",
        "/versions/{version}": lambda draw: f"/versions/{quote(known.version(draw))}",
        "/work": lambda _: "/work",
        "/work?version": lambda draw: f"/work?version={quote(known.version(draw))}",
        "/value": lambda _: "/value",
        "/data": lambda _: "/data",
        "/data?use_case": lambda draw: f"/data?use_case={known.case(draw)}",
        "/endpoints/{endpoint}": lambda draw: f"/endpoints/{known.endpoint(draw)}",
        "/changes": lambda _: "/changes",
        "/access": lambda _: "/access",
    }


class _Known:
    """What there is to ask about."""

    def __init__(self, client: httpx.Client, scale: Scale) -> None:
        self._client = client
        self._scale = scale
        self._deep: dict[str, str] = {}
        self._versions: list[str] = []

    def case(self, draw: random.Random) -> str:
        return case_name(draw.randrange(self._scale.use_cases))

    def endpoint(self, draw: random.Random) -> str:
        return f"{self.case(draw)}-letters"

    def model(self, draw: random.Random) -> str:
        return model_name(draw.randrange(self._scale.use_cases), draw.randrange(3))

    def owner(self, draw: random.Random) -> str:
        return owner(draw.randrange(self._scale.use_cases))

    def developer(self, draw: random.Random) -> str:
        return developer(draw.randrange(100))

    def topic(self, draw: random.Random) -> str:
        return draw.choice(TOPICS[: self._scale.use_cases])

    def version(self, draw: random.Random) -> str:
        if not self._versions:
            for order in ("newest", "oldest"):
                page = self._page("/catalog", limit="500", order=order)
                self._versions += [card["id"] for card in page["items"]]
        return draw.choice(self._versions)

    def deep(self, path: str) -> str:
        """A cursor half the way down."""
        if path not in self._deep:
            cursor, gone = "", 0
            while gone < self._scale.versions / 2:
                page = self._page(path, limit="500", **({"cursor": cursor} if cursor else {}))
                cursor, gone = page["next"] or cursor, gone + 500
            self._deep[path] = cursor
        return self._deep[path]

    def _page(self, path: str, **query: str) -> dict[str, Any]:
        answer = self._client.get(PREFIX + path, params=query)
        _good(answer)
        found: dict[str, Any] = answer.json()
        return found
