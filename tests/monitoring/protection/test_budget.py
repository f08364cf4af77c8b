"""Budgets: never more rows than were agreed, and whoever waits as told is served."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roadworthy.monitoring.protection.budget import Bucket, draw

steps = st.lists(st.tuples(st.floats(0, 60), st.integers(1, 80)), min_size=1, max_size=60)


@given(steps)
def test_no_stretch_of_time_gives_more_than_a_full_bucket_and_what_flows_in(asked: list[tuple[float, int]]) -> None:
    bucket, now, taken = None, 0.0, []
    for pause, rows in asked:
        now += pause
        bucket, wait_s = draw(bucket, rows, now, 120.0, 50)
        if wait_s == 0.0:
            taken.append((now, min(rows, 50)))
    for i, (begin, _) in enumerate(taken):
        for j in range(i, len(taken)):
            within = sum(rows for _, rows in taken[i : j + 1])
            assert within <= 50 + 2.0 * (taken[j][0] - begin) + 1e-6


@given(st.floats(0, 50), st.integers(1, 200))
def test_whoever_waits_as_long_as_told_is_served(left: float, rows: int) -> None:
    bucket, wait_s = draw(Bucket(left, 0.0), rows, 0.0, 120.0, 50)
    assert draw(bucket, rows, wait_s + 1e-6, 120.0, 50)[1] == 0.0 or wait_s == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, wait_s = draw(Bucket(1.0, 100.0), 10, 50.0, 60.0, 100)
    assert (bucket.left, wait_s) == (1.0, 9.0)
