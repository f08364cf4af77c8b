"""Token buckets against a brute-force count of what a bucket lets through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from roadworthy.domain.errors import ThrottledError
from roadworthy.web.buckets import Buckets, refuse_wait


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_full_bucket_lets_as_many_through_as_it_holds() -> None:
    buckets = Buckets(5, Hand())
    assert [buckets.take("a") for _ in range(5)] == [0.0] * 5
    assert buckets.take("a") == pytest.approx(12.0)
    assert buckets.take("b") == 0.0


def test_it_refills_evenly_and_never_above_its_size() -> None:
    hand = Hand()
    buckets = Buckets(60, hand)
    while buckets.take("a") == 0.0:
        pass
    hand.at += 0.5
    assert buckets.wait_s("a") == pytest.approx(0.5)
    hand.at += 0.5
    assert (buckets.wait_s("a"), buckets.take("a")) == (0.0, 0.0)
    hand.at += 3600
    assert sum(buckets.take("a") == 0.0 for _ in range(100)) == 60


def test_in_any_minute_at_most_twice_its_size_passes_and_in_the_long_run_its_rate() -> None:
    hand, draw = Hand(), np.random.default_rng(3)
    buckets = Buckets(30, hand)
    passed = []
    for _ in range(4000):
        hand.at += draw.exponential(1 / 3)
        if buckets.take("a") == 0.0:
            passed.append(hand.at)
    worst = max(sum(1 for x in passed if at <= x < at + 60) for at in passed)
    assert 30 <= worst <= 60
    minutes = (hand.at - 1000) / 60
    assert len(passed) == pytest.approx(30 * (minutes + 1), rel=0.1)


def test_a_refused_one_takes_nothing_so_that_asking_on_does_not_prolong_the_wait() -> None:
    hand = Hand()
    buckets = Buckets(1, hand)
    buckets.take("a")
    waits = []
    for _ in range(3):
        hand.at += 10
        waits.append(buckets.take("a"))
    assert waits == pytest.approx([50.0, 40.0, 30.0])


def test_memory_is_bounded_whoever_asks() -> None:
    buckets = Buckets(5, Hand(), max_keys=100)
    for n in range(10_000):
        buckets.take(f"address {n}")
    assert len(buckets) == 100


def test_threads_together_get_no_more_than_the_bucket_holds() -> None:
    buckets = Buckets(200, Hand())
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: buckets.take("a") == 0.0, range(1000)))
    assert sum(got) == 200


def test_the_refusal_says_how_many_whole_seconds() -> None:
    refuse_wait(0.0, "nothing")
    with pytest.raises(ThrottledError, match=r"too often\. Come back in 2 s\.") as refused:
        refuse_wait(1.2, "too often")
    assert refused.value.fields == {"retry_after_s": 2}
