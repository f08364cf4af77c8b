"""Answers kept part by part beside the output, so that a scoring that was killed goes on where it stopped.

<out>.scoring/plan.json           what is scored, for which endpoint: another job's parts are never taken for these
<out>.scoring/00000001.parquet    answers to so many rows, whole or not there
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from roadworthy.cli.files import make_folder, write_new
from roadworthy.domain.errors import ConflictError

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("request_id", pa.string()),
    ("unit_id", pa.string()),
    ("score", pa.float64()),
    ("acted", pa.bool_()),
    ("arm", pa.string()),
    ("version", pa.string()),
]
SCHEMA = pa.schema(_COLUMNS)


class Parts:
    """The parts of one output file.

    Raises:
        ConflictError: parts of another job lie there.
    """

    def __init__(self, out: Path, plan: dict[str, Any]) -> None:
        self._out = out
        self.folder = out.with_name(f"{out.name}.scoring")
        make_folder(self.folder)
        note = self.folder / "plan.json"
        if not note.exists():
            write_new(note, msgspec.json.encode(plan))
        elif msgspec.json.decode(note.read_bytes()) != plan:
            raise ConflictError(
                f"'{self.folder}' holds answers of another job",
                remedy="Finish that one, remove the folder, or name another --out.",
                folder=str(self.folder),
            )

    @property
    def done(self) -> int:
        """How many parts there are, from the first on without a gap."""
        count = 0
        while self._path(count + 1).exists():
            count += 1
        return count

    def add(self, answers: list[dict[str, Any]]) -> None:
        """Keep the next part."""
        path = self._path(self.done + 1)
        aside = path.with_suffix(f".{os.getpid()}")
        pq.write_table(pa.Table.from_pylist(answers, SCHEMA), aside)
        aside.replace(path)

    def join(self) -> tuple[int, int]:
        """Write the output from its parts, one at a time, and remove them; returns rows and rows acted on."""
        rows = acted = 0
        aside = self._out.with_name(f".{self._out.name}.{os.getpid()}")
        with _writer(aside, self._out.suffix) as writer:
            for table in self._tables():
                writer.write_table(table)
                rows += table.num_rows
                acted += int(pc.sum(table.column("acted")).as_py() or 0)
        aside.replace(self._out)
        shutil.rmtree(self.folder)
        return rows, acted

    def _tables(self) -> Iterator[pa.Table]:
        for number in range(1, self.done + 1):
            yield pq.read_table(self._path(number))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.parquet"


def _writer(path: Path, suffix: str) -> AbstractContextManager[Any]:
    return pq.ParquetWriter(path, SCHEMA) if suffix == ".parquet" else pacsv.CSVWriter(path, SCHEMA)
