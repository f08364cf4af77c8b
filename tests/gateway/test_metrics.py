"""Prometheus text, read back by rules of the exposition format."""

from __future__ import annotations

import re

import numpy as np
import pytest

from roadworthy.gateway.metrics import GatewayMetrics, Histogram, Series

LINE = re.compile(r'[a-z_]+(\{([a-z]+="(\\.|[^"\\])*",?)*\})? [0-9.e+-]+(inf)?')


def test_every_line_is_of_the_exposition_format() -> None:
    metrics = GatewayMetrics()
    metrics.requests.add('of"fers\n\\', "200")
    metrics.latency.observe(0.004, "offers")
    metrics.degraded.set(1, "offers")
    lines = metrics.text().splitlines()
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)


def test_a_histogram_counts_like_numpy() -> None:
    values = np.random.default_rng(1).exponential(size=500)
    histogram = Histogram("h", "help", (0.1, 0.5, 1.0, 2.0))
    for value in values:
        histogram.observe(float(value))
    counted = [int(line.split()[-1]) for line in histogram.lines() if "bucket" in line]
    assert counted == [int((values <= bound).sum()) for bound in (0.1, 0.5, 1.0, 2.0, np.inf)]
    assert float(histogram.lines()[-2].split()[-1]) == pytest.approx(values.sum())


def test_large_counts_are_written_exactly() -> None:
    series = Series("s", "help")
    series.add(by=123456789)
    assert series.lines() == ["s 123456789"]
