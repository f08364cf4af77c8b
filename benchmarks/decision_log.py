"""How fast decisions are logged: decisions per second, and as a ratio to writing the same bytes to a bare file.

    python benchmarks/decision_log.py

A ratio travels between machines better than a rate: 1.0 would be a log that costs nothing beyond the write itself.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.records import DECISIONS
from roadworthy.adapters.decisions.segments import SegmentLog, Sync
from roadworthy.domain.serving import Decision, DecisionStatus

BATCH, BATCHES = 64, 300
INPUTS = {f"column_{i}": i * 0.5 if i % 2 else f"text {i}" for i in range(20)}


def batches() -> list[list[Decision]]:
    """`BATCHES` lists of `BATCH` decisions with twenty inputs each."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    base = Decision(
        "", "", "bench", "dep", 1, "champion", "v1", "u", at, INPUTS, 0.5, True, 1.0, DecisionStatus.SCORED, 1.0
    )
    return [[replace(base, id=f"d{b}-{i}", request_id=f"r{b}-{i}") for i in range(BATCH)] for b in range(BATCHES)]


def rate(work: Callable[[], None]) -> float:
    """Decisions per second of the fastest of three runs."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return BATCH * BATCHES / best


def logged(data: list[list[Decision]], sync: Sync) -> Callable[[], None]:
    """Append every batch through the log, sealing included."""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = SegmentLog(Path(folder), sync=sync)
            for batch in data:
                log.append(batch)
            log.close()

    return work


def raw(data: list[list[Decision]], sync: Sync) -> Callable[[], None]:
    """Write the same bytes, already encoded, to one file."""
    encoded = [frames.frame(DECISIONS.encode(batch)) for batch in data]

    def work() -> None:
        with tempfile.NamedTemporaryFile(buffering=0) as file:
            for chunk in encoded:
                file.write(chunk)
                if sync == "always":
                    os.fdatasync(file.fileno())

    return work


def main() -> None:
    """Print one line per sync mode."""
    data = batches()
    modes: tuple[Sync, ...] = ("off", "always")
    for sync in modes:
        ours, bare = rate(logged(data, sync)), rate(raw(data, sync))
        print(f"sync={sync:<7} log {ours:>10,.0f}/s   bare file {bare:>12,.0f}/s   ratio {ours / bare:.3f}")


if __name__ == "__main__":
    main()
