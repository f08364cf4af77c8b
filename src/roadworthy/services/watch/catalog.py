"""The catalog: versions as cards, filtered, ordered, page by page, and counted by state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from roadworthy.domain.errors import SettingError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.ports import Transaction
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.query import PAGE, Page, Query
from roadworthy.domain.use_case import UseCase
from roadworthy.services.house import House
from roadworthy.services.watch.lists import check_limit

ORDERS: dict[str, tuple[str, bool]] = {
    "newest": ("", True),
    "oldest": ("", False),
    "name": ("name", False),
    "approval": ("approved_at", True),
    "approval-oldest": ("approved_at", False),
}
"""Orders by name: the field of the card, and whether the largest comes first."""

_EVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; everything left out is open. `owner` owns the use case, `developer` worked on the version.

    `words`: each begins a word of the version's id, use case, description or developers. `approved_since` and
    `approved_before` cut by when a validator last said yes. `order`: one of `ORDERS`; `approval-oldest` lists
    approved versions only. `cursor`: the `next` of the page before.
    """

    use_case: str = ""
    states: tuple[State, ...] = ()
    name: str = ""
    owner: str = ""
    developer: str = ""
    words: str = ""
    approved_since: datetime | None = None
    approved_before: datetime | None = None
    order: str = "newest"
    limit: int = PAGE
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """The versions in one state: the newest, and how many there are."""

    state: State
    total: int
    newest: tuple[VersionCard, ...]


def catalog(house: House, search: Search) -> Page[VersionCard]:
    """One page of the versions looked for.

    Raises:
        SettingError: an unknown order, a limit outside of 1 to `MOST`, a search without a word, a foreign cursor.
    """
    with house.store.read() as tx:
        return tx.of(VersionCard).page(query_of(tx, search))


def lanes(tx: Transaction, search: Search, per_state: int) -> tuple[Lane, ...]:
    """What is looked for by state, in the order of the life cycle; states in which nothing stands are left out."""
    query = replace(query_of(tx, replace(search, order="newest", limit=per_state, cursor="")), counted=False)
    cards = tx.of(VersionCard)
    totals = cards.tally("state", query)
    return tuple(
        Lane(state, totals[state.value], cards.page(replace(query, among={**query.among, "state": (state,)})).items)
        for state in State
        if totals.get(state.value)
    )


def query_of(tx: Transaction, search: Search) -> Query:
    """The question to the store. Raises as `catalog` does."""
    if search.order not in ORDERS:
        raise SettingError(
            f"there is no order '{search.order}'", remedy=f"Allowed: {', '.join(ORDERS)}.", field="order"
        )
    check_limit(search.limit)
    sort, descending = ORDERS[search.order]
    among: dict[str, tuple[object, ...]] = {}
    if search.use_case or search.owner:
        among["use_case"] = _use_cases(tx, search)
    if search.states:
        among["state"] = search.states
    if search.name:
        among["name"] = (search.name,)
    since = search.approved_since or (_EVER if search.order == "approval-oldest" else None)
    return Query(
        among=among,
        has={"developers": search.developer} if search.developer else {},
        words=search.words,
        since={"approved_at": since} if since else {},
        before={"approved_at": search.approved_before} if search.approved_before else {},
        sort=sort,
        descending=descending,
        limit=search.limit,
        cursor=search.cursor,
    )


def _use_cases(tx: Transaction, search: Search) -> tuple[str, ...]:
    if not search.owner:
        return (search.use_case,)
    owned = tuple(case.id for case in tx.of(UseCase).find(owner=search.owner))
    return tuple(name for name in owned if not search.use_case or name == search.use_case)
