"""`roadworthy score`: every row once, whatever the format, also when it was killed on the way; in constant memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from simulated_offers import INPUTS, simulate
from small_world import ENDPOINT, V1, World

from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.settings import FILE
from roadworthy.cli.batch import score as scoring
from roadworthy.cli.batch.batches import tables
from roadworthy.cli.batch.parts import Parts
from roadworthy.domain.errors import ConflictError, DataError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.sdk import Road

N = 230


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, by_hand: Any) -> Iterator[Any]:
    """A workspace in which `offers:1` serves, and a server on it."""
    root = tmp_path_factory.mktemp("scored")
    with World.on("", root, InlineEngine()) as world:
        world.clock.set(datetime.now(UTC))
        world.prepare().register()
        world.activate_fully(V1)
        world.deploy(V1)
    (root / FILE).touch()
    with by_hand.served(root):
        line = by_hand.cli(root)
        line.workspace = root
        yield line


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "ROWS", 20)
    monkeypatch.setattr(scoring, "PART", 3)


def customers(seed: int) -> pa.Table:
    frame, _ = simulate(N, seed)
    return frame.to_arrow().append_column("customer", pa.array([f"c{seed}-{i}" for i in range(N)]))


def written(table: pa.Table, folder: Path, kind: str) -> Path:
    path = folder / f"customers.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind == "csv":
        pacsv.write_csv(table, path)
    else:
        write_deltalake(path, table)
    return path


def logged(cli: Any, units: set[str]) -> dict[str, Any]:
    """What the log has about some units, by request id; a request logged twice fails the test."""
    found = [d for d in SegmentLog(cli.workspace / "decisions").read(ENDPOINT) if d.unit_id in units]
    assert len({d.request_id for d in found}) == len(found)
    return {d.request_id: d for d in found}


@pytest.mark.parametrize(("kind", "seed"), [("parquet", 31), ("csv", 32), ("delta", 33)])
def test_every_row_is_answered_logged_and_written_once(cli: Any, tmp_path: Path, kind: str, seed: int) -> None:
    table = customers(seed)
    file, out = written(table, tmp_path, kind), tmp_path / "answers.parquet"
    said = cli("score", file, "--out", out, "--unit-id", "customer", "--json", actor="omar")
    assert said.code == 0, said.err
    assert (said.document["rows"], said.document["endpoint"]) == (N, ENDPOINT)
    answers = pq.read_table(out).to_pylist()
    assert [a["unit_id"] for a in answers] == table.column("customer").to_pylist()
    assert {a["version"] for a in answers if a["arm"] != "hold-out"} == {V1}
    kept = logged(cli, {a["unit_id"] for a in answers})
    assert {r: (d.score, d.acted, d.arm, d.version) for r, d in kept.items()} == {
        a["request_id"]: (a["score"], a["acted"], a["arm"], a["version"]) for a in answers
    }
    assert not list(tmp_path.glob("*.scoring"))


@pytest.mark.parametrize("after", [0, 1, 4, 11], ids=lambda n: f"after {n} requests")
def test_a_scoring_that_dies_goes_on_where_it_stopped_and_no_row_is_decided_twice(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    table = customers(40 + after)
    file, out = written(table, tmp_path, "csv"), tmp_path / "answers.csv"
    asked: list[int] = []
    ask = Road.predict

    def dies(road: Road, endpoint: str, body: bytes) -> dict[str, Any]:
        asked.append(1)
        answer = ask(road, endpoint, body)
        if len(asked) > after:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(Road, "predict", dies)
    cli("score", file, "--out", out, "--unit-id", "customer", actor="omar")
    assert not out.exists()
    monkeypatch.setattr(Road, "predict", ask)
    assert cli("score", file, "--out", out, "--unit-id", "customer", actor="omar").code == 0
    answers = pacsv.read_csv(out).to_pylist()
    assert [a["unit_id"] for a in answers] == table.column("customer").to_pylist()
    assert logged(cli, {a["unit_id"] for a in answers}).keys() == {a["request_id"] for a in answers}


def test_parts_of_another_job_are_not_taken_for_these(tmp_path: Path) -> None:
    Parts(tmp_path / "out.csv", {"digest": "a"})
    with pytest.raises(ConflictError, match="another job"):
        Parts(tmp_path / "out.csv", {"digest": "b"})


SIGNATURE = Signature(tuple(ColumnSpec(name, DType.FP64) for name in INPUTS[:3]))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    for kind in ("parquet", "csv"):
        file = written(customers(1).drop_columns(["age"]), tmp_path, kind)
        with pytest.raises(DataError, match="age"):
            list(tables(file, ["age"], SIGNATURE, 20))


STREAMS = """
import resource, sys
from pathlib import Path
from roadworthy.cli.batch.batches import digest_of, tables
from roadworthy.cli.batch.parts import Parts
from roadworthy.domain.model import ColumnSpec, DType, Signature
file = Path(sys.argv[1])
names = ["a", "b"]
parts = Parts(file.with_name("out.parquet"), {"digest": digest_of(file)})
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
rows, waiting, after = 0, [], 0
for table in tables(file, names, Signature(tuple(ColumnSpec(n, DType.FP64) for n in names)), 1000):
    rows += table.num_rows
    waiting += [{"request_id": "r", "unit_id": "u", "score": v, "acted": True, "arm": "a", "version": "v"}
                for v in table.column("a").to_pylist()]
    if len(waiting) >= 10_000:
        parts.add(waiting)
        waiting = []
    if rows == 100_000:
        after = peak()
parts.add(waiting)
print(rows, parts.join()[0], peak() - after)
"""


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_million_rows_take_no_more_memory_than_a_hundred_thousand(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"many.{kind}"
    chunk = pa.table({"a": [n / 1000 for n in range(1000)], "b": [0.5] * 1000})
    writer = pq.ParquetWriter(file, chunk.schema) if kind == "parquet" else pacsv.CSVWriter(file, chunk.schema)
    with writer:
        for _ in range(1000):
            writer.write_table(chunk)
    done = subprocess.run([sys.executable, "-c", STREAMS, file], capture_output=True, text=True, check=True)
    rows, joined, grown_mib = map(int, done.stdout.split())
    assert rows == joined == 1_000_000
    assert grown_mib < 40
