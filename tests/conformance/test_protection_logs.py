"""What every log of the standing protections promises (`domain/ports.py`: ProtectionLog)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roadworthy.adapters.tallies.files import KEEP_DAYS, FileTallies
from roadworthy.adapters.tallies.memory import MemoryTallies
from roadworthy.domain.ports import ProtectionLog
from roadworthy.domain.standing.protection import ProtectionTally, Sighting

NOW = datetime(2026, 3, 1, 23, 59, 55, tzinfo=UTC)
SEEN = Sighting("extraction", "shop", NOW, 0.8, 0.3, 100, "differs")
TALLY = ProtectionTally(
    "mail/ing", "d1", NOW, NOW + timedelta(seconds=10), 300, 3, 7, {"budget": 2}, (SEEN,), "why"
)


@pytest.fixture(params=["files", "memory"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> ProtectionLog:
    return FileTallies(tmp_path / "protection", "g1") if request.param == "files" else MemoryTallies()


def later(days: float) -> ProtectionTally:
    moved = timedelta(days=days)
    return replace(TALLY, since=TALLY.since + moved, until=TALLY.until + moved)


def test_what_was_written_is_read_again_in_order_and_per_endpoint(log: ProtectionLog) -> None:
    assert log.read("mail/ing") == []
    log.append(later(2))
    log.append(TALLY)
    log.append(replace(TALLY, endpoint="other"))
    assert log.read("mail/ing") == [TALLY, later(2)]


def test_a_window_cuts_by_when_the_tally_was(log: ProtectionLog) -> None:
    for day in range(4):
        log.append(later(day))
    assert log.read("mail/ing", since=later(1).until) == [later(1), later(2), later(3)]
    assert log.read("mail/ing", until=later(2).since) == [TALLY, later(1)]


def test_writers_beside_each_other_are_read_together(tmp_path: Path) -> None:
    one, other = FileTallies(tmp_path, "g1"), FileTallies(tmp_path, "g2")
    one.append(TALLY)
    other.append(later(1))
    assert one.read("mail/ing") == other.read("mail/ing") == [TALLY, later(1)]


def test_a_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    log = FileTallies(tmp_path, "g1")
    log.append(TALLY)
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(path.read_bytes() + path.read_bytes()[:40])
    assert log.read("mail/ing") == [TALLY]


def test_what_is_older_than_it_is_kept_for_goes(tmp_path: Path) -> None:
    log = FileTallies(tmp_path, "g1")
    log.append(TALLY)
    log.append(later(KEEP_DAYS + 1))
    assert log.read("mail/ing") == [later(KEEP_DAYS + 1)]
