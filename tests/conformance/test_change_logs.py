"""What every change record promises (`domain/ports.py`: ChangeLog)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.domain.errors import DataError, LostUpdateError, SettingError
from roadworthy.domain.ports import ChangeLog, Store
from roadworthy.domain.trust import Change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def link(head: Change | None, subject: str = "v1", **given: Any) -> Change:
    """A link after `head`. The store does not judge digests, it keeps their order."""
    seq, previous = (head.seq + 1, head.digest) if head else (1, "")
    digest = hashlib.sha256(f"{previous}{seq}{subject}{given}".encode()).hexdigest()
    made = Change(seq, NOON, "ada", "act", subject, "because", previous, digest, {"n": seq})
    return replace(made, **given)


def append(log: ChangeLog, *subjects: str) -> None:
    for subject in subjects:
        log.append(link(log.head(), subject))


def test_an_empty_record_has_no_head(store: Store) -> None:
    with store.begin() as transaction:
        assert transaction.changes.head() is None
        assert transaction.changes.read() == []


def test_links_are_read_in_order_by_subject_and_after_a_number(store: Store) -> None:
    with store.begin() as transaction:
        append(transaction.changes, "v1", "v2", "v1", "v3")
    with store.begin() as transaction:
        read = transaction.changes.read
        assert [c.seq for c in read()] == [1, 2, 3, 4]
        assert [c.seq for c in read(subject="v1")] == [1, 3]
        assert [c.seq for c in read(subject="v1", after=1)] == [3]
        assert [c.seq for c in read(after=1, limit=2)] == [2, 3]
        assert read(subject="v9") == read(after=4) == read(limit=0) == []


def test_each_link_names_the_one_before(store: Store) -> None:
    with store.begin() as transaction:
        append(transaction.changes, "a", "b", "c")
        links = transaction.changes.read()
    assert [c.previous for c in links[1:]] == [c.digest for c in links[:-1]]


NOT_FOLLOWING: dict[str, dict[str, Any]] = {
    "the same number again": {"seq": 2},
    "a number left out": {"seq": 4},
    "another predecessor": {"previous": "0" * 64},
    "the predecessor's predecessor, a fork": {"previous": ""},
}


@pytest.mark.parametrize("given", NOT_FOLLOWING.values(), ids=NOT_FOLLOWING)
def test_a_link_that_does_not_follow_the_head_is_refused(store: Store, given: dict[str, Any]) -> None:
    with store.begin() as transaction:
        append(transaction.changes, "a", "b")
        with pytest.raises(LostUpdateError, match="does not follow the head"):
            transaction.changes.append(link(transaction.changes.head(), **given))
        append(transaction.changes, "c")
    with store.begin() as transaction:
        assert [c.subject for c in transaction.changes.read()] == ["a", "b", "c"]


@pytest.mark.parametrize("given", [{"seq": 2}, {"previous": "0" * 64}], ids=["number two", "a predecessor"])
def test_the_first_link_has_number_one_and_no_predecessor(store: Store, given: dict[str, Any]) -> None:
    with store.begin() as transaction, pytest.raises(LostUpdateError, match=r"head of the record \(empty\)"):
        transaction.changes.append(link(None, **given))


UNSTORABLE: dict[str, tuple[dict[str, Any], str]] = {
    "NUL in the subject": ({"subject": "a\x00b"}, "subject of a change"),
    "a digest that is no digest": ({"digest": "d" * 65}, "longer than 64"),
    "facts JSON cannot carry": ({"facts": {"x": object()}}, "change 1 cannot be stored"),
}


@pytest.mark.parametrize(("given", "said"), UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_could_not_be_read_again_is_refused(store: Store, given: dict[str, Any], said: str) -> None:
    with store.begin() as transaction:
        with pytest.raises(DataError, match=said):
            transaction.changes.append(replace(link(None), **given))
        assert transaction.changes.head() is None


def test_a_negative_page_is_refused(store: Store) -> None:
    with store.begin() as transaction, pytest.raises(SettingError, match="limit is -1"):
        transaction.changes.read(limit=-1)


def test_links_of_an_aborted_transaction_are_gone(store: Store) -> None:
    with store.begin() as transaction:
        append(transaction.changes, "a")
    with suppress(ZeroDivisionError), store.begin() as transaction:
        append(transaction.changes, "b", "c")
        _ = 1 / 0
    with store.begin() as transaction:
        append(transaction.changes, "d")
        assert [(c.seq, c.subject) for c in transaction.changes.read()] == [(1, "a"), (2, "d")]
