"""Migrations end where `tables.py` begins, on both databases; rows outlive the program that wrote them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from roadworthy.adapters.storage import migrate
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.adapters.storage.tables import METADATA
from roadworthy.domain.errors import DigestMismatchError, LostUpdateError, StorageUnavailableError
from roadworthy.domain.ports import AGGREGATES
from roadworthy.domain.trust import Change
from roadworthy.domain.use_case import RiskTier, UseCase

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CASE = UseCase("calls", "sell", "ada", RiskTier.HIGH, "y", "yes", 30.0, (), NOON)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The database without our code in between."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def migrated(url: str) -> None:
    SqlStore.open(url).close()


def config_for(connection: Connection) -> Config:
    return migrate.configured(connection)


def test_the_migrated_schema_is_the_one_tables_declares(database_url: str, engine: Engine) -> None:
    migrated(database_url)
    with engine.connect() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_there_is_one_table_per_aggregate_and_one_for_changes(database_url: str, engine: Engine) -> None:
    migrated(database_url)
    terms = {f"{a.table}_term" for a in AGGREGATES if a.many or a.words}
    expected = {a.table for a in AGGREGATES} | terms | {"change", migrate.VERSION_TABLE}
    assert set(inspect(engine).get_table_names()) == expected


def test_every_indexed_field_has_its_index(database_url: str, engine: Engine) -> None:
    migrated(database_url)
    for aggregate in AGGREGATES:
        found = {tuple(i["column_names"]) for i in inspect(engine).get_indexes(aggregate.table)}
        assert {(name,) for name in aggregate.indexed} <= found, aggregate.table


def test_opening_twice_keeps_what_is_there(database_url: str) -> None:
    for _ in range(2):
        store = SqlStore.open(database_url)
        with store.begin() as transaction:
            cases = transaction.of(UseCase)
            if not cases.count():
                cases.add(CASE)
        store.close()
    store = SqlStore.open(database_url)
    with store.begin() as transaction:
        assert transaction.of(UseCase).find() == [CASE]
    store.close()


def test_a_downgrade_leaves_an_empty_database_that_can_be_upgraded_again(database_url: str, engine: Engine) -> None:
    migrated(database_url)
    with engine.begin() as connection:
        command.downgrade(config_for(connection), "base")
    assert set(inspect(engine).get_table_names()) == {migrate.VERSION_TABLE}
    migrated(database_url)


def test_a_store_of_a_newer_program_is_refused_with_what_to_do(database_url: str, engine: Engine) -> None:
    migrated(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE roadworthy_revision SET version_num = '9999'"))
    with pytest.raises(StorageUnavailableError, match=r"revision 9999, which .* does not know\. Upgrade"):
        SqlStore.open(database_url)


def test_a_migration_that_breaks_leaves_the_database_as_it_was(database_url: str, engine: Engine) -> None:
    Path(str(engine.url.database)).parent.mkdir(exist_ok=True)  # for SQLite; harmless for a server
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE work_item (mine INTEGER)"))
    with pytest.raises(StorageUnavailableError):
        SqlStore.open(database_url)
    assert inspect(engine).get_table_names() == ["work_item"]


def rewrite_body(engine: Engine, change: Callable[[dict[str, object]], None], *, honest: bool) -> None:
    """Change the stored use case behind the store's back: with its digest as another program would, or without."""
    with engine.begin() as connection:
        body = json.loads(connection.execute(text("SELECT body FROM use_case")).scalar_one())
        change(body)
        altered = json.dumps(body)
        connection.execute(text("UPDATE use_case SET body = :b"), {"b": altered})
        if honest:
            digest = hashlib.sha256(altered.encode()).hexdigest()
            connection.execute(text("UPDATE use_case SET body_digest = :d"), {"d": digest})


def with_case(url: str) -> SqlStore:
    store = SqlStore.open(url)
    with store.begin() as transaction:
        transaction.of(UseCase).add(CASE)
    return store


def test_a_row_written_before_a_field_existed_is_read_with_its_default_and_can_be_replaced(
    database_url: str, engine: Engine
) -> None:
    store = with_case(database_url)
    rewrite_body(engine, lambda body: body.pop("time_column"), honest=True)  # type: ignore[arg-type,return-value]
    with store.begin() as transaction:
        cases = transaction.of(UseCase)
        assert cases.get("calls") == CASE
        cases.replace(CASE, replace(CASE, owner="bob"))
    with store.begin() as transaction:
        assert transaction.of(UseCase).get("calls").owner == "bob"
    store.close()


def test_a_row_altered_outside_is_noticed_when_read(database_url: str, engine: Engine) -> None:
    store = with_case(database_url)
    rewrite_body(engine, lambda body: body.update(risk_tier="low"), honest=False)
    with store.begin() as transaction, pytest.raises(DigestMismatchError, match="use case 'calls' was altered"):
        transaction.of(UseCase).get("calls")
    store.close()


def test_a_row_of_another_shape_says_so(database_url: str, engine: Engine) -> None:
    store = with_case(database_url)
    rewrite_body(engine, lambda body: body.update(risk_tier="extreme"), honest=True)
    with (
        store.begin() as transaction,
        pytest.raises(StorageUnavailableError, match=r"another shape .* `\$\.risk_tier`"),
    ):
        transaction.of(UseCase).find()
    store.close()


def test_the_database_itself_refuses_a_second_link_after_the_same_one(database_url: str, engine: Engine) -> None:
    store = SqlStore.open(database_url)
    with store.begin() as transaction:
        transaction.changes.append(Change(1, NOON, "ada", "act", "s", "", "", "a" * 64))
    fork = (
        "INSERT INTO change (seq, digest, previous, subject, body, body_digest) VALUES (2, 'b', '', 's', '{}', '')"
    )
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(fork))
    store.close()


def test_a_uniqueness_rule_that_fires_is_a_lost_update(database_url: str) -> None:
    store = SqlStore.open(database_url)
    with store.begin() as transaction:
        transaction.changes.append(Change(1, NOON, "ada", "act", "s", "", "", "a" * 64))
    with pytest.raises(LostUpdateError, match="wrote the same record"), store.begin() as transaction:
        transaction.changes.append(Change(2, NOON, "ada", "act", "s", "", "a" * 64, "a" * 64))
    store.close()
