"""Reading a list of the API to its end, page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.storing.query import MOST, Page

T = TypeVar("T")

MOST_PAGES = 10_000
"""Five million entities: more than that is nothing to hold in memory."""


def every(ask: Callable[..., Any], path: str, kind: type[T], **query: str) -> list[T]:
    """Every entity of a list, in the list's order; `ask` is `Road.ask`.

    Raises:
        UnavailableError: the list does not end.
    """
    found: list[T] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = ask("GET", path, Page[kind], limit=str(MOST), cursor=cursor, **query)  # type: ignore[valid-type]
        found += page.items
        cursor = page.next
        if not cursor:
            return found
    raise UnavailableError(
        f"the list {path} has more than {MOST_PAGES * MOST:,} entries",
        remedy="Ask for fewer, or page by page with `limit` and `cursor`.",
    )
