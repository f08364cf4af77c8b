"""The tables, derived from `ports.AGGREGATES`: one per kind of entity, and one for the change record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

from roadworthy.domain.ports import AGGREGATES, Aggregate

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _seq(*, autoincrement: bool) -> Column[int]:
    # SQLite counts up only in a column that is declared exactly INTEGER.
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column("seq", kind, primary_key=True, autoincrement=autoincrement)


def _table(aggregate: Aggregate) -> Table:
    return Table(
        aggregate.table,
        METADATA,
        _seq(autoincrement=True),
        Column("id", Text, nullable=False, unique=True),
        Column("body", Text, nullable=False),
        Column("body_digest", String(64), nullable=False),
        *(Column(name, Text, nullable=False, index=True) for name in aggregate.indexed),
    )


TABLES: dict[type[Any], Table] = {a.kind: _table(a) for a in AGGREGATES}

# `previous` is unique: two links after the same one, a fork, cannot be written whatever the program does.
CHANGE = Table(
    "change",
    METADATA,
    _seq(autoincrement=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("previous", String(64), nullable=False, unique=True),
    Column("subject", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("body_digest", String(64), nullable=False),
)
