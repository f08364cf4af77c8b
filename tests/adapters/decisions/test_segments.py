"""`SegmentLog`: what its files look like, and what it survives."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.adapters.decisions import segment as segment_module
from roadworthy.adapters.decisions.records import DECISIONS
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain import faults
from roadworthy.domain.errors import ConflictError, SettingError, StorageUnavailableError
from roadworthy.domain.serving import Decision, DecisionStatus, Outcome

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def a_decision(n: int) -> Decision:
    return Decision(
        f"d{n}", f"r{n}", "loans", "dep", 1, "champion", "v1", f"u{n}", T0 + timedelta(seconds=n), {"age": n},
        0.5, True, 0.9, DecisionStatus.SCORED, 1.0,
    )  # fmt: skip


def files(folder: Path, kind: str = "decisions") -> list[str]:
    return sorted(p.name for p in (folder / "loans" / kind).iterdir())


def ids(log: SegmentLog) -> list[str]:
    return [d.id for d in log.read("loans")]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
decisions = st.builds(
    Decision,
    id=texts.filter(bool),
    request_id=texts,
    endpoint=st.just("loans"),
    deployment=texts,
    revision=st.integers(0, 2**31),
    arm=texts,
    version=texts,
    unit_id=texts,
    at=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    inputs=st.dictionaries(texts, values, max_size=5),
    score=st.none() | st.floats(0, 1),
    acted=st.booleans(),
    propensity=st.floats(0, 1),
    status=st.sampled_from(DecisionStatus),
    latency_ms=st.floats(0, 1e6),
    error=texts,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(decisions, max_size=8, unique_by=lambda d: d.id))
def test_any_decision_reads_back_the_same_before_and_after_sealing(items: list[Decision]) -> None:
    in_time = sorted(items, key=lambda d: d.at)
    expected = {told: [d for d in in_time if (d.status is DecisionStatus.SHADOW) is told] for told in (False, True)}
    for rows in (10_000, 1):
        with tempfile.TemporaryDirectory() as folder:
            log = SegmentLog(Path(folder), sync="off", segment_rows=rows)
            log.append(items)
            log.settle()
            assert {told: log.read("loans", shadows=told) for told in (False, True)} == expected
            assert all(d in log.find(d.id) for d in expected[False])
            log.close()


def test_a_full_segment_becomes_parquet_and_the_open_file_goes(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, segment_rows=10)
    for n in range(25):
        log.append([a_decision(n)])
    log.settle()
    assert files(tmp_path) == ["main-00000001.parquet", "main-00000002.parquet", "main-00000003.open"]
    assert ids(log) == [f"d{n}" for n in range(25)]
    log.close()


def test_sealed_segments_are_plain_zstd_parquet_for_other_tools(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, segment_rows=5)
    log.append([a_decision(n) for n in range(5)])
    log.close()
    path = str(tmp_path / "loans" / "decisions" / "*.parquet")
    query = """select count(*), min(epoch_us("at")), string_agg(inputs, '') from read_parquet(?)"""
    count, first, inputs = duckdb.execute(query, [path]).fetchall()[0]
    assert (count, first) == (5, T0.timestamp() * 1e6)
    assert inputs.startswith('{"age":0}')
    codecs = duckdb.execute("select distinct compression from parquet_metadata(?)", [path]).fetchall()
    assert codecs == [("ZSTD",)]


def test_outcomes_lie_in_their_own_files_and_are_sealed_too(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, segment_rows=3)
    log.append_outcomes([Outcome("loans", f"r{n}", float(n), T0, T0 + timedelta(seconds=n)) for n in range(3)])
    log.settle()
    assert files(tmp_path, "outcomes") == ["main-00000001.parquet"]
    assert [o.value for o in log.read_outcomes("loans")] == [0.0, 1.0, 2.0]
    log.close()


def test_a_new_process_goes_on_in_the_open_segment(tmp_path: Path) -> None:
    for n in range(3):
        log = SegmentLog(tmp_path)
        log.append([a_decision(n)])
        log.close()
    assert files(tmp_path) == ["main-00000001.open"]
    assert ids(log) == ["d0", "d1", "d2"]


def test_the_tail_may_be_cut_at_every_byte_and_the_log_goes_on(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path / "full", sync="off")
    log.append([a_decision(0), a_decision(1)])
    log.close()
    whole = (tmp_path / "full/loans/decisions/main-00000001.open").read_bytes()
    second = len(whole) // 2
    for cut in range(second, len(whole)):
        path = tmp_path / f"{cut}/loans/decisions/main-00000001.open"
        path.parent.mkdir(parents=True)
        path.write_bytes(whole[:cut])
        cut_log = SegmentLog(tmp_path / str(cut), sync="off")
        assert ids(cut_log) == ["d0"]
        cut_log.append([a_decision(2)])
        assert ids(cut_log) == ["d0", "d2"]
        cut_log.close()


def test_damage_in_the_middle_is_kept_aside_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = SegmentLog(tmp_path)
    log.append([a_decision(n) for n in range(3)])
    log.close()
    path = tmp_path / "loans/decisions/main-00000001.open"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with caplog.at_level(logging.ERROR):
        again = SegmentLog(tmp_path)
        again.append([a_decision(9)])
    assert ids(again) == ["d0", "d9"]
    kept = path.with_suffix(".damaged").read_bytes()
    assert bytes(data).endswith(kept)
    assert b"d2" in kept
    assert "damaged bytes" in caplog.text
    again.close()


def test_a_segment_left_both_open_and_sealed_is_read_once_and_tidied(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, segment_rows=4)
    log.append([a_decision(n) for n in range(3)])
    open_file = tmp_path / "loans/decisions/main-00000001.open"
    log.append([a_decision(3)])
    before = SegmentLog(tmp_path / "copy", segment_rows=99)
    before.append([a_decision(n) for n in range(4)])
    before.close()
    log.close()
    open_file.write_bytes((tmp_path / "copy/loans/decisions/main-00000001.open").read_bytes())
    again = SegmentLog(tmp_path, segment_rows=4)
    assert ids(again) == ["d0", "d1", "d2", "d3"]
    again.append([a_decision(5)])
    assert files(tmp_path) == ["main-00000001.parquet", "main-00000002.open"]
    assert ids(again) == ["d0", "d1", "d2", "d3", "d5"]
    again.close()


def test_writers_of_different_names_share_a_folder(tmp_path: Path) -> None:
    logs = [SegmentLog(tmp_path, writer=f"w-{k}", segment_rows=3) for k in range(3)]
    for n in range(12):
        logs[n % 3].append([a_decision(n)])
    for log in logs:
        log.settle()
        assert ids(log) == [f"d{n}" for n in range(12)]
    for log in logs:
        log.close()


def test_a_second_writer_of_the_same_name_is_refused_and_may_still_read(tmp_path: Path) -> None:
    first, second = SegmentLog(tmp_path), SegmentLog(tmp_path)
    first.append([a_decision(1)])
    assert ids(second) == ["d1"]
    with pytest.raises(ConflictError, match="writer name"):
        second.append([a_decision(2)])
    first.close()
    second.append([a_decision(2)])
    assert ids(second) == ["d1", "d2"]
    second.close()


def test_reading_makes_no_files(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path / "none")
    assert (log.read("loans"), log.find("x")) == ([], [])
    assert not (tmp_path / "none").exists()
    log.close()


def test_a_reader_sees_every_acknowledged_decision_while_segments_are_sealed(tmp_path: Path) -> None:
    writer, reader = SegmentLog(tmp_path, sync="off", segment_rows=2), SegmentLog(tmp_path)
    acknowledged, done = [0], threading.Event()

    def write() -> None:
        for n in range(300):
            writer.append([a_decision(n)])
            acknowledged[0] = n + 1
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    looks = 0
    while not done.is_set() or looks == 0:
        least = acknowledged[0]
        seen = ids(reader)
        assert seen[:least] == [f"d{n}" for n in range(least)]
        assert len(seen) == len(set(seen))
        looks += 1
    thread.join()
    writer.close()
    assert len(ids(reader)) == 300


def test_concurrent_appenders_share_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SegmentLog(tmp_path)
    log.append([a_decision(0)])
    written, syncs, real = threading.Semaphore(0), [], os.fdatasync

    def first_waits_for_all(fd: int) -> None:
        syncs.append(fd)
        assert len(syncs) > 1 or all(written.acquire(timeout=30) for _ in range(9))
        real(fd)

    monkeypatch.setattr(segment_module.os, "fdatasync", first_waits_for_all)
    faults.arm("decisions.before-sync", written.release)
    threads = [threading.Thread(target=log.append, args=([a_decision(n)],)) for n in range(1, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids(log)) == 10
    assert len(syncs) <= 2
    log.close()


def test_a_failed_sync_acknowledges_nothing_and_the_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SegmentLog(tmp_path)
    log.append([a_decision(1)])

    def broken(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(segment_module.os, "fdatasync", broken)
        with pytest.raises(StorageUnavailableError, match="Input/output error"):
            log.append([a_decision(2)])
    log.append([a_decision(3)])
    assert ids(log) == ["d1", "d3"]
    log.close()
    assert ids(SegmentLog(tmp_path)) == ["d1", "d3"]


def test_a_segment_that_cannot_be_sealed_stays_open_and_is_sealed_later(tmp_path: Path) -> None:
    def disk_full() -> None:
        raise OSError(28, "No space left on device")

    log = SegmentLog(tmp_path, segment_rows=2)
    faults.arm("decisions.before-seal", disk_full)
    log.append([a_decision(1), a_decision(2)])
    log.settle()
    assert files(tmp_path) == ["main-00000001.open"]
    faults.disarm_all()
    log.append([a_decision(3), a_decision(4)])
    log.settle()
    assert files(tmp_path) == ["main-00000001.parquet", "main-00000002.parquet"]
    assert ids(log) == ["d1", "d2", "d3", "d4"]
    log.close()


LIMITED = """
import json, resource, sys
from pathlib import Path
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain.errors import StorageUnavailableError
sys.path.insert(0, sys.argv[2])
from test_segments import a_decision
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
log, acknowledged, refused = SegmentLog(Path(sys.argv[1])), [], 0
for n in range(0, 60, 3):
    try:
        log.append([a_decision(n), a_decision(n + 1), a_decision(n + 2)])
        acknowledged += [n, n + 1, n + 2]
    except StorageUnavailableError:
        refused += 1
