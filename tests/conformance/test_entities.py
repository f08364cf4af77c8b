"""Every stored kind of entity, built from its own type hints, comes back equal from every store."""

from __future__ import annotations

import types
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from roadworthy.domain.ports import AGGREGATES, Aggregate, Store
from roadworthy.domain.trust import Change

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
KEY = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(min_value=-(2**63), max_value=2**63 - 1)
PLAIN: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | WHOLE | FLOAT | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SIMPLE: dict[Any, SearchStrategy[Any]] = {
    str: TEXT,
    int: WHOLE,
    float: FLOAT,
    bool: st.booleans(),
    Any: PLAIN,
    type(None): st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def values_of(hint: Any) -> SearchStrategy[Any]:
    """Any value a field with this type may hold."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    arguments = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of([values_of(a) for a in arguments])
    if get_origin(hint) is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert is_dataclass(hint), f"no strategy for {hint}"
    return instances_of(hint)


def instances_of(kind: Any, keys: tuple[str, ...] = ()) -> SearchStrategy[Any]:
    """Any instance; fields named in `keys` hold text that a database can index."""
    hints = get_type_hints(kind)
    chosen = {
        f.name: KEY if f.name in keys and hints[f.name] is str else values_of(hints[f.name]) for f in fields(kind)
    }
    return st.builds(kind, **chosen)


def the_keys(aggregate: Aggregate) -> tuple[str, ...]:
    return ("id", *aggregate.indexed)


BY_TABLE = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda a: a.table)
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@BY_TABLE
def test_every_indexed_field_is_a_text_or_enum_field_of_its_dataclass(aggregate: Aggregate) -> None:
    hints = get_type_hints(aggregate.kind)
    assert "id" in hints
    for name in aggregate.indexed:
        assert hints[name] is str or issubclass(hints[name], Enum), name


@BY_TABLE
def test_every_entity_comes_back_equal_and_is_found_by_each_indexed_field(
    lasting_store: Store, aggregate: Aggregate
) -> None:
    @FEW
    @given(instances_of(aggregate.kind, the_keys(aggregate)))
    def holds(entity: Any) -> None:
        with suppress(Undo), lasting_store.begin() as transaction:
            repository = transaction.of(aggregate.kind)
            repository.add(entity)
            assert repository.get(entity.id) == entity
            for name in aggregate.indexed:
                assert repository.find(**{name: getattr(entity, name)}) == [entity]
            raise Undo

    holds()


@BY_TABLE
def test_every_entity_can_be_replaced_by_any_other_with_its_id(lasting_store: Store, aggregate: Aggregate) -> None:
    @FEW
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        old = data.draw(instances_of(aggregate.kind, the_keys(aggregate)))
        new = _with_id(data.draw(instances_of(aggregate.kind, the_keys(aggregate))), old.id)
        with suppress(Undo), lasting_store.begin() as transaction:
            repository = transaction.of(aggregate.kind)
            repository.add(old)
            repository.replace(repository.get(old.id), new)
            assert repository.get(old.id) == new
            for name in aggregate.indexed:
                assert repository.find(**{name: getattr(new, name)}) == [new]
            raise Undo

    holds()


def test_every_change_comes_back_equal(lasting_store: Store) -> None:
    @FEW
    @given(instances_of(Change, ("subject", "digest")))
    def holds(change: Change) -> None:
        first = _rebuilt(change, seq=1, previous="")
        with suppress(Undo), lasting_store.begin() as transaction:
            transaction.changes.append(first)
            assert transaction.changes.head() == first
            assert transaction.changes.read(subject=first.subject) == [first]
            raise Undo

    holds()


class Undo(Exception):  # noqa: N818 - it is no error: it ends an example without a trace
    """Rolls the example's transaction back."""


def _with_id(entity: Any, key: str) -> Any:
    return _rebuilt(entity, id=key)


def _rebuilt(entity: Any, **changed: Any) -> Any:
    make: Callable[..., Any] = type(entity)
    return make(**{f.name: getattr(entity, f.name) for f in fields(entity)} | changed)
