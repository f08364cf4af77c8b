"""A world's control store as it stood, kept and put back: in memory, and the same world on a real PostgreSQL server."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from small_world import World

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.adapters.storage.tables import METADATA
from roadworthy.domain.ports import AGGREGATES
from roadworthy.domain.storing.card import VersionCard


class Kept(Protocol):
    """A world whose store can be kept under a name and put back."""

    world: World

    def keep(self, name: str) -> None: ...

    def put_back(self, name: str) -> None: ...

    def close(self) -> None: ...


class KeptInMemory:
    """In this process: the contents are copied."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: dict[str, Any] = {}

    def keep(self, name: str) -> None:
        self._kept[name] = copy.deepcopy(self.world.house.store._contents)

    def put_back(self, name: str) -> None:
        self.world.house.store._contents = copy.deepcopy(self._kept[name])

    def close(self) -> None:
        """Nothing to let go of."""


class KeptInPostgres:
    """On a server: every entity is stored there anew, and a schema of its own keeps what is put back."""

    def __init__(self, world: World, url: str) -> None:
        store = SqlStore.open(url)
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        for table in map(sql.Identifier, METADATA.tables):  # the world before left its own rows
            self._run(sql.SQL("DELETE FROM public.{}").format(table))
        _move(world, store)
        self.world = World(replace(world.house, store=store, engine=InlineEngine()), world.clock)
        self.world.open()

    def keep(self, name: str) -> None:
        schema = sql.Identifier(f"kept_{name}")
        self._run(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        self._run(sql.SQL("CREATE SCHEMA {}").format(schema))
        for table in map(sql.Identifier, METADATA.tables):
            self._run(sql.SQL("CREATE TABLE {}.{} AS TABLE public.{}").format(schema, table, table))

    def put_back(self, name: str) -> None:
        schema = sql.Identifier(f"kept_{name}")
        tables = [sql.Identifier(t) for t in METADATA.tables]
        # Deleting a few rows is many times faster than truncating two dozen tables.
        steps = [sql.SQL("DELETE FROM public.{}").format(t) for t in tables]
        steps += [sql.SQL("INSERT INTO public.{} SELECT * FROM {}.{}").format(t, schema, t) for t in tables]
        self._run(sql.SQL("; ").join([sql.SQL("BEGIN"), *steps, sql.SQL("COMMIT")]))

    def close(self) -> None:
        self._connection.close()
        self.world.house.store.close()

    def _run(self, statement: sql.Composable) -> None:
        self._connection.execute(statement)


STORES = ["memory", pytest.param("postgresql", marks=pytest.mark.slow)]
"""For fixtures: the same requests take minutes on the real server."""


@contextmanager
def kept_in(store: str, world: World, request: pytest.FixtureRequest) -> Iterator[Kept]:
    """The world in one of `STORES`."""
    if store == "memory":
        kept: Kept = KeptInMemory(world)
    else:
        kept = KeptInPostgres(world, request.getfixturevalue("lasting_postgres_url"))
    with closing(kept):
        yield kept


def _move(world: World, store: SqlStore) -> None:
    with world.house.store.read() as old, store.begin() as new:
        for kind in (a.kind for a in AGGREGATES if a.kind is not VersionCard):  # cards are made with what they tell
            for entity in old.of(kind).find():
                new.of(kind).add(entity)
        for link in old.changes.read(limit=100_000):
            new.changes.append(link)