print(json.dumps([acknowledged, refused, [d.id for d in log.read("loans")]]))
"""


def test_a_full_disk_refuses_acknowledges_nothing_and_leaves_the_file_readable(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), here], capture_output=True, text=True, check=True, timeout=60
    )
    acknowledged, refused, read = json.loads(ran.stdout)
    assert refused > 0
    assert len(acknowledged) > 6
    assert read == [f"d{n}" for n in acknowledged]
    log = SegmentLog(tmp_path)
    log.append([a_decision(99)])
    assert ids(log) == [*read, "d99"]
    log.close()


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    with pytest.raises(StorageUnavailableError, match="cannot write"):
        SegmentLog(blocker).append([a_decision(1)])


@pytest.mark.parametrize(
    "bad",
    [{"writer": "a/b"}, {"writer": ""}, {"writer": ".x"}, {"sync": "sometimes"}, {"segment_rows": 0}],
    ids=str,
)
def test_a_setting_outside_its_range_is_refused_by_name(tmp_path: Path, bad: dict[str, Any]) -> None:
    with pytest.raises(SettingError) as caught:
        SegmentLog(tmp_path, **bad)
    assert caught.value.fields["setting"] in bad


def test_a_closed_log_refuses_to_write_and_still_reads(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([a_decision(1)])
    log.close()
    log.close()
    with pytest.raises(StorageUnavailableError, match="closed"):
        log.append([a_decision(2)])
    assert ids(log) == ["d1"]


def test_a_hundred_thousand_decisions_are_found_and_windowed(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, sync="off")
    base = a_decision(0)
    for start in range(0, 100_000, 5000):
        numbers = range(start, start + 5000)
        log.append([replace(base, id=f"d{n}", request_id=f"r{n}", at=T0 + timedelta(seconds=n)) for n in numbers])
    log.settle()
    assert [d.id for d in log.find("r77777")] == ["d77777"]
    window = log.read("loans", since=T0 + timedelta(seconds=42_000), until=T0 + timedelta(seconds=42_100))
    assert [d.id for d in window] == [f"d{n}" for n in range(42_000, 42_100)]
    log.close()


def test_what_an_older_version_wrote_is_read_with_empty_new_fields(tmp_path: Path) -> None:
    """Open and sealed segments of 0.1.0 lack the last two columns."""
    before = [replace(a_decision(n), agent="", trace="") for n in range(3)]
    short = [msgspec.msgpack.encode(DECISIONS.row(d)[:-2]) for d in before]
    assert DECISIONS.decode(short) == before
    table = DECISIONS.to_table(short)
    assert DECISIONS.from_table(table) == before
    assert DECISIONS.from_table(table.drop_columns(["agent", "trace"])) == before
