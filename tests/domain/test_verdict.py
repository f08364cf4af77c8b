"""The five verdicts have one ordering, and nothing that was not measured lets anything through."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.domain.verdict import Verdict, worst

FROM_BEST_TO_WORST = ["pass", "warn", "fail", "inconclusive", "error"]
SOME = st.lists(st.sampled_from(Verdict))


def test_there_are_five_verdicts_in_this_order() -> None:
    assert [v.value for v in sorted(Verdict, key=lambda v: v.severity)] == FROM_BEST_TO_WORST
    assert [v.severity for v in sorted(Verdict, key=lambda v: v.severity)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("verdict", Verdict, ids=lambda v: v.value)
def test_only_pass_and_warn_let_through(verdict: Verdict) -> None:
    assert verdict.lets_through == (verdict.value in ("pass", "warn"))


def test_the_worst_of_nothing_is_inconclusive() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE
    assert worst(iter(())) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("verdict", Verdict, ids=lambda v: v.value)
def test_the_worst_of_one_is_that_one(verdict: Verdict) -> None:
    assert worst([verdict]) is verdict


@pytest.mark.parametrize("pair", list(permutations(Verdict, 2)), ids=lambda p: f"{p[0].value}-{p[1].value}")
def test_the_worst_of_two_is_the_later_in_the_order(pair: tuple[Verdict, Verdict]) -> None:
    later = max(pair, key=lambda v: FROM_BEST_TO_WORST.index(v.value))
    assert worst(pair) is later


@given(SOME)
def test_order_and_repetition_do_not_matter(verdicts: list[Verdict]) -> None:
    assert worst(verdicts) is worst(reversed(verdicts)) is worst(verdicts * 2)


@given(SOME, SOME)
def test_the_worst_of_parts_is_the_worst_of_the_whole_when_every_part_has_something(
    some: list[Verdict], more: list[Verdict]
) -> None:
    if some and more:
        assert worst([worst(some), worst(more)]) is worst(some + more)


@given(SOME, st.sampled_from(Verdict))
def test_one_more_verdict_never_makes_it_better(verdicts: list[Verdict], more: Verdict) -> None:
    if verdicts:
        assert worst([*verdicts, more]).severity >= worst(verdicts).severity


@given(SOME)
def test_the_whole_lets_through_only_when_there_is_something_and_all_of_it_does(verdicts: list[Verdict]) -> None:
    assert worst(verdicts).lets_through == (bool(verdicts) and all(v.lets_through for v in verdicts))
