"""Comparing a shadow with its champion, against plain arithmetic."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.rollout.shadow_comparison import Pair, compare

SCORES = st.floats(0, 1)


def test_without_pairs_nothing_is_said_but_what_failed():
    found = compare([], 0.5, failed=3)
    assert (found.pairs, found.failed, found.agreement, found.differences) == (0, 3, None, ())


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=40))
def test_the_counts_and_means_are_those_of_plain_arithmetic(scores):
    pairs = [Pair(c, s, c >= 0.3, 1.0, 2.0) for c, s in scores]
    found = compare(pairs, 0.5)
    same = [(c >= 0.3) == (s >= 0.5) for c, s in scores]
    assert found.agreement == sum(same) / len(same)
    assert found.only_shadow + found.only_champion == len(same) - sum(same)
    assert found.mean_difference == pytest.approx(statistics.fmean(s - c for c, s in scores))
    assert found.largest_difference == max(abs(s - c) for c, s in scores)
    assert found.differences[2] == pytest.approx(statistics.median(s - c for c, s in scores))


def test_times_are_medians_and_late_ones():
    pairs = [Pair(0.1, 0.2, False, float(i), 2.0 * i) for i in range(101)]
    found = compare(pairs, 0.5)
    assert (found.champion_ms, found.shadow_ms) == ((50.0, 99.0), (100.0, 198.0))
