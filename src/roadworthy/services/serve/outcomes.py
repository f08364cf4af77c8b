"""Taking in outcomes: what happened afterwards, by the caller's own id, late or corrected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from roadworthy.domain.errors import DataError, shortlist
from roadworthy.domain.serving import Endpoint, Outcome
from roadworthy.domain.trust import Person
from roadworthy.services.catalog.tables import label_of, read_table
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between these an outcome was observed; beyond them no clock and no log can keep it."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One reported outcome: 1.0 when the event happened, else 0.0 (or any number, for numeric outcomes)."""

    request_id: str
    value: float
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Intake:
    """How an intake went: unmatched ones are kept, they may be early."""

    received: int
    matched: int
    unmatched: tuple[str, ...]


def ingest_outcomes(house: House, actor: Person, endpoint: str, reported: Sequence[Reported]) -> Intake:
    """Keep outcomes durably; the one received last for a request id counts.

    Raises:
        DataError: an outcome that is not a finite number, without a request id, or observed at a time without a zone.
    """
    house.allow(actor, "ingest-outcomes", facts_of(house, endpoint=endpoint))
    with house.store.read() as tx:
        tx.of(Endpoint).get(endpoint)
    for row, item in enumerate(reported):
        if not item.request_id or not math.isfinite(item.value):
            raise DataError(
                f"outcome {row} (request '{item.request_id}') has the value {item.value}",
                remedy="Give each outcome a request id and a finite number; nothing was taken in.",
                row=row,
            )
        if item.observed_at.tzinfo is None or not FIRST < item.observed_at < LAST:
            raise DataError(
                f"outcome {row} (request '{item.request_id}') was observed at {item.observed_at.isoformat()}",
                remedy="Give a time of this age with its zone, like 2026-01-31T00:00:00Z; nothing was taken in.",
                row=row,
            )
    now = house.clock.now()
    house.decisions.append_outcomes(
        [Outcome(endpoint, r.request_id, r.value, r.observed_at, now) for r in reported]
    )
    known = {d.request_id for d in house.decisions.read(endpoint)}
    unmatched = tuple(r.request_id for r in reported if r.request_id not in known)
    return Intake(len(reported), len(reported) - len(unmatched), unmatched[:100])


def read_outcome_file(house: House, data: bytes, name: str, positive_label: str) -> list[Reported]:
    """Outcomes from a CSV or Parquet file: columns `request_id`, `outcome`, and optionally `observed_at`.

    Raises:
        DataError: a column is missing, or a time cannot be read.
    """
    frame = read_table(data, name)
    frame.require(["request_id", "outcome"], f"'{name}'")
    now = house.clock.now()
    reported: list[Reported] = []
    wrong: list[str] = []
    for row in frame.rows():
        try:
            at = datetime.fromisoformat(str(row["observed_at"])) if row.get("observed_at") else now
            at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
            reported.append(Reported(str(row["request_id"]), outcome_value(row["outcome"], positive_label), at))
        except ValueError:
            wrong.append(str(row["request_id"]))
    if wrong:
        raise DataError(
            f"'{name}': {len(wrong)} outcomes cannot be read, for example of {shortlist(wrong, 3)}",
            remedy="`outcome` is a number or the use case's label, `observed_at` an ISO 8601 time.",
            file=name,
        )
    return reported


def outcome_value(value: object, positive_label: str) -> float:
    """1.0 for the positive label, the number itself for numbers, 0.0 for any other label.

    Where the labels are numbers or booleans themselves ('2' is the event), any other value is another label.

    Raises:
        ValueError: no value at all.
    """
    if value is None:
        raise ValueError("no outcome")
    if label_of(value) == positive_label:
        return 1.0
    if positive_label in ("true", "false") or (positive_label != "1" and _is_number(positive_label)):
        return 0.0
    return float(value) if isinstance(value, bool | int | float) else 0.0


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
