"""Compacting and forgetting, while others write, and after a crash at every step."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from roadworthy.adapters.decisions import frames
from roadworthy.adapters.decisions.keeping.turn import turn
from roadworthy.adapters.decisions.segment import OpenSegment
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain import faults
from roadworthy.domain.errors import ConflictError, CouldNotVerifyError
from roadworthy.domain.serving import Decision, DecisionStatus, Outcome
from roadworthy.domain.storing.log import Forgotten, LogRules

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 3
"""Rows per segment."""


def a_decision(n: int, unit: str = "") -> Decision:
    return Decision(
        f"d{n}", f"r{n}", "loans", "dep", 1, "champion", "v1", unit or f"u{n}", T0 + timedelta(hours=n),
        {"age": n, "note": f"note of {unit or n}"}, n / 1000, True, 0.9, DecisionStatus.SCORED, 1.0,
    )  # fmt: skip


def an_outcome(n: int, value: float = 1.0) -> Outcome:
    return Outcome("loans", f"r{n}", value, T0, T0 + timedelta(hours=n))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SegmentLog]:
    made = SegmentLog(tmp_path, sync="off", segment_rows=ROWS)
    yield made
    made.close()


def fill(log: SegmentLog, count: int, first: int = 0) -> list[Decision]:
    """So many decisions and outcomes, one append each, full segments sealed."""
    made = [a_decision(n) for n in range(first, first + count)]
    for n, decision in enumerate(made):
        log.append([decision])
        log.append_outcomes([an_outcome(first + n)])
    log.settle()
    return made


def in_table(folder: Path, kind: str = "decisions") -> list[tuple[Any, ...]]:
    """What another house's engine reads: all columns but where and on which day, in order."""
    written = DeltaTable(folder / "loans" / kind / "delta").to_pyarrow_dataset()  # noqa: F841 - DuckDB reads it by name
    rows = duckdb.sql("SELECT * EXCLUDE (segment, row, day) FROM written ORDER BY segment, row").to_arrow_table()
    return [tuple(row.values()) for row in rows.to_pylist()]


def sealed(folder: Path) -> list[str]:
    return sorted(p.stem for p in (folder / "loans").glob("decisions/*.parquet"))


def test_sealed_segments_become_one_table_and_reads_are_the_same_before_and_after(
    log: SegmentLog, tmp_path: Path
) -> None:
    made = fill(log, 10)
    assert len(sealed(tmp_path)) == 3
    assert log.compact("loans") == 18
    assert sealed(tmp_path) == []
    assert log.read("loans") == made
    assert [o.request_id for o in log.read_outcomes("loans")] == [f"r{n}" for n in range(10)]
    assert log.find("r2") == [made[2]]
    assert log.read("loans", since=made[2].at, until=made[9].at) == made[2:9]
    assert log.compact("loans") == 0


def test_another_engine_reads_the_same_rows_from_the_table(log: SegmentLog, tmp_path: Path) -> None:
    made = fill(log, 9)
    log.compact("loans")
    rows = in_table(tmp_path)
    assert [r[:8] for r in rows] == [
        (d.id, d.request_id, d.endpoint, d.deployment, d.revision, d.arm, d.version, d.unit_id) for d in made
    ]
    assert [(r[8].astimezone(UTC), r[10], r[11], r[12], r[13]) for r in rows] == [
        (d.at, d.score, d.acted, d.propensity, d.status.value) for d in made
    ]
    outcomes = in_table(tmp_path, "outcomes")
    assert [r[1:3] for r in outcomes] == [(f"r{n}", 1.0) for n in range(9)]


def test_a_repeated_decision_is_in_the_table_once_and_every_correction_of_an_outcome_is(
    log: SegmentLog, tmp_path: Path
) -> None:
    fill(log, 3)
    log.compact("loans")
    log.append([a_decision(1), a_decision(7), a_decision(7)])
    log.append_outcomes([an_outcome(1, 0.0), an_outcome(1, 0.5), an_outcome(1, 0.0)])
    log.settle()
    log.compact("loans")
    assert [r[0] for r in in_table(tmp_path)] == ["d0", "d1", "d2", "d7"]
    assert len(in_table(tmp_path, "outcomes")) == 6
    assert {o.request_id: o.value for o in log.read_outcomes("loans")}["r1"] == 0.0


class Crash(BaseException):
    """The process ends here."""


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("point", ["decisions.before-compact", "decisions.after-compact"])
def test_a_compaction_that_dies_is_done_once_by_the_next(log: SegmentLog, tmp_path: Path, point: str) -> None:
    made = fill(log, 10)
    faults.arm(point, crash)
    with pytest.raises(Crash):
        log.compact("loans")
    faults.disarm_all()
    assert log.read("loans") == made
    assert len(log.read_outcomes("loans")) == 10
    log.compact("loans")
    assert log.read("loans") == made
    assert [r[0] for r in in_table(tmp_path)] == [d.id for d in made[:9]]
    assert len(in_table(tmp_path, "outcomes")) == 9


