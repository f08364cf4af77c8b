"""Tallies as lines of JSON, one file per endpoint, day and writer; files older than `KEEP_DAYS` are removed.

Several gateway processes write beside each other under names of their own; a line a crash cut short is passed over.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from roadworthy.adapters.disk import disk_errors, make_folder
from roadworthy.adapters.served.naming import SUFFIX, file_name
from roadworthy.adapters.tallies.memory import within
from roadworthy.domain.standing.protection import ProtectionTally

KEEP_DAYS = 400
"""How long tallies are kept, days: a year of reviews and some."""

_DAY = "%Y%m%d"


class FileTallies:
    """`ProtectionLog` in a folder, which is made when first written to.

    Raises:
        StorageUnavailableError: the folder cannot be made, read or written.
    """

    def __init__(self, root: Path, writer: str) -> None:
        self._root, self._writer = root.absolute(), writer
        self._lock = threading.Lock()

    def append(self, tally: ProtectionTally) -> None:
        """Write a tally into the file of the day it ended on."""
        folder = self._folder(tally.endpoint)
        path = folder / f"{tally.until:{_DAY}}-{self._writer}.jsonl"
        with self._lock, disk_errors("write down what protections saw", self._root):
            make_folder(folder)
            if not path.exists():
                self._forget(folder, tally.until)
            with path.open("ab") as file:
                file.write(msgspec.json.encode(tally) + b"\n")

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[ProtectionTally]:
        """Tallies of an endpoint that ended at or after `since` and began before `until`, in the order of their end."""
        with disk_errors("read what protections saw", self._root):
            found = [t for t in self._lines(endpoint, since) if within(t, since, until)]
        return sorted(found, key=lambda t: t.until)

    def _lines(self, endpoint: str, since: datetime | None) -> Iterator[ProtectionTally]:
        first = f"{since:{_DAY}}" if since else ""
        for path in sorted(self._folder(endpoint).glob("*.jsonl")):
            if path.name[:8] < first:
                continue
            for line in path.read_bytes().splitlines():
                try:
                    yield msgspec.json.decode(line, type=ProtectionTally)
                except msgspec.DecodeError:
                    continue

    def _folder(self, endpoint: str) -> Path:
        return self._root / file_name(endpoint).removesuffix(SUFFIX)

    @staticmethod
    def _forget(folder: Path, now: datetime) -> None:
        last = f"{now - timedelta(days=KEEP_DAYS):{_DAY}}"
        for path in folder.glob("*.jsonl"):
            if path.name[:8] < last:
                path.unlink(missing_ok=True)
