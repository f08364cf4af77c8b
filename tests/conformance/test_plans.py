"""Which index a database reads a list from: the one made for it, in the order of the list, without sorting."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.ports import AGGREGATES

LISTS = [(a.table, fields) for a in AGGREGATES for fields in a.together]


@pytest.mark.parametrize(("table", "fields"), LISTS, ids=[f"{t}-{'-'.join(f)}" for t, f in LISTS])
def test_a_list_is_read_from_the_index_made_for_it(migrated_url: str, table: str, fields: tuple[str, ...]) -> None:
    engine = create_engine(migrated_url)
    wanted = " AND ".join(f"{name} = 'x'" for name in fields)
    query = f"SELECT seq FROM {table} WHERE {wanted} ORDER BY seq DESC LIMIT 51"  # noqa: S608 - names of our own
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # An empty table is read whole, whatever its indexes; here the question is which of them serves.
            for method in ("seqscan", "bitmapscan", "sort"):
                connection.execute(text(f"SET enable_{method} = off"))
            plan = connection.execute(text(f"EXPLAIN {query}"))
        else:
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        said = "\n".join(str(tuple(row)) for row in plan)
    engine.dispose()
    # In SQLite every index ends with the order of addition, so one field's own index is as good.
    assert f"ix_{table}_{'_'.join(fields)}" + ("_seq" if len(fields) > 1 else "") in said
    assert "TEMP B-TREE" not in said
    assert "Sort" not in said


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all tables, once per kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'store.db'}"
    else:
        url = str(request.getfixturevalue("postgres").get_uri(driver="psycopg"))
    SqlStore.open(url).close()
    return url
