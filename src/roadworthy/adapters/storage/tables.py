"""The tables, derived from `ports.AGGREGATES`: one per kind of entity, one for the change record.

A kind that lists find by words, or by one of several texts, has a second table of its terms.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

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


SORTED = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its characters, as SQLite and Python sort it: cursors mean the same everywhere."""


def _table(aggregate: Aggregate) -> Table:
    table = Table(
        aggregate.table,
        METADATA,
        _seq(autoincrement=True),
        Column("id", Text, nullable=False, unique=True),
        Column("body", Text, nullable=False),
        Column("body_digest", String(64), nullable=False),
        *(
            Column(name, SORTED if name in aggregate.sorts else Text(), nullable=False, index=True)
            for name in aggregate.indexed
        ),
        *(Column(name, SORTED, nullable=False) for name in aggregate.moments),
    )
    for names in aggregate.together:
        # With the order of addition, so that a page of the newest is read from the index alone.
        Index(f"ix_{aggregate.table}_{'_'.join(names)}_seq", *(table.c[n] for n in names), table.c.seq)
    return table


def _term_table(aggregate: Aggregate) -> Table:
    return Table(
        f"{aggregate.table}_term",
        METADATA,
        Column("term", SORTED, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False, index=True),
        sqlite_with_rowid=False,
    )


TABLES: dict[type[Any], Table] = {a.kind: _table(a) for a in AGGREGATES}
TERMS: dict[type[Any], Table] = {a.kind: _term_table(a) for a in AGGREGATES if a.many or a.words}

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
    Index("ix_change_subject_seq", "subject", "seq"),
)
