"""`Keeper`: upkeep of all streams of a log's folder, one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roadworthy.adapters.decisions.keeping.compact import compact
from roadworthy.adapters.decisions.keeping.forget import Which, forget
from roadworthy.adapters.decisions.keeping.turn import turn
from roadworthy.adapters.decisions.reading import Reader
from roadworthy.adapters.decisions.records import DECISIONS, OUTCOMES, RECORDS, microseconds
from roadworthy.domain.serving import Decision
from roadworthy.domain.storing.log import Forgotten


class Keeper:
    """Compacts one log, and forgets parts of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def compact(self, endpoint: Path) -> int:
        """Move an endpoint's sealed segments into its tables; returns the rows moved.

        An endpoint whose name had to be quoted to be a folder's keeps its segments: delta-rs would unquote the path.
        """
        if "%" in endpoint.name:
            return 0
        with turn(self._folder):
            return sum(compact(endpoint / record.kind, record) for record in RECORDS)

    def forget_unit(self, endpoint: Path, unit_id: str) -> Forgotten:
        """Remove a unit's decisions and their outcomes."""
        return self._forget(
            endpoint,
            named=lambda decision: decision.unit_id == unit_id,
            decisions=lambda rows: pc.equal(rows.column("unit_id"), pa.scalar(unit_id)),
        )

    def forget_before(self, endpoint: Path, before: datetime) -> Forgotten:
        """Remove decisions older than a time, their outcomes, and outcomes received before it."""
        limit = pa.scalar(microseconds(before), pa.timestamp("us", "UTC"))
        return self._forget(
            endpoint,
            named=lambda decision: decision.at < before,
            decisions=lambda rows: pc.less(rows.column("at"), limit),
            outcomes=lambda rows: pc.less(rows.column("received_at"), limit),
        )

    def _forget(
        self,
        endpoint: Path,
        named: Callable[[Decision], bool],
        decisions: Which,
        outcomes: Which | None = None,
    ) -> Forgotten:
        """Outcomes first: while a decision is there, a crash leaves what it takes to find its outcomes again."""
        with turn(self._folder):
            read = Reader(endpoint / DECISIONS.kind, DECISIONS).between(None, None)
            requests = pa.array(sorted({d.request_id for d in read if named(d)}), pa.string())

            def theirs(rows: pa.Table) -> Any:
                mask = pc.is_in(rows.column("request_id"), value_set=requests)
                return mask if outcomes is None else pc.or_(mask, outcomes(rows))

            gone = forget(endpoint / OUTCOMES.kind, OUTCOMES, theirs)
            return Forgotten(forget(endpoint / DECISIONS.kind, DECISIONS, decisions), gone)
