"""SQL for lists: the conditions of a `Filter`, and an order that a cursor can be continued in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, intersect, literal, select, tuple_

from roadworthy.adapters.storage.filters import Filter, Place
from roadworthy.domain.storing.query import Query

MANY = 2_000
"""From so many matches on, a page is found sooner by walking the list and asking for each row's words."""


def conditions(
    table: Table, terms: Table | None, wanted: Filter, *, one_by_one: bool = False
) -> list[ColumnElement[bool]]:
    """What a matching row fulfils; its words are looked up all at once, or row by row."""
    found: list[ColumnElement[bool]] = []
    for name, values in wanted.among.items():
        column = table.c[name]
        found.append(column == next(iter(values)) if len(values) == 1 else column.in_(sorted(values)))
    found += [table.c[name] >= moment for name, moment in wanted.since.items()]
    for name, moment in wanted.before.items():
        found += [table.c[name] > "", table.c[name] < moment]
    if terms is not None and one_by_one:
        found += [rows.where(terms.c.seq == table.c.seq).exists() for rows in _with_words(terms, wanted)]
    elif terms is not None:
        found += [table.c.seq.in_(rows) for rows in _with_words(terms, wanted)]
    return found


def counted(table: Table, terms: Table | None, wanted: Filter) -> Select[Any]:
    """How many rows match; when only words are asked for, their table alone tells."""
    if terms is None or not wanted.ranges or wanted.among or wanted.since or wanted.before:
        return select(func.count()).select_from(table).where(*conditions(table, terms, wanted))
    first, *others = _with_words(terms, wanted)
    matching = intersect(first, *others) if others else first.distinct()
    return select(func.count()).select_from(matching.subquery())


def _with_words(terms: Table, wanted: Filter) -> Iterator[Select[Any]]:
    for low, high in wanted.ranges:
        hit = terms.c.term == low if low == high else and_(terms.c.term >= low, terms.c.term <= high)
        yield select(terms.c.seq).where(hit)


def value_of(table: Table, query: Query) -> ColumnElement[str]:
    """The value a row is sorted by, for the cursor."""
    return (table.c[query.sort] if query.sort else literal("")).label("value")


def ordered(rows: Select[Any], table: Table, query: Query, start: Place | None) -> Select[Any]:
    """One row more than the page has, from where the page before ended: the last one says that there are more."""
    keys: list[ColumnElement[Any]] = [table.c[query.sort], table.c.seq] if query.sort else [table.c.seq]
    if start is not None:
        edge = tuple_(*([start.value, start.seq] if query.sort else [start.seq]))
        rows = rows.where(tuple_(*keys) < edge if query.descending else tuple_(*keys) > edge)
    return rows.order_by(*(k.desc() if query.descending else k.asc() for k in keys)).limit(query.limit + 1)
