"""A `Query` in stored text, checked against what its kind of entity has; and the cursors of pages."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadworthy.adapters.storage.rows import Codec, Row, check_page
from roadworthy.adapters.storage.terms import moment_text, ranges_of, storable
from roadworthy.domain.errors import SettingError
from roadworthy.domain.storing.query import Query


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions of which all hold. `ranges` are over terms, ends included; `since` is, `before` is not."""

    among: dict[str, frozenset[str]]
    ranges: tuple[tuple[str, str], ...]
    since: dict[str, str]
    before: dict[str, str]

    def takes(self, row: Row) -> bool:
        """Whether a row matches."""
        return (
            all((row.id if name == "id" else row.indexed[name]) in v for name, v in self.among.items())
            and all(any(low <= term <= high for term in row.terms) for low, high in self.ranges)
            and all(row.indexed[name] >= moment for name, moment in self.since.items())
            and all("" != row.indexed[name] < moment for name, moment in self.before.items())
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the value of the field sorted by (empty without one) and the number in order of addition."""

    value: str
    seq: int


def filter_of(codec: Codec[Any], query: Query) -> Filter:
    """The conditions of a query.

    Raises:
        SettingError: a field this kind does not have, or a value of another type; names what is allowed.
    """
    for name in query.among:
        codec.check_field(name)
    for name in (*query.since, *query.before):
        if name not in codec.aggregate.moments:
            raise _not_possible(codec, f"be cut at '{name}'", codec.aggregate.moments, name)
    among = {name: frozenset(codec.text(name, v) for v in values) for name, values in query.among.items()}
    has = {name: text for name, text in query.has.items() if storable(text)}
    if len(has) < len(query.has):
        among["id"] = frozenset()  # nothing can have been stored under such a text
    return Filter(
        among=among,
        ranges=ranges_of(codec.aggregate, codec.label, has, query.words),
        since=_moments(query.since.items()),
        before=_moments(query.before.items()),
    )


def check_order(codec: Codec[Any], query: Query) -> Place | None:
    """Where the page begins; None at the start.

    Raises:
        SettingError: a field one cannot sort by, a limit below 1 or a cursor of another list.
    """
    check_page(query.limit, 0)
    if query.limit < 1:
        raise SettingError(f"limit is {query.limit}", remedy="Allowed: 1 or more.", field="limit")
    if query.sort and query.sort not in codec.aggregate.sorts:
        raise _not_possible(codec, f"be sorted by '{query.sort}'", codec.aggregate.sorts, "sort")
    if not query.cursor:
        return None
    try:
        order, value, seq = json.loads(base64.urlsafe_b64decode(query.cursor.encode()))
        if order == _order(query) and isinstance(value, str) and type(seq) is int and 0 <= seq < 2**63:
            return Place(value, seq)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise SettingError(
        "the cursor does not belong to this list",
        remedy="Give the `next` of the page before, with the same order, or none for the first page.",
        field="cursor",
    )


def cursor_of(query: Query, place: Place) -> str:
    """The cursor of the page that follows."""
    text = json.dumps([_order(query), place.value, place.seq], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _order(query: Query) -> str:
    return f"{query.sort}{'-' if query.descending else '+'}"


def _moments(given: Any) -> dict[str, str]:
    moments: dict[str, datetime] = dict(given)
    return {name: moment_text(moment) for name, moment in moments.items()}


def _not_possible(codec: Codec[Any], what: str, allowed: tuple[str, ...], field: str) -> SettingError:
    return SettingError(
        f"a list of {codec.label}s cannot {what}",
        remedy=f"Possible: {', '.join(allowed) or 'none'}.",
        field=field,
        allowed=allowed,
    )