def test_a_segment_number_is_never_used_twice(tmp_path: Path) -> None:
    for round_ in range(3):
        log = SegmentLog(tmp_path, sync="off", segment_rows=ROWS)
        fill(log, ROWS, first=round_ * ROWS)
        log.close()
        log.compact("loans")
        assert len(log.read("loans")) == (round_ + 1) * ROWS
    assert [r[0] for r in in_table(tmp_path)] == [f"d{n}" for n in range(9)]


DIES = """
import os, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from test_keeping import *
log = SegmentLog(Path(sys.argv[1]), writer="gone")
log.append([a_decision(0), a_decision(1)])
with next(Path(sys.argv[1]).glob("loans/decisions/*.open")).open("ab") as torn:
    torn.write(b"torn")
os.kill(os.getpid(), 9)
"""


def test_what_a_dead_writer_left_open_is_sealed_and_compacted(log: SegmentLog, tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, tmp_path, Path(__file__).parent], check=False)
    assert died.returncode == -9
    fill(log, 1, first=5)
    log.compact("loans")
    assert [r[0] for r in in_table(tmp_path)] == ["d0", "d1"]
    assert [p.stem for p in tmp_path.glob("loans/decisions/*.open")] == ["main-00000001"]
    assert [d.id for d in log.read("loans")] == ["d0", "d1", "d5"]


def test_one_process_keeps_the_log_at_a_time(log: SegmentLog, tmp_path: Path) -> None:
    fill(log, 3)
    with turn(tmp_path), pytest.raises(ConflictError, match="another process"):
        log.compact("loans")


SECRET = "ursula-4711"


def bytes_left(folder: Path) -> list[str]:
    """Files with a byte of the secret unit, or of its inputs, or of its requests' outcomes."""
    wanted = (SECRET.encode(), b"r101", b"r102", b"r103", b"d101")
    return [p.name for p in folder.rglob("*") if p.is_file() and any(w in p.read_bytes() for w in wanted)]


def with_secrets(log: SegmentLog) -> list[Decision]:
    """A log with the unit in the table, in a sealed segment and in an open one; returns everybody else's decisions."""
    others = fill(log, 5)
    log.append([a_decision(101, SECRET)])
    log.append_outcomes([an_outcome(101)])
    log.settle()
    log.compact("loans")
    log.append([a_decision(102, SECRET)])
    log.append_outcomes([an_outcome(102)])
    others += fill(log, 2, first=5)
    log.append([a_decision(103, SECRET)])
    log.append_outcomes([an_outcome(103)])
    return others


def test_no_byte_of_an_erased_unit_is_left_anywhere_and_everybody_else_is_untouched(
    log: SegmentLog, tmp_path: Path
) -> None:
    others = with_secrets(log)
    assert len(log.read("loans")) == len(others) + 3
    assert log.forget_unit("loans", SECRET) == Forgotten(decisions=3, outcomes=3)
    assert bytes_left(tmp_path) == []
    assert log.read("loans") == others
    assert len(log.read_outcomes("loans")) == len(others)
    assert log.forget_unit("loans", SECRET) == Forgotten()


def test_the_writer_goes_on_in_the_segment_something_was_erased_from(log: SegmentLog, tmp_path: Path) -> None:
    log.append([a_decision(101, SECRET)])
    log.append([a_decision(1)])
    assert log.forget_unit("loans", SECRET) == Forgotten(1, 0)
    log.append([a_decision(2)])
    log.settle()
    assert sealed(tmp_path) == ["main-00000001"]
    assert [d.id for d in log.read("loans")] == ["d1", "d2"]
    assert bytes_left(tmp_path) == []


@pytest.mark.parametrize("reaches", range(1, 5))
def test_an_erasure_that_dies_is_finished_by_the_next(log: SegmentLog, tmp_path: Path, reaches: int) -> None:
    others = with_secrets(log)
    left = [reaches]

    def die() -> None:
        left[0] -= 1
        if not left[0]:
            raise Crash

    faults.arm("decisions.forgetting", die)
    with pytest.raises(Crash):
        log.forget_unit("loans", SECRET)
    faults.disarm_all()
    log.forget_unit("loans", SECRET)
    assert bytes_left(tmp_path) == []
    assert log.read("loans") == others


