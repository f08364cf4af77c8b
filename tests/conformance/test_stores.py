"""What every control store promises (`domain/ports.py`: Store, Transaction, Repository)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from roadworthy.domain import faults
from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    DataError,
    InputError,
    LostUpdateError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.ports import Store
from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItem, WorkItemState
from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.serving import Deployment, Endpoint, RolloutLook
from roadworthy.domain.trust import Change, Person, Role, Session
from roadworthy.domain.use_case import Interval

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def work_item(key: str, *, version: str = "v1", state: WorkItemState = WorkItemState.OPEN) -> WorkItem:
    return WorkItem(
        id=key,
        version=version,
        use_case="calls",
        defect=DefectKind.OVERFIT,
        step=DevelopmentStep.MODELLING,
        source="overfit",
        summary="gap",
        re_entry="validation",
        opened_at=NOON,
        state=state,
    )


def ledger_entry(**given: Any) -> LedgerEntry:
    plain: dict[str, Any] = {"value_model": 1.0, "value_holdout": None, "measurable": False}
    names = {"id": "l1", "endpoint": "e", "version": "v", "contract": "c", "unit": "EUR"}
    counts = {"units_served": 1, "units_held_out": 0}
    return LedgerEntry(**{"since": NOON, "until": NOON} | names | counts | plain | given)


def added(store: Store, *entities: Any) -> None:
    with store.begin() as transaction:
        for entity in entities:
            transaction.of(type(entity)).add(entity)


def test_what_one_transaction_added_the_next_one_reads(store: Store) -> None:
    item = work_item("w1")
    added(store, item)
    with store.begin() as transaction:
        assert transaction.of(WorkItem).get("w1") == item


def test_a_missing_entity_is_named_with_its_kind(store: Store) -> None:
    with store.begin() as transaction, pytest.raises(NotFoundError, match="no work item 'nowhere'") as caught:
        transaction.of(WorkItem).get("nowhere")
    assert caught.value.fields == {"kind": "WorkItem", "key": "nowhere"}


@pytest.mark.parametrize("key", ["", "a\x00b", "\ud800", "x" * 5000], ids=["empty", "NUL", "surrogate", "long"])
def test_a_key_that_can_never_exist_is_simply_not_found(store: Store, key: str) -> None:
    with store.begin() as transaction, pytest.raises(NotFoundError):
        transaction.of(WorkItem).get(key)


def test_the_same_id_is_refused_twice_and_the_transaction_goes_on(store: Store) -> None:
    added(store, work_item("w1"))
    with store.begin() as transaction:
        items = transaction.of(WorkItem)
        with pytest.raises(AlreadyExistsError, match="'w1' exists already"):
            items.add(work_item("w1", version="v2"))
        items.add(work_item("w2"))
    with store.begin() as transaction:
        assert [i.id for i in transaction.of(WorkItem).find()] == ["w1", "w2"]
        assert transaction.of(WorkItem).get("w1").version == "v1"


def test_kinds_do_not_share_ids(store: Store) -> None:
    added(store, work_item("same"), Endpoint("same", "calls", "call", NOON))
    with store.begin() as transaction:
        assert transaction.of(Endpoint).count() == transaction.of(WorkItem).count() == 1


def test_find_answers_in_order_of_addition_page_by_page(store: Store) -> None:
    added(store, *(work_item(f"w{n}") for n in (3, 1, 2, 5, 4)))
    with store.begin() as transaction:
        find = transaction.of(WorkItem).find
        assert [i.id for i in find()] == ["w3", "w1", "w2", "w5", "w4"]
        assert [i.id for i in find(newest_first=True, limit=2)] == ["w4", "w5"]
        assert [i.id for i in find(limit=2, offset=1)] == ["w1", "w2"]
        assert [i.id for i in find(limit=2, offset=1, newest_first=True)] == ["w5", "w2"]
        assert find(limit=0) == find(offset=9) == []


def test_find_and_count_match_all_given_fields(store: Store) -> None:
    closed = work_item("w2", state=WorkItemState.CLOSED)
    added(store, work_item("w1"), closed, work_item("w3", version="v2"))
    with store.begin() as transaction:
        items = transaction.of(WorkItem)
        assert items.find(version="v1", state=WorkItemState.CLOSED) == [closed]
        assert (items.count(), items.count(version="v1"), items.count(version="v9")) == (3, 2, 0)


BAD_QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "a field that is not indexed": ({"summary": "gap"}, "Possible: version, use_case, state"),
    "the id": ({"id": "w1"}, "Possible: version, use_case, state"),
    "the text of an enum": ({"state": "open"}, r"Give a WorkItemState \(OPEN, CLOSED\)"),
    "a member of another enum": ({"state": DefectKind.LEAKAGE}, "Give a WorkItemState"),
    "a number for text": ({"version": 1}, "Give a str"),
    "a negative limit": ({"limit": -1}, "limit is -1"),
    "a negative offset": ({"offset": -1}, "offset is -1"),
    "a limit beyond any database": ({"limit": 2**70}, "Allowed: 0 to"),
}


@pytest.mark.parametrize(("query", "said"), BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_a_bad_query_is_refused_by_name(store: Store, query: dict[str, Any], said: str) -> None:
    with store.begin() as transaction, pytest.raises(SettingError, match=said):
        transaction.of(WorkItem).find(**query)


def test_a_kind_that_is_not_stored_is_refused(store: Store) -> None:
    with store.begin() as transaction, pytest.raises(SettingError, match="Change is not a stored kind"):
        transaction.of(Change)  # type: ignore[type-var]  # the refusal is what is tested


def test_replace_keeps_the_place_in_the_order_and_moves_the_index(store: Store) -> None:
    first = work_item("w1")
    added(store, first, work_item("w2"))
    with store.begin() as transaction:
        transaction.of(WorkItem).replace(first, replace(first, state=WorkItemState.CLOSED))
    with store.begin() as transaction:
        items = transaction.of(WorkItem)
        assert [i.id for i in items.find()] == ["w1", "w2"]
        assert [i.id for i in items.find(state=WorkItemState.OPEN)] == ["w2"]


def test_replacing_what_somebody_changed_is_a_lost_update(store: Store) -> None:
    seen = work_item("w1")
    added(store, seen)
    with store.begin() as transaction:
        transaction.of(WorkItem).replace(seen, replace(seen, assignee="ada"))
    with pytest.raises(LostUpdateError, match="'w1' was changed"), store.begin() as transaction:
        transaction.of(WorkItem).replace(seen, replace(seen, assignee="bob"))
    with store.begin() as transaction:
        assert transaction.of(WorkItem).get("w1").assignee == "ada"


def test_replacing_what_was_never_there_is_not_found(store: Store) -> None:
    with store.begin() as transaction, pytest.raises(NotFoundError):
        transaction.of(WorkItem).replace(work_item("w1"), work_item("w1", version="v2"))


def test_a_replacement_keeps_the_id(store: Store) -> None:
    added(store, work_item("w1"))
    with store.begin() as transaction, pytest.raises(InputError, match="'w1' cannot be replaced by 'w2'"):
        transaction.of(WorkItem).replace(work_item("w1"), work_item("w2"))


def test_an_entity_of_another_kind_is_refused(store: Store) -> None:
    with (
        store.begin() as transaction,
        pytest.raises(InputError, match="a Person was given to the store of WorkItem"),
    ):
        transaction.of(WorkItem).add(Person("p", (Role.AUDITOR,), "k", "pem"))  # type: ignore[arg-type]  # tested


UNSTORABLE: dict[str, tuple[Any, str]] = {
    "an infinite number in a required field": (ledger_entry(value_model=float("inf")), r"\$\.value_model"),
    "not a number in a required field": (ledger_entry(value_model=float("nan")), r"\$\.value_model"),
    "an infinite end of an interval": (ledger_entry(interval=Interval(0, float("inf"))), r"\$\.interval\.high"),
    "a NumPy scalar": (ledger_entry(value_model=np.float64(1.5)), r"numpy\.float64"),
    "text for a number": (ledger_entry(value_model="much"), r"\$\.value_model"),
    "NUL in an indexed field": (ledger_entry(version="a\x00b"), "version of a ledger entry"),
    "a lone surrogate in the id": (ledger_entry(id="\ud800"), "id of a ledger entry"),
    "a lone surrogate in free text": (ledger_entry(reason="\ud800"), "surrogates"),
    "an empty id": (ledger_entry(id=""), "empty id"),
    "an id of five thousand letters": (ledger_entry(id="x" * 5000), "at most 1024 bytes"),
}


@pytest.mark.parametrize(("entity", "said"), UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_could_not_be_read_again_is_refused_when_written(store: Store, entity: Any, said: str) -> None:
    with store.begin() as transaction:
        with pytest.raises(DataError, match=said):
            transaction.of(LedgerEntry).add(entity)
        assert transaction.of(LedgerEntry).count() == 0


def test_a_number_that_is_none_may_be_missing(store: Store) -> None:
    added(store, ledger_entry(total=float("nan")))
    with store.begin() as transaction:
        assert transaction.of(LedgerEntry).get("l1").total is None


def test_whole_numbers_in_number_fields_do_not_cost_the_update(store: Store) -> None:
    written = ledger_entry(value_model=1)
    added(store, written)
    with store.begin() as transaction:
        transaction.of(LedgerEntry).replace(written, replace(written, value_model=2))
        assert transaction.of(LedgerEntry).get("l1").value_model == 2.0


def test_changing_what_was_read_does_not_change_what_is_stored(store: Store) -> None:
    details: dict[str, Any] = {"e": [1.0]}
    look = RolloutLook("r", "d", 1, NOON, "hold", "", 1.0, 1.0, 20.0, {}, {}, 0.1, "", details)
    added(store, look)
    details["e"].append(2.0)
    with store.begin() as transaction:
        transaction.of(RolloutLook).get("r").details["e"].append(3.0)
        assert transaction.of(RolloutLook).get("r").details == {"e": [1.0]}


def test_an_exception_leaves_nothing_of_its_transaction(store: Store) -> None:
    kept = work_item("kept")
    added(store, kept)
    with suppress(ZeroDivisionError), store.begin() as transaction:
        items = transaction.of(WorkItem)
        items.add(work_item("new"))
        items.replace(kept, replace(kept, assignee="ada"))
        items.replace(items.get("kept"), replace(kept, assignee="bob"))
        _ = 1 / 0
    with store.begin() as transaction:
        assert transaction.of(WorkItem).find() == [kept]


class Crash(BaseException):
    """Stands for the end of the process: no handler for ordinary exceptions may swallow it."""


def _crash() -> None:
    raise Crash


@pytest.mark.parametrize(("point", "left"), [("store.before-commit", 0), ("store.after-commit", 1)])
def test_a_crash_around_the_commit_leaves_nothing_or_everything(store: Store, point: str, left: int) -> None:
    faults.arm(point, _crash)
    with pytest.raises(Crash), store.begin() as transaction:
        transaction.of(WorkItem).add(work_item("w1"))
    faults.disarm_all()
    with store.begin() as transaction:
        assert transaction.of(WorkItem).count() == left


def test_a_transaction_inside_a_transaction_is_refused_instead_of_waiting_for_itself(store: Store) -> None:
    with store.begin() as outer:
        with pytest.raises(ConflictError, match="begun inside another"), store.begin():
            pass
        outer.of(WorkItem).add(work_item("w1"))
    with store.begin() as transaction:
        assert transaction.of(WorkItem).count() == 1


def test_a_transaction_cannot_be_used_after_its_block(store: Store) -> None:
    with store.begin() as transaction:
        items, changes = transaction.of(WorkItem), transaction.changes
    for use in (items.count, items.find, lambda: items.get("w1"), lambda: items.add(work_item("w1")), changes.head):
        with pytest.raises(ConflictError, match="transaction is over"):
            use()


def test_an_empty_store_finds_nothing(store: Store) -> None:
    with store.begin() as transaction:
        assert transaction.of(Deployment).find() == []
        assert transaction.of(Deployment).count() == 0


def session(key: str, seen_at: datetime | None = None) -> Session:
    return Session(key, "ada", "form", "token 1", NOON, NOON, seen_at)


def test_what_only_passes_is_removed_and_its_place_stays_free_for_others(store: Store) -> None:
    added(store, session("s1"), session("s2"), session("s3"))
    with store.begin() as transaction:
        transaction.of(Session).remove(session("s2"))
    with store.begin() as transaction:
        assert [s.id for s in transaction.of(Session).find()] == ["s1", "s3"]
        with pytest.raises(NotFoundError):
            transaction.of(Session).remove(session("s2"))
        transaction.of(Session).add(session("s2"))
        assert [s.id for s in transaction.of(Session).find(person="ada")] == ["s1", "s3", "s2"]


def test_removing_what_somebody_changed_is_a_lost_update(store: Store) -> None:
    added(store, session("s1", NOON))
    with store.begin() as transaction, pytest.raises(LostUpdateError, match="'s1' was changed"):
        transaction.of(Session).remove(session("s1"))


def test_what_is_kept_for_good_cannot_be_removed(store: Store) -> None:
    added(store, work_item("w1"))
    with store.begin() as transaction, pytest.raises(ConflictError, match="work item is kept for good"):
        transaction.of(WorkItem).remove(work_item("w1"))


def test_a_removal_that_is_not_committed_removes_nothing(store: Store) -> None:
    added(store, session("s1"))
    with suppress(RuntimeError), store.begin() as transaction:
        transaction.of(Session).remove(session("s1"))
        raise RuntimeError
    with store.read() as transaction:
        assert transaction.of(Session).count() == 1
