"""A filled store of the first release, brought to today's shape: nothing lost, every list right, whoever is killed.

`tests/worlds/first_release.jsonl.xz` holds the rows of a control store as release 0.1.0 wrote them: its own code took
seven versions down its own road (one serves and was reviewed twice, one came back and was mended, one was rejected).
"""

from __future__ import annotations

import json
import lzma
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, insert, select, text, update

from roadworthy.adapters.storage.migrate import configured, revision_of
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.gate import GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.serving import Deployment
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.query import Query
from roadworthy.domain.trust import Evidence, Person, SignOff
from roadworthy.evidence.chain import verify_chain
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.served import verify_served
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.serve.publish import served_document

ROWS = Path(__file__).parents[1] / "worlds" / "first_release.jsonl.xz"


def _rows() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lzma.decompress(ROWS.read_bytes()).decode().splitlines():
        row = json.loads(line)
        found.setdefault(row.pop("table"), []).append(row)
    return found


def _written(url: str) -> dict[str, list[dict[str, Any]]]:
    """The columns the first release knew, of every table it had, as they are now."""
    engine = create_engine(url)
    shape = MetaData()
    shape.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: [dict(row) for row in connection.execute(select(shape.tables[name]).order_by("seq")).mappings()]
            for name in _rows()
        }
    engine.dispose()
    return found


