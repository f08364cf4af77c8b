"""Every bench judges the same checks to the same findings, whatever they do, and begins and ends each of them once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from bench_world import MATERIAL, PlainWorkbench, findings, nasty_checks, planned

from roadworthy.adapters.benches.inside import InsideBench
from roadworthy.adapters.benches.pool import PoolBench
from roadworthy.checks.runner import run_check
from roadworthy.domain.durable.bench import CheckBench
from roadworthy.domain.verdict import Verdict

NAMES = ("draws", "raises", "says-nan", "exits-politely", "sleeps")


@pytest.fixture(autouse=True, scope="module")
def _installed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, nasty_checks(patch):
        yield


@pytest.fixture(scope="module")
def pools(_installed: None) -> Iterator[dict[str, CheckBench]]:
    made = {"one process": PoolBench(PlainWorkbench(), 1), "three processes": PoolBench(PlainWorkbench(), 3)}
    yield dict(made)
    for bench in made.values():
        bench.close()


@pytest.fixture(params=["inside", "one process", "three processes"])
def bench(request: pytest.FixtureRequest, pools: dict[str, CheckBench]) -> CheckBench:
    return pools.get(request.param) or InsideBench(PlainWorkbench())


def test_findings_are_those_of_the_check_itself_whatever_the_bench(bench: CheckBench) -> None:
    found = findings(bench, planned(*NAMES))
    for check in planned(*NAMES):
        plainly = json.loads(msgspec.json.encode(run_check(check, MATERIAL)))
        assert json.loads(msgspec.json.encode(found[check.check])) == plainly


def test_the_order_of_the_checks_changes_no_finding(bench: CheckBench) -> None:
    there, back = findings(bench, planned(*NAMES)), findings(bench, planned(*reversed(NAMES)))
    assert {k: asdict(v) for k, v in there.items()} == {k: asdict(v) for k, v in back.items()}


def test_a_check_that_raises_or_leaves_by_sys_exit_is_an_error_and_the_others_are_untouched(
    bench: CheckBench,
) -> None:
    found = findings(bench, planned(*NAMES))
    assert {n for n, f in found.items() if f.verdict is Verdict.ERROR} == {"raises", "exits-politely"}
    assert found["raises"].message == "The check itself broke: ValueError: I do not like it"
    assert found["draws"].verdict is Verdict.PASS


def test_no_checks_are_no_events(bench: CheckBench) -> None:
    assert findings(bench, []) == {}


def test_waiting_for_nothing_judges_nothing_in_the_callers_thread(bench: CheckBench) -> None:
    with bench.judge(MATERIAL, planned("sleeps", number=0.3)) as judging:
        events = [judging.next(0) for _ in range(3)]
    assert all(e is None or e.finding is None for e in events)


def test_a_bench_can_be_used_again_after_it_was_left_in_the_middle(bench: CheckBench) -> None:
    with bench.judge(MATERIAL, planned("sleeps", "draws", number=0.1)) as judging:
        assert judging.next(120) is not None
    assert findings(bench, planned("draws"))["draws"].verdict is Verdict.PASS


def test_two_runs_at_once_each_get_their_own_findings(bench: CheckBench) -> None:
    with bench.judge(MATERIAL, planned("sleeps", number=0.05)) as first:
        mine = findings(bench, planned("draws", number=2.0)) if isinstance(bench, InsideBench) else {}
        done = [e.finding for e in iter(lambda: first.next(120), None) if e.finding]
    assert [f.statistic for f in done] == [0.05]
    assert len(mine) in (0, 1)