def test_a_record_that_was_half_erased_is_no_damage_and_is_erased_wholly_the_next_time(
    log: SegmentLog, tmp_path: Path
) -> None:
    log.append([a_decision(101, SECRET), a_decision(2)])
    (path,) = tmp_path.glob("loans/decisions/*.open")
    data = bytearray(path.read_bytes())
    data[8:9] = frames.ERASED
    path.write_bytes(data)
    assert [d.id for d in log.read("loans")] == ["d2"]
    assert SECRET.encode() in path.read_bytes()
    log.forget_unit("loans", "somebody else")
    assert bytes_left(tmp_path) == []
    assert [d.id for d in log.read("loans")] == ["d2"]


def test_erasing_and_compacting_beside_writers_loses_nothing_of_the_others(log: SegmentLog, tmp_path: Path) -> None:
    def write(thread: int) -> None:
        for n in range(40):
            unit = SECRET if n % 4 == 0 else ""
            log.append([a_decision(thread * 1000 + n, unit)])

    writers = [threading.Thread(target=write, args=(t,)) for t in range(4, 7)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        log.forget_unit("loans", SECRET)
        log.compact("loans")
        log.read("loans")
    log.settle()
    log.forget_unit("loans", SECRET)
    assert bytes_left(tmp_path) == []
    kept = sorted(int(d.id[1:]) for d in log.read("loans"))
    assert kept == [t * 1000 + n for t in range(4, 7) for n in range(40) if n % 4]


def test_what_is_too_old_goes_and_its_outcomes_with_it(log: SegmentLog, tmp_path: Path) -> None:
    made = fill(log, 60)
    log.append_outcomes([Outcome("loans", "r3", 1.0, T0, T0 + timedelta(days=90))])
    log.compact("loans")
    log.append([a_decision(0)])
    assert log.forget_before("loans", made[30].at) == Forgotten(decisions=31, outcomes=31)
    assert log.read("loans") == made[30:]
    assert [o.request_id for o in log.read_outcomes("loans")] == [f"r{n}" for n in range(30, 60)]
    days = {p.name for p in (tmp_path / "loans/decisions/delta").glob("day=*") if any(p.iterdir())}
    assert days == {"day=2026-01-02", "day=2026-01-03"}


def test_rules_are_in_force_for_other_processes_at_once(log: SegmentLog, tmp_path: Path) -> None:
    other = SegmentLog(tmp_path, writer="other")
    assert other.rules("loans") == LogRules()
    log.govern("loans", LogRules("off", 30, {"age": "drop"}))
    assert other.rules("loans") == LogRules("off", 30, {"age": "drop"})
    assert other.rules("cards") == LogRules()
    assert other.pseudonym("x") == log.pseudonym("x") != log.pseudonym("y")
    (tmp_path / "loans/rules.json").write_text("{")
    with pytest.raises(CouldNotVerifyError, match="rules"):
        SegmentLog(tmp_path, writer="third").rules("loans")


def test_each_endpoint_is_synced_by_its_own_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", synced.append)
    log = SegmentLog(tmp_path, sync="always")
    log.append([a_decision(1)])
    assert len(synced) == 1
    log.govern("loans", LogRules(sync="off"))
    log.append([a_decision(2)])
    assert len(synced) == 1
    log.govern("loans", LogRules(sync="always"))
    log.append([a_decision(3)])
    assert len(synced) == 2


def test_full_segments_of_a_writer_that_does_not_seal_are_sealed_by_whoever_keeps_the_log(tmp_path: Path) -> None:
    gateway = SegmentLog(tmp_path, writer="gateway-1", sync="off", segment_rows=ROWS, seals=False)
    made = fill(gateway, 4 * ROWS + 1)
    assert sealed(tmp_path) == []
    keeper = SegmentLog(tmp_path)
    with turn(tmp_path):
        pass
    assert sealed(tmp_path) == ["gateway-1-00000001", "gateway-1-00000002", "gateway-1-00000003"]
    assert keeper.read("loans") == made
    more = fill(gateway, 2 * ROWS, first=100)
    gateway.close()
    with turn(tmp_path):
        pass
    assert not list((tmp_path / "loans").glob("decisions/*.open"))
    assert keeper.read("loans") == [*made, *more]


def test_a_segment_the_keeper_sealed_first_is_no_trouble_for_its_writer(tmp_path: Path) -> None:
    writer = SegmentLog(tmp_path, sync="off", segment_rows=ROWS, seals=False)
    made = fill(writer, 3 * ROWS)
    stream = writer._streams["loans", "decisions"]
    stream._retired = [OpenSegment(tmp_path / "loans" / "decisions" / "main-00000001.open", durable=False)]
    with turn(tmp_path):
        pass
    assert sealed(tmp_path) == ["main-00000001"]
    stream._seal_retired()
    assert stream._retired == []
    assert SegmentLog(tmp_path).read("loans") == made
    writer.close()
