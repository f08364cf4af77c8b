"""Decisions that wait in a file of JSON lines, written by an application that knows nothing of this.

Each line is an object: `request_id`, `inputs`, `score`, `acted`, and if it likes `unit_id`, `at` (ISO 8601 with its
zone), `latency_ms`, `error`. How far the file was reported is kept beside it and moves on only when a report was taken:
after a crash lines may be sent twice, and the control plane keeps each once.
"""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from roadworthy.agent.reporter import Made

log = logging.getLogger(__name__)

LONGEST_LINE = 2**20
"""Bytes. A longer line is counted as lost and passed over."""


class Lines:
    """Follows one file, also when it is rotated (renamed, and begun anew) or cut. Implements `delivery.Source`.

    Args:
        path: the file; it need not be there yet.
        now: the time; a line without `at` was decided when it was read.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path, self._now = path, now
        self._kept = path.with_name(f"{path.name}.reported")
        self._file: BinaryIO | None = None
        self._waiting: deque[tuple[int, Made]] = deque()
        self._passing = False
        self.lost = 0

    def __len__(self) -> int:
        """Lines that were read and wait; how many follow is not known."""
        return len(self._waiting)

    def oldest(self, limit: int) -> list[Made]:
        """Up to `limit` decisions, which stay until they are done with. A last line without its end is waited for."""
        while len(self._waiting) < limit and (file := self._open()) is not None:
            start = file.tell()
            line = file.readline(LONGEST_LINE)
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                file.seek(start)
                if not self._rotated(file):
                    break
                continue
            made = self._read(line)
            if made is not None:
                self._waiting.append((start, made))
        return [made for _, made in islice(self._waiting, limit)]

    def done(self, rows: Sequence[Made]) -> None:
        """The oldest were taken: the file is reported up to the first that was not."""
        for _ in rows:
            self._waiting.popleft()
        self._keep()

    def discard(self, row: Made) -> None:
        """One will never be taken."""
        self._waiting = deque(pair for pair in self._waiting if pair[1] is not row)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO | None:
        if self._file is None and self._path.exists():
            self._file = self._path.open("rb")
            status = os.fstat(self._file.fileno())
            before = self._before()
            if before.get("inode") == status.st_ino and 0 <= before.get("bytes", 0) <= status.st_size:
                self._file.seek(before["bytes"])
        return self._file

    def _rotated(self, file: BinaryIO) -> bool:
        """Whether the file that was read to its end is another now; all that waits of the old one goes first."""
        try:
            other = self._path.stat().st_ino != os.fstat(file.fileno()).st_ino
        except FileNotFoundError:
            return False
        if other and not self._waiting:
            self.close()
            return True
        if not other and os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            return True
        return False

    def _read(self, line: bytes) -> Made | None:
        """The decision of one line; None, and counted, when it is none. Its content is never logged.

        A line that is too long breaks off, so it is no JSON; what follows of it is passed over.
        """
        whole = line.endswith(b"\n")
        passing, self._passing = self._passing, not whole
        if passing or (whole and not line.strip()):
            return None
        try:
            return made_of(json.loads(line), self._now)
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
            self.lost += 1
            log.warning("%s: a line is no decision: %s", self._path.name, _plainly(problem))
            return None

    def _before(self) -> dict[str, int]:
        try:
            found = json.loads(self._kept.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return {k: v for k, v in found.items() if isinstance(v, int)} if isinstance(found, dict) else {}

    def _keep(self) -> None:
        if self._file is None:
            return
        reported = self._waiting[0][0] if self._waiting else self._file.tell()
        said = {"inode": os.fstat(self._file.fileno()).st_ino, "bytes": reported}
        aside = self._kept.with_name(f"{self._kept.name}.new")
        aside.write_text(json.dumps(said))
        aside.replace(self._kept)


def made_of(said: Any, now: Callable[[], datetime]) -> Made:
    """The decision an object tells. Raises ValueError, TypeError or KeyError when it tells none."""
    if not isinstance(said, dict) or not isinstance(said.get("inputs"), dict):
        raise TypeError("it is no object with the object 'inputs'")
    request_id, score = str(said["request_id"]), said["score"]
    return Made(
        request_id=request_id,
        unit_id=str(said.get("unit_id") or request_id),
        inputs=said["inputs"],
        score=None if score is None else float(score),
        acted=said["acted"],
        at=datetime.fromisoformat(said["at"]) if said.get("at") else now(),
        latency_ms=float(said.get("latency_ms") or 0.0),
        error=str(said.get("error") or ""),
    )


def _plainly(problem: Exception) -> str:
    return f"{problem.args[0]} is missing" if isinstance(problem, KeyError) else type(problem).__name__
