"""kill -9 around the control store's commit, in a process of its own: nothing of a transaction, or all of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Change

PROGRAM = """
import os, signal, sys
from dataclasses import replace
from datetime import UTC, datetime
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain import faults
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
url, point = sys.argv[1:]
store = SqlStore.open(url)
first = Endpoint("first", "calls", "before", NOON)
with store.begin() as transaction:
    transaction.of(Endpoint).add(first)
    transaction.changes.append(Change(1, NOON, "ada", "add", "first", "", "", "a" * 64))
faults.arm(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
with store.begin() as transaction:
    transaction.of(Endpoint).replace(first, replace(first, decision_point="after"))
    transaction.of(Endpoint).add(Endpoint("second", "calls", "after", NOON))
    transaction.changes.append(Change(2, NOON, "ada", "add", "second", "", "a" * 64, "b" * 64))
print("survived")
"""

NOTHING = {"points": {"first": "before"}, "changes": [1]}
EVERYTHING = {"points": {"first": "after", "second": "after"}, "changes": [1, 2]}


def what_is_there(url: str) -> dict[str, object]:
    """What a new process finds."""
    store = SqlStore.open(url)
    with store.begin() as transaction:
        points = {e.id: e.decision_point for e in transaction.of(Endpoint).find()}
        links = transaction.changes.read()
    store.close()
    return {"points": points, "changes": [c.seq for c in links]}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/control/store.db"


@pytest.mark.parametrize(
    ("point", "expected"),
    [("store.before-commit", NOTHING), ("store.after-commit", EVERYTHING)],
    ids=["before", "after"],
)
def test_after_kill_9_a_transaction_is_wholly_there_or_not_at_all(
    url: str, point: str, expected: dict[str, object]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, point], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert "survived" not in ended.stdout
    assert what_is_there(url) == expected


def test_the_next_process_writes_on_after_a_kill(url: str) -> None:
    command = [sys.executable, "-c", PROGRAM, url, "store.before-commit"]
    subprocess.run(command, check=False, capture_output=True, timeout=60)
    store = SqlStore.open(url)
    with store.begin() as transaction:
        head = transaction.changes.head()
        assert head is not None
        transaction.changes.append(Change(2, head.at, "bob", "add", "second", "", head.digest, "c" * 64))
    store.close()
    assert what_is_there(url) == NOTHING | {"changes": [1, 2]}


WRITER = """
import hashlib, json, sys
from datetime import UTC, datetime
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.trust import Change

store = SqlStore.open(sys.argv[1])
for number in range(100_000):
    with store.begin() as transaction:
        head = transaction.changes.head()
        seq, previous = (head.seq + 1, head.digest) if head else (1, "")
        digest = hashlib.sha256(f"{seq}".encode()).hexdigest()
        transaction.changes.append(Change(seq, datetime.now(UTC), "ada", "add", "s", "", previous, digest))
    print(json.dumps(seq), flush=True)
"""


def test_every_link_that_was_acknowledged_before_a_kill_is_there_after_it(url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [json.loads(writer.stdout.readline()) for _ in range(50)]
        writer.kill()
        acknowledged += [json.loads(line) for line in writer.stdout.read().splitlines() if line]
    store = SqlStore.open(url)
    with store.begin() as transaction:
        links = transaction.changes.read()
    store.close()
    assert [c.seq for c in links][: len(acknowledged)] == acknowledged
    assert len(links) - len(acknowledged) in (0, 1)
    assert [c.previous for c in links[1:]] == [c.digest for c in links[:-1]]
