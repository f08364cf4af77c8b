"""Kill -9 of a process that writes decisions: nothing acknowledged is lost, and nothing is there twice."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from roadworthy.adapters.decisions.segments import SegmentLog

WRITER = """
import os, signal, sys, threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain import faults
from roadworthy.domain.serving import Decision, DecisionStatus, Outcome

folder, run, sync, point, reaches = sys.argv[1:]
log = SegmentLog(Path(folder), sync=sync, segment_rows=40)
left = [int(reaches)]
lock = threading.Lock()

def die():
    with lock:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

if point:
    faults.arm(point, die)
T0 = datetime(2026, 1, 1, tzinfo=UTC)

def write(thread):
    for n in range(100_000):
        ids = [f"{run}-{thread}-{n}-{k}" for k in range(1 + n % 5)]
        log.append([
            Decision(i, "r" + i, "loans", "dep", 1, "a", "v", "u", T0 + timedelta(seconds=n), {"n": n}, 0.5, True,
                     1.0, DecisionStatus.SCORED, 1.0) for i in ids
        ])
        log.append_outcomes([Outcome("loans", "r" + i, 1.0, T0, T0) for i in ids])
        os.write(1, (" ".join(ids) + "\\n").encode())

threads = [threading.Thread(target=write, args=(t,)) for t in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def run_until_killed(
    folder: Path, run: str, *, lines: int = 0, sync: str = "always", point: str = "", reaches: int = 1
) -> set[str]:
    """Start the writer, kill it after it printed `lines` acknowledgements (or at its fault point); its output."""
    command = [sys.executable, "-c", WRITER, str(folder), run, sync, point, str(reaches)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line)
            if lines and len(printed) == lines:
                process.kill()
        assert process.wait(timeout=60) == -9
    return {i for line in printed if line.endswith("\n") for i in line.split()}


def assert_each_once(folder: Path, acknowledged: set[str]) -> None:
    log = SegmentLog(folder, segment_rows=40)
    counts = Counter(d.id for d in log.read("loans"))
    assert acknowledged <= counts.keys()
    assert set(counts.values()) <= {1}
    assert {"r" + i for i in acknowledged} <= {o.request_id for o in log.read_outcomes("loans")}
    log.close()


def test_twenty_kills_under_load_lose_and_repeat_nothing(tmp_path: Path) -> None:
    rng = random.Random(20260101)  # noqa: S311 - a seed for repeatable kill times, not a secret
    acknowledged: set[str] = set()
    for run in range(20):
        sync = "always" if run % 2 else "off"
        acknowledged |= run_until_killed(tmp_path, f"k{run}", lines=rng.randint(1, 120), sync=sync)
        assert_each_once(tmp_path, acknowledged)
    assert len(acknowledged) > 500


@pytest.mark.parametrize("point", ["decisions.before-sync", "decisions.after-sync", "decisions.before-seal"])
@pytest.mark.parametrize("reaches", [1, 7], ids=["at once", "under load"])
def test_a_kill_at_each_commit_boundary_loses_and_repeats_nothing(tmp_path: Path, point: str, reaches: int) -> None:
    acknowledged = run_until_killed(tmp_path, "a", point=point, reaches=reaches)
    acknowledged |= run_until_killed(tmp_path, "b", point=point, reaches=reaches)
    assert_each_once(tmp_path, acknowledged)
    acknowledged |= run_until_killed(tmp_path, "c", lines=60)
    assert_each_once(tmp_path, acknowledged)
    again = SegmentLog(tmp_path, segment_rows=40)
    again.append(again.read("loans")[:1])
    again.append_outcomes(again.read_outcomes("loans")[:1])
    again.close()
    assert_each_once(tmp_path, acknowledged)
    assert not list(tmp_path.glob("loans/*/*.tmp"))
