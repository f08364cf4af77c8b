"""Streaming detectors against published alarms, and their quiet under no change."""

from __future__ import annotations

import random

import pytest

from roadworthy.domain.errors import SettingError
from roadworthy.monitoring.streams.ddm import Ddm
from roadworthy.monitoring.streams.page_hinkley import PageHinkley, PageHinkleyParams


def test_page_hinkley_raises_where_rivers_does() -> None:
    rng = random.Random(12345)  # noqa: S311 - the published stream
    stream = rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)
    detector = PageHinkley()
    assert [i for i, x in enumerate(stream) if detector.update(x)] == [1006]


def test_ddm_warns_and_raises_where_rivers_does() -> None:
    rng = random.Random(42)  # noqa: S311 - the published stream
    stream = rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])
    detector, warned, raised = Ddm(), [], []
    for i, wrong in enumerate(stream):
        if detector.update(wrong):
            raised.append(i)
        if detector.warning:
            warned.append(i)
    assert (warned[0], raised[0]) == (1084, 1334)


def test_page_hinkley_sees_a_fall_as_well_as_a_rise() -> None:
    detector = PageHinkley()
    assert any(detector.update(x) for x in [5.0] * 200 + [1.0] * 200)


def test_page_hinkley_does_not_latch() -> None:
    detector = PageHinkley()
    raised = [detector.update(x) for x in [0.0] * 200 + [10.0] * 300 + [10.0] * 2000]
    assert raised.count(True) == 1


def test_a_steady_stream_raises_nothing() -> None:
    rng = random.Random(7)  # noqa: S311 - a simulation
    detector = PageHinkley()
    assert not any(detector.update(rng.random()) for _ in range(5000))


def test_no_alarm_before_enough_rows() -> None:
    detector = PageHinkley(PageHinkleyParams(min_rows=500))
    assert not any(detector.update(x) for x in [0.0] * 100 + [100.0] * 399)


def test_a_parameter_outside_its_range_is_named() -> None:
    with pytest.raises(SettingError, match="memory"):
        PageHinkleyParams(memory=0.0)
