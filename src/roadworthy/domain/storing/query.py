"""A question to the control store: which entities, in which order, from where on; and one page of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

E_co = TypeVar("E_co", covariant=True)

PAGE = 50
"""Entities on a page when nothing else is asked for."""

MOST = 500
"""Most entities on one page that the API gives out."""


@dataclass(frozen=True, slots=True)
class Query:
    """All conditions hold together; an empty query asks for everything, newest first.

    `among`: the field has one of these values. `has`: the field of several texts has this one among them. `words`:
    every word of this text begins a word of the entity's own. `since` and `before`: a moment lies in since <= field
    < before; an entity without one is in neither. `sort`: a field, or empty for the order of addition, which also
    orders what is equal. `cursor`: the `next` of the page before, from the same query. `counted`: False spares the
    count where nobody asks how many match in all; the page's `total` is then -1.
    """

    among: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    has: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    since: Mapping[str, datetime] = field(default_factory=dict)
    before: Mapping[str, datetime] = field(default_factory=dict)
    sort: str = ""
    descending: bool = True
    limit: int = PAGE
    cursor: str = ""
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Page(Generic[E_co]):
    """Some of the entities that match, how many match in all, and the cursor of the next page (empty on the last)."""

    items: tuple[E_co, ...]
    total: int
    next: str
