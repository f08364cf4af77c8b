"""Threads on one store: no update is lost, the change record never forks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadworthy.adapters.storage.memory import MemoryStore
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.errors import LostUpdateError, StorageUnavailableError
from roadworthy.domain.ports import Store
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
START = Endpoint("e", "calls", "start", NOON)


def link_after(head: Change | None, name: str) -> Change:
    seq, previous = (head.seq + 1, head.digest) if head else (1, "")
    return Change(seq, NOON, name, "act", name, "", previous, f"{seq:064d}")


def together(count: int, work: Callable[[int], str]) -> list[str]:
    """Run `work(n)` in `count` threads that start at the same moment; what each returned."""
    gate = threading.Barrier(count, timeout=30)

    def run(number: int) -> str:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def assert_unbroken(links: list[Change]) -> None:
    assert [c.seq for c in links] == list(range(1, len(links) + 1))
    assert [c.previous for c in links[1:]] == [c.digest for c in links[:-1]]


def test_of_two_threads_that_replace_what_both_saw_exactly_one_loses(store: Store) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(START)

    def rename(number: int) -> str:
        try:
            with store.begin() as transaction:
                transaction.of(Endpoint).replace(START, replace(START, decision_point=f"by {number}"))
        except LostUpdateError:
            return "lost"
        return f"by {number}"

    results = together(2, rename)
    assert results.count("lost") == 1
    with store.begin() as transaction:
        assert transaction.of(Endpoint).get("e").decision_point in results


def test_of_two_threads_that_append_after_the_same_head_exactly_one_loses(store: Store) -> None:
    def append(number: int) -> str:
        try:
            with store.begin() as transaction:
                transaction.changes.append(link_after(None, f"by {number}"))
        except LostUpdateError:
            return "lost"
        return "kept"

    assert sorted(together(2, append)) == ["kept", "lost"]
    with store.begin() as transaction:
        assert_unbroken(transaction.changes.read())


def test_two_threads_that_read_the_head_and_append_both_get_in(store: Store) -> None:
    def append(number: int) -> str:
        with store.begin() as transaction:
            transaction.changes.append(link_after(transaction.changes.head(), f"by {number}"))
        return "kept"

    assert together(2, append) == ["kept", "kept"]
    with store.begin() as transaction:
        assert_unbroken(transaction.changes.read())


def test_eight_threads_with_stale_heads_get_all_their_links_in_by_trying_again(store: Store) -> None:
    """The head is read in one transaction and followed in the next: conflicts are certain, losses are not."""

    def head() -> Change | None:
        with store.begin() as transaction:
            return transaction.changes.head()

    def append(number: int) -> str:
        for _ in range(25):
            _until_accepted(store, head, f"thread {number}")
        return "done"

    together(8, append)
    with store.begin() as transaction:
        links = transaction.changes.read()
    assert_unbroken(links)
    assert sorted({(c.actor, sum(o.actor == c.actor for o in links)) for c in links}) == [
        (f"thread {n}", 25) for n in range(8)
    ]


def _until_accepted(store: Store, head: Callable[[], Change | None], name: str) -> None:
    for _ in range(10_000):
        seen = head()
        with suppress(LostUpdateError), store.begin() as transaction:
            transaction.changes.append(link_after(seen, name))
            return
    pytest.fail("never accepted")


def test_read_then_write_in_one_transaction_needs_no_trying_again(store: Store) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(replace(START, decision_point="0"))

    def count_up(_: int) -> str:
        for _ in range(25):
            with store.begin() as transaction:
                seen = transaction.of(Endpoint).get("e")
                counted = str(int(seen.decision_point) + 1)
                transaction.of(Endpoint).replace(seen, replace(seen, decision_point=counted))
        return "done"

    together(4, count_up)
    with store.begin() as transaction:
        assert transaction.of(Endpoint).get("e").decision_point == "100"


def test_two_stores_on_one_database_take_turns_like_two_processes(database_url: str) -> None:
    stores = [SqlStore.open(database_url), SqlStore.open(database_url)]

    def append(number: int) -> str:
        for _ in range(25):
            with stores[number].begin() as transaction:
                transaction.changes.append(link_after(transaction.changes.head(), f"store {number}"))
        return "done"

    together(2, append)
    with stores[0].begin() as transaction:
        links = transaction.changes.read()
    assert len(links) == 50
    assert_unbroken(links)
    for store in stores:
        store.close()


def test_four_first_openings_at_once_migrate_once(database_url: str) -> None:
    def first_open(_: int) -> str:
        store = SqlStore.open(database_url)
        with store.begin() as transaction:
            found = transaction.of(Endpoint).count()
        store.close()
        return str(found)

    assert together(4, first_open) == ["0"] * 4


def test_a_writer_elsewhere_that_does_not_finish_is_named_after_the_wait(database_url: str) -> None:
    slow, waiting = SqlStore.open(database_url), SqlStore.open(database_url, wait_s=0.2)
    with slow.begin() as transaction:
        transaction.of(Endpoint).add(START)
        with pytest.raises(StorageUnavailableError, match="another process holds it"), waiting.begin():
            pytest.fail("two writers at once")
    with waiting.begin() as transaction:
        assert transaction.of(Endpoint).get("e") == START
    slow.close()
    waiting.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_thread_that_does_not_finish_is_named_after_the_wait(kind: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store: Store = MemoryStore(wait_s=0.1) if kind == "memory" else SqlStore.open(url, wait_s=0.1)

    def second() -> None:
        with store.begin():
            pytest.fail("two transactions at once")

    with store.begin(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        with pytest.raises(StorageUnavailableError, match=r"another thread has held the control store for 0\.1 s"):
            waiting.result(timeout=30)
    store.close()
