"""What every control store promises about lists: filters, orders, pages, counts, and the cards of versions."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadworthy.adapters.storage import listing
from roadworthy.domain.errors import SettingError
from roadworthy.domain.gate import Finding, Gate, GateRun, Step
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, ModelVersion, Signature
from roadworthy.domain.ports import Store
from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItem, WorkItemState
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.query import Query
from roadworthy.domain.trust import Change, SignOff
from roadworthy.domain.verdict import Verdict

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def version(name: str, number: int = 1, **about: Any) -> ModelVersion:
    plain: dict[str, Any] = {
        "id": f"{name}:{number}",
        "use_case": "calls",
        "name": name,
        "number": number,
        "artifact": "a" * 64,
        "format": ArtifactFormat.ONNX,
        "signature": Signature(()),
        "threshold": 0.5,
        "developers": ("dan",),
        "train_dataset": "t",
        "created_at": NOON,
    }
    return ModelVersion(**{**plain, **about})


def signed(of: str, number: int, at: datetime, *, approved: bool = True) -> SignOff:
    return SignOff(f"sign-off-{of}-{number}", of, "run", "e", "vera", approved, "", at)


def run_of(of: str, number: int, *findings: Verdict, verdict: Verdict | None = None) -> GateRun:
    made = tuple(Finding(Step.V1, f"c{i}", 1, v, "said") for i, v in enumerate(findings))
    run = GateRun(f"validation-{of}-{number}", of, Gate.VALIDATION, "p", "dan", 1, NOON, {}, made)
    return replace(run, verdict=verdict)


def item(of: str, number: int) -> WorkItem:
    step = DevelopmentStep.MODELLING
    return WorkItem(f"work-{of}-{number}", of, "calls", DefectKind.OVERFIT, step, "s", "gap", "validation", NOON)


WORDS = ("credit", "Kredit-Risiko", "fraud_score", "call centre", "cred", "Ärger")


def many(count: int, seed: int) -> list[tuple[ModelVersion, datetime | None]]:
    """Versions of every sort, and when each was approved."""
    draw = random.Random(seed)  # noqa: S311 - rows for a test
    made = []
    for n in range(count):
        about = {
            "use_case": draw.choice(("calls", "fraud", "churn")),
            "state": draw.choice((State.REGISTERED, State.ACTIVATED, State.RETURNED)),
            "developers": tuple(draw.sample(("dan", "dora", "danielle"), draw.choice((1, 2)))),
            "description": " ".join(draw.sample(WORDS, 2)),
        }
        approved = draw.choice((None, NOON - draw.randrange(5) * DAY))
        made.append((version(draw.choice(("Zeta", "alpha", "beta", "öl")), n + 1, **about), approved))
    return made


@pytest.fixture
def listed(store: Store) -> list[VersionCard]:
    """Sixty versions are in the store; their cards, as the test itself works them out."""
    with store.begin() as transaction:
        for made, approved in many(60, 7):
            transaction.of(ModelVersion).add(made)
            if approved:
                transaction.of(SignOff).add(signed(made.id, 1, approved))
    names = ("id", "use_case", "name", "number", "state", "developers", "description", "created_at")
    return [
        VersionCard(**{name: getattr(made, name) for name in names}, approved_at=approved)
        for made, approved in many(60, 7)
    ]


def all_pages(store: Store, query: Query) -> tuple[list[VersionCard], int, int]:
    """Everything a query finds, page by page; the total the first page said; how many pages."""
    found: list[VersionCard] = []
    pages = 0
    with store.read() as transaction:
        cards = transaction.of(VersionCard)
        page = cards.page(query)
        total = page.total
        while True:
            pages += 1
            found += page.items
            if not page.next:
                return found, total, pages
            assert len(page.items) == query.limit
            page = cards.page(replace(query, cursor=page.next))


def begins(card: VersionCard, *beginnings: str) -> bool:
    text = " ".join((card.id, card.use_case, card.description, *card.developers)).lower()
    for sign in "-:_":
        text = text.replace(sign, " ")
    return all(any(word.startswith(b) for word in text.split()) for b in beginnings)


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "everything": ({}, bool),
    "one use case": ({"among": {"use_case": ("calls",)}}, lambda c: c.use_case == "calls"),
    "two states": (
        {"among": {"state": (State.ACTIVATED, State.RETURNED)}},
        lambda c: c.state in (State.ACTIVATED, State.RETURNED),
    ),
    "no use case at all": ({"among": {"use_case": ()}}, lambda _: False),
    "a use case and a state": (
        {"among": {"use_case": ("fraud",), "state": (State.REGISTERED,)}},
        lambda c: (c.use_case, c.state) == ("fraud", State.REGISTERED),
    ),
    "a developer, not one whose name begins alike": (
        {"has": {"developers": "dan"}},
        lambda c: "dan" in c.developers,
    ),
    "a developer nobody is": ({"has": {"developers": "a\x00b"}}, lambda _: False),
    "the beginning of a word": ({"words": "cred"}, lambda c: begins(c, "cred")),
    "a word inside a compound, in any case": ({"words": "RISIKO"}, lambda c: begins(c, "risiko")),
    "an umlaut": ({"words": "ärg"}, lambda c: begins(c, "ärg")),
    "two words": ({"words": "score call"}, lambda c: begins(c, "score", "call")),
    "a name with its number": ({"words": "alpha:1"}, lambda c: begins(c, "alpha", "1")),
    "approved before": (
        {"before": {"approved_at": NOON - DAY}},
        lambda c: c.approved_at is not None and c.approved_at < NOON - DAY,
    ),
    "approved in a window": (
        {"since": {"approved_at": NOON - 3 * DAY}, "before": {"approved_at": NOON}},
        lambda c: c.approved_at is not None and NOON - 3 * DAY <= c.approved_at < NOON,
    ),
}


@pytest.mark.parametrize(("given", "matches"), FILTERS.values(), ids=FILTERS)
def test_a_filter_finds_what_matches_newest_first_and_counts_it(
    store: Store, listed: list[VersionCard], given: dict[str, Any], matches: Any
) -> None:
    expected = [c for c in reversed(listed) if matches(c)]
    found, total, pages = all_pages(store, Query(**given, limit=7))
    assert found == expected
    assert (total, pages) == (len(expected), max(1, -(-len(expected) // 7)))


ORDERS: dict[str, Any] = {
    "name": lambda c, n: (c.name, n),
    "approved_at": lambda c, n: (c.approved_at.isoformat() if c.approved_at else "", n),
    "": lambda _, n: n,
}


@pytest.mark.parametrize("words", ["cred", "call fraud", "kredit", "zeta dan", "nothing"])
def test_words_found_row_by_row_are_those_found_all_at_once(
    store: Store, listed: list[VersionCard], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    query = Query(words=words, limit=len(listed))
    with store.read() as tx:
        at_once = tx.of(VersionCard).page(query)
        monkeypatch.setattr(listing, "MANY", -1)
        assert tx.of(VersionCard).page(query) == at_once


def test_a_count_nobody_asks_for_is_spared_and_the_page_is_the_same(
    store: Store, listed: list[VersionCard]
) -> None:
    with store.read() as tx:
        counted, spared = (tx.of(VersionCard).page(Query(words="dan", limit=3, counted=c)) for c in (True, False))
    assert (spared.items, spared.next, spared.total) == (counted.items, counted.next, -1)
    assert 3 < counted.total <= len(listed)


@pytest.mark.parametrize("descending", [True, False], ids=["down", "up"])
@pytest.mark.parametrize(("sort", "key"), ORDERS.items(), ids=["name", "approval", "addition"])
def test_pages_follow_one_another_in_any_order_without_gap_or_repetition(
    store: Store, listed: list[VersionCard], sort: str, key: Any, descending: bool
) -> None:
    numbered = {c.id: n for n, c in enumerate(listed)}
    expected = sorted(listed, key=lambda c: key(c, numbered[c.id]), reverse=descending)
    assert all_pages(store, Query(sort=sort, descending=descending, limit=11))[0] == expected


def test_a_page_that_ends_exactly_at_the_last_entity_has_no_next(store: Store, listed: list[VersionCard]) -> None:
    with store.read() as transaction:
        page = transaction.of(VersionCard).page(Query(limit=len(listed)))
    assert (len(page.items), page.next) == (len(listed), "")


def test_what_is_added_while_somebody_turns_pages_moves_nothing(store: Store, listed: list[VersionCard]) -> None:
    with store.read() as transaction:
        first = transaction.of(VersionCard).page(Query(limit=10))
    with store.begin() as transaction:
        transaction.of(ModelVersion).add(version("late", 99))
    with store.read() as transaction:
        second = transaction.of(VersionCard).page(Query(limit=10, cursor=first.next))
    assert [*first.items, *second.items] == listed[::-1][:20]


def test_a_tally_counts_per_value_of_what_matches(store: Store, listed: list[VersionCard]) -> None:
    query = Query(among={"use_case": ("calls",)}, words="cred", limit=1)
    with store.read() as transaction:
        found = transaction.of(VersionCard).tally("state", query)
    states = [c.state.value for c in listed if c.use_case == "calls" and begins(c, "cred")]
    assert found == {s: states.count(s) for s in states}


REFUSED: dict[str, tuple[Query, str]] = {
    "a field that is not indexed": (Query(among={"description": ("x",)}), "cannot be looked up by 'description'"),
    "the text of an enum": (Query(among={"state": ("activated",)}), "Give a State"),
    "one of several of what has one": (Query(has={"name": "x"}), "Possible: developers"),
    "a cut at what is no moment": (Query(before={"name": NOON}), "cannot be cut at 'name'"),
    "an order nobody keeps": (Query(sort="description"), "Possible: name, approved_at"),
    "a search without a word": (Query(words=" -- "), "nothing to search for"),
    "no entity per page": (Query(limit=0), "limit is 0"),
    "a cursor that is none": (Query(cursor="x"), "does not belong to this list"),
    "a cursor of another order": (Query(cursor="WyJuYW1lLSIsIngiLDFd"), "does not belong to this list"),
    "a cursor with more in it": (Query(cursor="WyItIiwiIiwxLDJd"), "does not belong to this list"),
}


@pytest.mark.parametrize(("query", "said"), REFUSED.values(), ids=REFUSED)
def test_a_query_that_cannot_be_answered_is_refused_by_name(store: Store, query: Query, said: str) -> None:
    with store.read() as transaction, pytest.raises(SettingError, match=said):
        transaction.of(VersionCard).page(query)


def test_a_kind_without_words_says_so(store: Store) -> None:
    with store.read() as transaction, pytest.raises(SettingError, match="a work item has no words"):
        transaction.of(WorkItem).page(Query(words="x"))


def test_any_kind_can_be_paged_by_its_indexed_fields(store: Store) -> None:
    with store.begin() as transaction:
        for n in range(5):
            transaction.of(WorkItem).add(item("v:1", n))
    with store.read() as transaction:
        page = transaction.of(WorkItem).page(Query(among={"state": (WorkItemState.OPEN,)}, limit=2))
        assert [w.id for w in page.items] == ["work-v:1-4", "work-v:1-3"]
        assert page.total == 5


def card(store: Store, key: str = "m:1") -> VersionCard:
    with store.read() as transaction:
        return transaction.of(VersionCard).get(key)


def test_a_card_follows_its_version_runs_signatures_and_work(store: Store) -> None:
    first = version("m")
    with store.begin() as transaction:
        transaction.of(GateRun).add(run_of("m:1", 7))  # before there is a version: no card
        transaction.of(ModelVersion).add(first)
    assert (card(store).state, card(store).runs) == (State.REGISTERED, {})
    run, more = run_of("m:1", 1), run_of("m:1", 1, Verdict.PASS)
    with store.begin() as transaction:
        transaction.of(ModelVersion).replace(first, replace(first, state=State.VALIDATING))
        transaction.of(GateRun).add(run)
        transaction.of(GateRun).replace(run, more)
    assert (card(store).verdicts, card(store).gates) == ({"validation": "running"}, {"validation": {"pass": 1}})
    done = run_of("m:1", 1, Verdict.PASS, Verdict.FAIL, verdict=Verdict.FAIL)
    with store.begin() as transaction:
        transaction.of(GateRun).replace(more, done)
        transaction.of(WorkItem).add(item("m:1", 1))
        transaction.of(WorkItem).add(item("m:1", 2))
        closed = replace(item("m:1", 1), state=WorkItemState.CLOSED)
        transaction.of(WorkItem).replace(item("m:1", 1), closed)
        transaction.of(WorkItem).replace(closed, replace(closed, assignee="dan"))
        transaction.of(SignOff).add(signed("m:1", 1, NOON))
    now = card(store)
    assert (now.state, now.verdicts, now.open_work) == (State.VALIDATING, {"validation": "fail"}, 1)
    assert (now.gates, now.approved_at) == ({"validation": {"pass": 1, "fail": 1}}, NOON)
    with store.begin() as transaction:
        transaction.of(SignOff).add(signed("m:1", 2, NOON + DAY, approved=False))
        transaction.of(GateRun).add(run_of("m:1", 2))
        transaction.of(GateRun).replace(done, replace(done, actor="x"))  # an earlier run says nothing any more
    now = card(store)
    assert (now.approved_at, now.runs, now.verdicts, now.gates) == (
        None,
        {"validation": "validation-m:1-2"},
        {"validation": "running"},
        {"validation": {}},
    )


def test_a_work_item_that_moves_to_another_version_is_open_there_and_nowhere_else(store: Store) -> None:
    moving = item("m:1", 1)
    with store.begin() as transaction:
        for number in (1, 2):
            transaction.of(ModelVersion).add(version("m", number))
        transaction.of(WorkItem).add(moving)
        transaction.of(WorkItem).replace(moving, replace(moving, version="m:2"))
    assert [card(store, f"m:{n}").open_work for n in (1, 2)] == [0, 1]


def test_words_that_change_are_found_and_those_that_were_are_not(store: Store) -> None:
    first = version("m", description="old")
    with store.begin() as transaction:
        transaction.of(ModelVersion).add(first)
        transaction.of(ModelVersion).replace(first, replace(first, description="new"))
    with store.read() as transaction:
        cards = transaction.of(VersionCard)
        assert [cards.page(Query(words=w)).total for w in ("old", "new")] == [0, 1]


def test_what_is_rolled_back_leaves_no_card_and_no_word(store: Store) -> None:
    with suppress(ZeroDivisionError), store.begin() as transaction:
        transaction.of(ModelVersion).add(version("m", description="gone"))
        _ = 1 / 0
    with store.read() as transaction:
        assert transaction.of(VersionCard).page(Query(words="gone")).total == 0


def test_the_change_record_is_read_from_its_head_back(store: Store) -> None:
    with store.begin() as transaction:
        for n in range(1, 6):
            previous = f"{n - 1:064d}" if n > 1 else ""
            subject = "even" if n % 2 == 0 else "odd"
            transaction.changes.append(Change(n, NOON, "ada", "act", subject, "", previous, f"{n:064d}"))
    with store.read() as transaction:
        newest = transaction.changes.newest
        assert [c.seq for c in newest()] == [5, 4, 3, 2, 1]
        assert [c.seq for c in newest(subject="odd", limit=2)] == [5, 3]
        assert [c.seq for c in newest(subject="odd", before=3)] == [1]
        assert [c.seq for c in newest(before=3, limit=1)] == [2]
        assert newest(before=1) == newest(limit=0) == newest(subject="none") == []
