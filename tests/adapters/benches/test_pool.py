"""`PoolBench`: limits hold, what dies is replaced, and nothing that was started is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from bench_world import (
    AMPLE,
    BRIEF,
    MATERIAL,
    TIGHT,
    PlainWorkbench,
    findings,
    nasty_checks,
    planned,
)

from roadworthy.adapters.benches.pool import PoolBench
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.gate import Limits
from roadworthy.domain.verdict import Verdict


@pytest.fixture(autouse=True, scope="module")
def _installed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, nasty_checks(patch):
        yield


@pytest.fixture(scope="module")
def pool(_installed: None) -> Iterator[PoolBench]:
    made = PoolBench(PlainWorkbench(), 2)
    yield made
    pids = made.pids()
    made.close()
    assert [pid for pid in pids if alive(pid)] == []


def alive(pid: int) -> bool:
    """Whether a process is there, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ends(pid: int) -> bool:
    """Whether it ends within ten seconds; a child of a killed process is reaped by whoever inherits it."""
    for _ in range(1000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        threading.Event().wait(0.01)
    return False


ENDS = {
    "hangs": "time-limit",
    "eats": "memory-limit",
    "eats-native": "memory-limit",
    "aborts": "crashed",
    "exits": "crashed",
    "segfaults": "crashed",
}


@pytest.mark.parametrize(("name", "reason"), ENDS.items(), ids=ENDS)
def test_a_check_that_goes_too_far_is_an_error_with_its_reason_and_others_are_untouched(
    pool: PoolBench, name: str, reason: str
) -> None:
    found = findings(pool, [*planned(name, limits=BRIEF if name == "hangs" else TIGHT), *planned("draws")])
    assert (found[name].verdict, found[name].reasons) == (Verdict.ERROR, (reason,))
    assert found["draws"].verdict is Verdict.PASS


def test_a_limit_is_named_in_the_finding(pool: PoolBench) -> None:
    found = findings(pool, planned("hangs", limits=Limits(time_s=0.2)))
    assert "after 0.2 s" in found["hangs"].message
    found = findings(pool, planned("eats", limits=Limits(time_s=120, memory_mib=100)))
    assert "100 MiB" in found["eats"].message


def test_after_memory_ran_out_the_same_process_judges_on_with_its_full_allowance() -> None:
    one = PoolBench(PlainWorkbench(), 1)
    try:
        found = findings(one, [*planned("eats", limits=TIGHT), *planned("draws")])
        assert found["draws"].verdict is Verdict.PASS
        before = one.pids()
        assert findings(one, planned("draws"))["draws"].verdict is Verdict.PASS
        assert one.pids() == before
    finally:
        one.close()


def test_time_runs_per_check_not_from_the_start_of_the_run(pool: PoolBench) -> None:
    checks = [planned("sleeps", limits=Limits(time_s=2.5), number=0.6 + n / 100)[0] for n in range(6)]
    with pool.judge(MATERIAL, checks) as judging:
        verdicts = [e.finding.verdict for e in iter(lambda: judging.next(120), None) if e.finding]
    assert verdicts == [Verdict.PASS] * 6


def test_ending_a_check_ends_the_processes_it_started(pool: PoolBench, tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    found = findings(pool, planned("leaves-children", limits=Limits(time_s=6.0), file=str(noted)))
    assert found["leaves-children"].reasons == ("time-limit",)
    judge, child = map(int, noted.read_text().split())
    assert ends(judge)
    assert ends(child)


def test_leaving_the_run_stops_what_still_runs_within_a_second(pool: PoolBench, tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    with pool.judge(MATERIAL, planned("leaves-children", file=str(noted))) as judging:
        for _ in range(4000):
            judging.next(0.05)
            if noted.exists() and len(noted.read_text().split()) == 2:
                break
        began = time.monotonic()
    assert time.monotonic() - began < 1.0
    judge, child = map(int, noted.read_text().split())
    assert judge not in pool.pids()
    assert ends(child)


def test_a_process_that_is_killed_by_somebody_else_costs_one_finding(pool: PoolBench) -> None:
    with pool.judge(MATERIAL, planned("sleeps", number=30.0)) as judging:
        while not (event := judging.next(0.2)):
            pass
        assert event.finding is None
        busy = [pid for pid in pool.pids() if pid not in {w.pid for w in pool._idle}]
        os.kill(busy[0], signal.SIGKILL)
        while not (event := judging.next(0.2)):
            pass
    assert event.finding is not None
    assert event.finding.reasons == ("crashed",)


def test_records_that_cannot_be_opened_break_every_check_and_nothing_else(pool: PoolBench) -> None:
    found = findings(pool, planned("draws", "sleeps"), "broken")
    assert {(f.verdict, f.message) for f in found.values()} == {
        (Verdict.ERROR, "The check itself broke: ValueError: these records cannot be used")
    }
    assert findings(pool, planned("draws"))["draws"].verdict is Verdict.PASS


def test_what_a_run_loaded_is_let_go_of_when_its_checks_are_done(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    one = PoolBench(PlainWorkbench(str(diary)), 1)
    try:
        findings(one, planned("draws", "sleeps"))
        findings(one, planned("draws"))
        findings(one, planned("draws"))
    finally:
        one.close()
    assert diary.read_text().split()[:5] == ["opened", "closed", "opened", "closed", "opened"]


def test_the_pool_never_has_more_processes_than_its_limit_and_two_runs_share_them(pool: PoolBench) -> None:
    results: dict[int, float | None] = {}

    def run(n: int) -> None:
        found = findings(pool, planned("sleeps", limits=AMPLE, number=0.1 + n / 100))
        results[n] = found["sleeps"].statistic
        assert len(pool.pids()) <= 2

    threads = [threading.Thread(target=run, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {n: 0.1 + n / 100 for n in range(5)}


def test_a_closed_pool_judges_no_more() -> None:
    one = PoolBench(PlainWorkbench(), 1)
    findings(one, planned("draws"))
    one.close()
    with pytest.raises(UnavailableError, match="closed"), one.judge(MATERIAL, planned("draws")) as judging:
        judging.next(0.1)


ORPHAN = """
import sys, time
sys.path[:0] = {paths!r}
from bench_world import MATERIAL, PlainWorkbench, planned
from roadworthy.adapters.benches.pool import PoolBench
pool = PoolBench(PlainWorkbench(), 1)
with pool.judge(MATERIAL, planned({name!r}, file={file!r})) as judging:
    while not judging.next(0.1):
        pass
    print(*pool.pids(), flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("name", ["hangs", "leaves-children"])
def test_when_the_server_is_killed_its_judging_processes_end_with_it(name: str, tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    worlds = Path(__file__).parents[2] / "worlds"
    code = ORPHAN.format(paths=[str(worlds), str(worlds / "third_party")], name=name, file=str(noted))
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    with server.stdout:
        pids = [int(p) for p in server.stdout.readline().split()]
    if name == "leaves-children":
        while not (noted.exists() and len(noted.read_text().split()) == 2):
            threading.Event().wait(0.02)
        pids += [int(p) for p in noted.read_text().split()]
    server.kill()
    server.wait()
    assert pids
    assert all(ends(pid) for pid in pids)
