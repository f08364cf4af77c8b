"""What every control store promises about reading: one snapshot, no waiting, no writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain import faults
from roadworthy.domain.errors import ConflictError, StorageUnavailableError
from roadworthy.domain.ports import Store, Transaction
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST = Endpoint("first", "calls", "before", NOON)
LINK = Change(1, NOON, "ada", "act", "first", "", "", "a" * 64)


@contextmanager
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Another thread, for a thread is inside one transaction at a time."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def write(store: Store) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).replace(FIRST, replace(FIRST, decision_point="after"))
        transaction.of(Endpoint).add(Endpoint("second", "calls", "after", NOON))
        transaction.changes.append(LINK)


def seen(transaction: Transaction) -> tuple[list[str], int, int]:
    points = [e.decision_point for e in transaction.of(Endpoint).find()]
    return points, transaction.of(Endpoint).count(), len(transaction.changes.read())


BEFORE, AFTER = (["before"], 1, 0), (["after", "after"], 2, 1)


@pytest.fixture
def filled(store: Store) -> Store:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(FIRST)
    return store


def test_a_reader_sees_the_same_to_its_end_whatever_is_committed_meanwhile(filled: Store) -> None:
    with filled.read() as transaction, elsewhere() as pool:
        pool.submit(write, filled).result(timeout=30)  # nothing was read yet: the snapshot is the block's
        assert seen(transaction) == BEFORE
    with filled.read() as transaction:
        assert seen(transaction) == AFTER


def test_a_reader_sees_a_commit_wholly_or_not_at_all(filled: Store) -> None:
    found: list[Any] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            with filled.read() as transaction:
                found.append(seen(transaction))

    with elsewhere() as pool:
        looking = pool.submit(look)
        write(filled)
        ended.set()
        looking.result(timeout=30)
    assert all(f in (BEFORE, AFTER) for f in found)


def test_readers_do_not_wait_for_a_writer_and_do_not_see_what_it_has_not_committed(filled: Store) -> None:
    def look() -> tuple[list[str], int, int]:
        with filled.read() as transaction:
            return seen(transaction)

    with filled.begin() as transaction, elsewhere() as pool:
        transaction.of(Endpoint).add(Endpoint("second", "calls", "open", NOON))
        assert pool.submit(look).result(timeout=30) == BEFORE


def test_a_writer_does_not_wait_for_readers(filled: Store) -> None:
    with ThreadPoolExecutor(3) as pool:
        gate, done = threading.Barrier(4, timeout=30), threading.Event()

        def hold() -> tuple[list[str], int, int]:
            with filled.read() as transaction:
                gate.wait()
                assert done.wait(timeout=30)
                return seen(transaction)

        held = [pool.submit(hold) for _ in range(3)]
        gate.wait()
        write(filled)
        done.set()
        assert [h.result(timeout=30) for h in held] == [BEFORE] * 3


WRITES = {
    "adding": lambda tx: tx.of(Endpoint).add(Endpoint("second", "calls", "x", NOON)),
    "replacing": lambda tx: tx.of(Endpoint).replace(FIRST, replace(FIRST, decision_point="x")),
    "appending a change": lambda tx: tx.changes.append(LINK),
}


@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES)
def test_a_write_in_a_reading_transaction_is_refused_by_name_and_reading_goes_on(filled: Store, act: Any) -> None:
    with filled.read() as transaction:
        with pytest.raises(ConflictError, match=r"only reads was to write to '(endpoint|change)'"):
            act(transaction)
        assert seen(transaction) == BEFORE
    with filled.read() as transaction:
        assert seen(transaction) == BEFORE


PAIRS = {
    "a reader in a writer": ("begin", "read"),
    "a writer in a reader": ("read", "begin"),
    "a reader in a reader": ("read", "read"),
}


@pytest.mark.parametrize(("outer", "inner"), PAIRS.values(), ids=PAIRS)
def test_a_thread_is_inside_one_transaction_at_a_time(filled: Store, outer: str, inner: str) -> None:
    refused = pytest.raises(ConflictError, match="begun inside another one")
    with getattr(filled, outer)(), refused, getattr(filled, inner)():
        pass
    with filled.begin(), pytest.raises(ConflictError), filled.begin():
        pass
    with filled.read() as transaction:
        assert seen(transaction) == BEFORE


def test_a_reading_transaction_cannot_be_used_after_its_block(filled: Store) -> None:
    with filled.read() as transaction:
        endpoints = transaction.of(Endpoint)
    with pytest.raises(ConflictError, match="transaction is over"):
        endpoints.count()


def test_reading_commits_nothing_and_passes_no_fault_point(filled: Store) -> None:
    def crash() -> None:
        pytest.fail("a reader reached a commit boundary")

    for point in ("store.before-commit", "store.after-commit"):
        faults.arm(point, crash)
    with filled.read() as transaction:
        assert seen(transaction) == BEFORE
    faults.disarm_all()


def test_a_second_process_is_read_past_its_open_writer(database_url: str) -> None:
    here, there = SqlStore.open(database_url), SqlStore.open(database_url, wait_s=0.2)
    with here.begin() as transaction:
        transaction.of(Endpoint).add(FIRST)
        with elsewhere() as pool:
            assert pool.submit(lambda: _count(there)).result(timeout=30) == 0
    assert _count(there) == 1
    here.close()
    there.close()


def test_more_readers_than_connections_wait_for_one_and_are_told_when_none_comes_free(database_url: str) -> None:
    store = SqlStore.open(database_url, wait_s=0.3)
    done, gate = threading.Event(), threading.Barrier(17, timeout=30)

    def hold() -> int:
        with store.read() as transaction:
            gate.wait()
            assert done.wait(timeout=30)
            return transaction.of(Endpoint).count()

    with ThreadPoolExecutor(16) as pool:
        held = [pool.submit(hold) for _ in range(16)]
        gate.wait()
        with pytest.raises(StorageUnavailableError, match="all connections of this process are in use"):
            _count(store)
        done.set()
        assert [h.result(timeout=30) for h in held] == [0] * 16
    assert _count(store) == 0
    store.close()


def _count(store: Store) -> int:
    with store.read() as transaction:
        return transaction.of(Endpoint).count()
