"""Lists of entities, page by page, newest first, cut by the fields they are looked up by."""

from __future__ import annotations

from typing import TypeVar

from roadworthy.domain.errors import SettingError
from roadworthy.domain.ports import Stored, Transaction
from roadworthy.domain.storing.query import MOST, PAGE, Page, Query
from roadworthy.services.house import House

E = TypeVar("E", bound=Stored)


def listed(house: House, kind: type[E], *, limit: int = PAGE, cursor: str = "", **equals: object) -> Page[E]:
    """One page; an empty text or None among `equals` asks for everything. Raises as `page_of` does."""
    with house.store.read() as tx:
        return page_of(tx, kind, limit=limit, cursor=cursor, **equals)


def page_of(tx: Transaction, kind: type[E], *, limit: int = PAGE, cursor: str = "", **equals: object) -> Page[E]:
    """The same inside a transaction.

    Raises:
        SettingError: a limit outside of 1 to `MOST`, a foreign cursor, or a field one cannot look up by.
    """
    check_limit(limit)
    among = {name: (value,) for name, value in equals.items() if value not in ("", None)}
    return tx.of(kind).page(Query(among=among, limit=limit, cursor=cursor))


def check_limit(limit: int) -> None:
    """Refuse a page that nobody would wait for. Raises SettingError."""
    if not 1 <= limit <= MOST:
        raise SettingError(f"limit is {limit}", remedy=f"Allowed: 1 to {MOST}.", field="limit")
