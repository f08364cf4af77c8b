"""What the tests of benches judge with: a workbench without a gate around it, and a third party's nasty checks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from roadworthy.checks import registry
from roadworthy.checks.material import Material
from roadworthy.checks.runner import run_check
from roadworthy.domain.durable.bench import CheckBench, Judge
from roadworthy.domain.gate import Finding, Limits, PlannedCheck, Step

THIRD_PARTY = Path(__file__).parent / "third_party"
MATERIAL = Material(now=datetime(2026, 3, 2, tzinfo=UTC), seed=11)
BRIEF = Limits(time_s=1.0, memory_mib=256)
TIGHT = Limits(time_s=120.0, memory_mib=256)
AMPLE = Limits(time_s=120.0, memory_mib=1024)


@dataclass(frozen=True)
class PlainWorkbench:
    """Judges over a material that is sent whole; notes in a file when it opens and closes."""

    diary: str = ""

    @contextmanager
    def open(self, records: object) -> Iterator[Judge]:
        self._note("opened")
        if records == "broken":
            raise ValueError("these records cannot be used")
        try:
            yield partial(_judge, records)
        finally:
            self._note("closed")

    def _note(self, word: str) -> None:
        if self.diary:
            with Path(self.diary).open("a") as file:
                file.write(word + "\n")


def _judge(records: Any, planned: PlannedCheck) -> Finding:
    return run_check(planned, records)


@contextmanager
def nasty_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The third party's package is installed."""
    monkeypatch.syspath_prepend(str(THIRD_PARTY))
    registry._third_party.cache_clear()
    yield
    registry._third_party.cache_clear()
    sys.modules.pop("nasty_checks", None)


def planned(*names: str, limits: Limits = AMPLE, **params: Any) -> list[PlannedCheck]:
    return [PlannedCheck(Step.V3, name, params, limits) for name in names]


def findings(bench: CheckBench, checks: Sequence[PlannedCheck], records: object = MATERIAL) -> dict[str, Finding]:
    """Everything a bench finds, by check; every check is begun once and answered once."""
    begun: list[str] = []
    found: dict[str, Finding] = {}
    with bench.judge(records, checks) as judging:
        for _ in range(10_000):
            if len(found) == len(checks):
                break
            event = judging.next(0.2)
            if event is None:
                continue
            if event.finding is None:
                begun.append(event.check.check)
            else:
                assert event.check.check in begun
                assert event.check.check not in found
                found[event.check.check] = event.finding
        assert judging.next(0.01) is None
    assert sorted(begun) == sorted(found)
    return found