def revision(url: str) -> str | None:
    """The revision a store is at."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = revision_of(connection)
    engine.dispose()
    return found


@pytest.fixture
def old(database_url: str) -> str:
    """The URL of a store as the first release left it."""
    if database_url.startswith("sqlite:///"):
        Path(database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        command.upgrade(configured(connection), "0001")
    shape = MetaData()
    shape.reflect(engine)
    with engine.begin() as connection:
        for table, rows in _rows().items():
            connection.execute(insert(shape.tables[table]), rows)
            if connection.dialect.name == "postgresql" and table != "change":
                count_on = f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), {rows[-1]['seq']})"
                connection.execute(text(count_on))
    engine.dispose()
    return database_url


def expected(tx: Transaction) -> dict[str, dict[str, Any]]:
    """What the cards must say, computed from the entities and not from `card.py`."""
    found: dict[str, dict[str, Any]] = {}
    for version in tx.of(ModelVersion).find():
        runs = {run.gate.value: run for run in tx.of(GateRun).find(version=version.id)}
        opinions = tx.of(SignOff).find(version=version.id)
        newest = opinions[-1] if opinions else None
        found[version.id] = {
            "use_case": version.use_case,
            "name": version.name,
            "number": version.number,
            "state": version.state,
            "developers": version.developers,
            "description": version.description,
            "approved_at": newest.created_at if newest and newest.approved else None,
            "runs": {gate: run.id for gate, run in runs.items()},
            "verdicts": {gate: run.verdict.value for gate, run in runs.items() if run.verdict},
            "gates": {gate: dict(Counter(f.verdict.value for f in run.findings)) for gate, run in runs.items()},
            "open_work": len(tx.of(WorkItem).find(version=version.id, state=WorkItemState.OPEN)),
        }
    return found


def cards(tx: Transaction) -> dict[str, dict[str, Any]]:
    """What the cards do say."""
    kept = tx.of(VersionCard).find()
    names = ("use_case", "name", "number", "state", "developers", "description", "approved_at", "runs", "verdicts",
             "gates", "open_work")  # fmt: skip
    return {card.id: {name: getattr(card, name) for name in names} for card in kept}


def assert_whole(url: str) -> None:
    """The store is at head, with every card as the entities say."""
    store = SqlStore.open(url)
    with store.read() as tx:
        assert cards(tx) == expected(tx)
        assert [c.id for c in tx.of(VersionCard).find()] == [v.id for v in tx.of(ModelVersion).find()]
    store.close()
    assert revision(url) == "0003"


def test_no_row_of_the_first_release_is_changed_or_lost(old: str) -> None:
    SqlStore.open(old).close()
    assert _written(old) == _rows()


def test_the_cards_are_what_the_entities_say(old: str) -> None:
    assert_whole(old)


SEARCHES: dict[str, tuple[Query, Callable[[dict[str, Any]], bool]]] = {
    "all": (Query(), bool),
    "a state": (Query(among={"state": (State.RETURNED,)}), lambda v: v["state"] is State.RETURNED),
    "two states": (
        Query(among={"state": (State.ACTIVATED, State.CANDIDATE)}),
        lambda v: v["state"] in (State.ACTIVATED, State.CANDIDATE),
    ),
    "a model": (Query(among={"name": ("second",)}), lambda v: v["name"] == "second"),
    "a developer": (Query(has={"developers": "dora"}), lambda v: "dora" in v["developers"]),
    "words": (Query(words="größer"), lambda v: "Größer" in v["description"]),
    "approved": (
        Query(since={"approved_at": datetime.fromisoformat("2026-03-03T00:00:00Z")}),
        lambda v: v["approved_at"] is not None and v["approved_at"].isoformat() >= "2026-03-03",
    ),
}


@pytest.mark.parametrize(("query", "wanted"), SEARCHES.values(), ids=SEARCHES)
def test_the_catalog_answers_as_the_entities_do(
    old: str, query: Query, wanted: Callable[[dict[str, Any]], bool]
) -> None:
    store = SqlStore.open(old)
    with store.read() as tx:
        page = tx.of(VersionCard).page(query)
        there = [name for name, about in expected(tx).items() if wanted(about)]
    store.close()
    assert [c.id for c in page.items] == there[::-1]
    assert page.total == len(there) > 0


def test_what_the_first_release_signed_and_chained_verifies_today(old: str) -> None:
    store = SqlStore.open(old)
    with store.read() as tx:
        trust = TrustRoot(people=tuple(tx.of(Person).find()))
        evidence, links = tx.of(Evidence).find(), tx.changes.read()
        deployment = tx.of(Deployment).find()[-1]
    store.close()
    opened = {e.id: open_envelope(e.envelope, trust, now=links[-1].at) for e in evidence}
    assert {e.id: e.subject for e in evidence} == {name: o.subject for name, o in opened.items()}
    assert opened[deployment.statement].predicate["deployment"]["endpoint"] == "mailing"
    verify_chain(links)


def test_versions_go_on_from_where_the_first_release_left_them(old: str) -> None:
    store = SqlStore.open(old)
    with store.begin() as tx:
        first = tx.of(ModelVersion).get("offers:2")
        tx.of(ModelVersion).replace(first, replace(first, state=State.VALIDATING))
        tx.of(ModelVersion).add(replace(first, id="offers:5", number=5))
    with store.read() as tx:
        assert cards(tx) == expected(tx)
        assert tx.of(VersionCard).find(newest_first=True, limit=1)[0].id == "offers:5"
    store.close()


PROGRAM = """
import os, signal, sys
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain import faults
url, point = sys.argv[1:]
faults.arm(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
SqlStore.open(url)
print("survived")
"""


@pytest.mark.parametrize("point", ["store.migrated", "store.before-upgraded", "store.after-upgraded"])
def test_an_upgrade_that_is_killed_is_whole_or_never_was_and_the_next_start_ends_it(old: str, point: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, old, point],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert revision(old) == ("0003" if point == "store.after-upgraded" else "0001")
    assert _written(old) == _rows()
    assert_whole(old)


def test_two_new_processes_that_start_at_once_upgrade_once(old: str) -> None:
    def opened(_: int) -> int:
        store = SqlStore.open(old)
        with store.read() as tx:
            found = tx.of(VersionCard).count()
        store.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [7] * 4
    assert_whole(old)


def test_what_an_old_process_writes_after_the_upgrade_is_on_the_cards_at_the_next_start(old: str) -> None:
    SqlStore.open(old).close()
    engine = create_engine(old)
    shape = MetaData()
    shape.reflect(engine)
    table = shape.tables["model_version"]
    with engine.begin() as connection:  # as 0.1.0 does it: it knows no cards
        row = dict(connection.execute(select(table).where(table.c.id == "offers:2")).mappings().one())
        late = json.loads(row["body"]) | {"id": "offers:9", "number": 9}
        moved = json.loads(row["body"]) | {"state": "retired"}
        connection.execute(insert(table), _row(late, row, state="registered", id="offers:9"))
        connection.execute(update(table).where(table.c.id == "offers:2").values(_row(moved, row, state="retired")))
    engine.dispose()
    assert_whole_but_order(old)


def _row(body: dict[str, Any], row: dict[str, Any], **changed: str) -> dict[str, Any]:
    written = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    kept = {k: v for k, v in row.items() if k != "seq"}
    return kept | {"body": written, "body_digest": sha256(written.encode()).hexdigest()} | changed


def assert_whole_but_order(url: str) -> None:
    store = SqlStore.open(url)
    with store.read() as tx:
        assert cards(tx) == expected(tx)
    store.close()


def test_what_the_first_release_put_in_force_is_admitted_by_todays_gateway(old: str) -> None:
    store = SqlStore.open(old)
    with store.read() as tx:
        served = served_document(tx, tx.of(Deployment).find()[-1])
        trust, newest = TrustRoot(people=tuple(tx.of(Person).find())), tx.changes.newest(limit=1)[0]
    store.close()
    admitted = verify_served(served, trust, endpoint="mailing", now=newest.at)
    assert [licence.version for licence in admitted.licences] == ["offers:1"]
