"""Decisions and outcomes as bytes in an open segment and as columns in a sealed one.

One `Record` describes both directions for one entity. The inputs of a decision are JSON text in both forms, so what
is read back is the same before and after sealing: numbers that JSON lacks (NaN, infinities) come back as None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roadworthy.adapters.decisions.frames import is_erased
from roadworthy.domain.errors import DataError
from roadworthy.domain.serving import Decision, DecisionStatus, Outcome


class Logged(Protocol):
    """Anything the log keeps: it belongs to an endpoint."""

    @property
    def endpoint(self) -> str:
        """Whose log it goes to."""
        ...


T = TypeVar("T", bound=Logged)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UTC: pa.DataType = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Record(Generic[T]):
    """How one kind of entity is written and read.

    Attributes:
        kind: folder name of its segments.
        schema: columns of a sealed segment.
        time: the column that says when.
        keys: columns by which one record may be looked up.
        row: entity -> values in the order of `schema` (times as microseconds since 1970).
        entity: the same values -> entity.
        since: what the last columns hold in what was written before they were there.
    """

    kind: str
    schema: pa.Schema
    time: str
    keys: tuple[str, ...]
    row: Callable[[T], tuple[Any, ...]]
    entity: Callable[[Sequence[Any]], T]
    since: tuple[Any, ...] = ()

    def encode(self, items: Sequence[T]) -> list[bytes]:
        """One payload per entity.

        Raises:
            DataError: a field holds what cannot be written.
        """
        encoder = msgspec.msgpack.Encoder()
        try:
            return [encoder.encode(self.row(item)) for item in items]
        except (TypeError, ValueError, OverflowError, UnicodeEncodeError) as error:
            raise DataError(
                f"a record for the log of {self.kind} cannot be written: {error}",
                remedy="Give numbers, booleans, text, times, lists and dictionaries only.",
            ) from error

    def decode(self, payloads: Sequence[bytes]) -> list[T]:
        """The entities of some payloads; erased ones are left out."""
        return [self.entity(row) for row in self._rows(payloads)]

    def to_table(self, payloads: Sequence[bytes]) -> pa.Table:
        """Payloads as one Arrow table, in order; erased ones are left out."""
        rows = self._rows(payloads)
        if not rows:
            return self.schema.empty_table()
        columns = zip(*rows, strict=True)
        arrays = [pa.array(values, type=f.type) for values, f in zip(columns, self.schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def from_table(self, table: pa.Table) -> list[T]:
        """The entities of one Arrow table, in order."""
        there = [name for name in self.schema.names if name in table.column_names]
        columns = [_values(table.column(name)) for name in there]
        rest = self._missing(len(there))
        return [self.entity((*values, *rest)) for values in zip(*columns, strict=True)]

    def completed(self, table: pa.Table) -> pa.Table:
        """An older table with all columns of today; where one has no value, it has what it stands for."""
        names = self.schema.names[len(self.schema) - len(self.since) :]
        for name, value in zip(names, self.since, strict=True):
            kind = self.schema.field(name).type
            if name not in table.column_names:
                table = table.append_column(name, pa.array([value] * table.num_rows, kind))
            elif value is not None:
                at = table.column_names.index(name)
                table = table.set_column(at, name, pc.fill_null(table.column(name), pa.scalar(value, kind)))
        return table

    def _rows(self, payloads: Sequence[bytes]) -> list[Sequence[Any]]:
        rows = (_DECODER.decode(p) for p in payloads if not is_erased(p))
        return [row if len(row) == len(self.schema) else (*row, *self._missing(len(row))) for row in rows]

    def _missing(self, columns: int) -> tuple[Any, ...]:
        return self.since[len(self.since) - (len(self.schema) - columns) :] if columns < len(self.schema) else ()


def microseconds(at: datetime) -> int:
    """Microseconds since 1970.

    Raises:
        DataError: the time has no zone.
    """
    if at.tzinfo is None:
        raise DataError(f"the time {at.isoformat()} has no zone", remedy="Give timezone-aware UTC times.")
    return (at - _EPOCH) // _MICROSECOND


def _moment(microseconds_since_1970: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds_since_1970)


def _values(column: pa.ChunkedArray[Any]) -> list[Any]:
    return list((column.cast(pa.int64()) if column.type == _UTC else column).to_pylist())


def _plain(value: Any) -> Any:
    """What msgspec does not know by itself: NumPy scalars and arrays."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"values of type {type(value).__name__} are not supported")


_DECODER = msgspec.msgpack.Decoder()
_JSON = msgspec.json.Encoder(enc_hook=_plain)
_FROM_JSON = msgspec.json.Decoder()


def _optional(value: Any) -> float | None:
    return None if value is None else float(value)


def _decision_row(d: Decision) -> tuple[Any, ...]:
    text = getattr(d.inputs, "text", None) or _JSON.encode(d.inputs)
    return (
        d.id, d.request_id, d.endpoint, d.deployment, d.revision, d.arm, d.version, d.unit_id, microseconds(d.at),
        text.decode(), _optional(d.score), bool(d.acted), float(d.propensity), d.status.value,
        float(d.latency_ms), d.error, d.agent, d.trace,
    )  # fmt: skip


_STATUS = {status.value: status for status in DecisionStatus}


def _decision(values: Sequence[Any]) -> Decision:
    (
        i,
        request,
        endpoint,
        deployment,
        revision,
        arm,
        version,
        unit,
        at,
        inputs,
        score,
        acted,
        p,
        status,
        ms,
        error,
        agent,
        trace,
    ) = values
    return Decision(
        id=i,
        request_id=request,
        endpoint=endpoint,
        deployment=deployment,
        revision=revision,
        arm=arm,
        version=version,
        unit_id=unit,
        at=_moment(at),
        inputs=_FROM_JSON.decode(inputs),
        score=score,
        acted=acted,
        propensity=p,
        status=_STATUS[status],
        latency_ms=ms,
        error=error,
        agent=agent,
        trace=trace,
    )


def _outcome_row(o: Outcome) -> tuple[Any, ...]:
    return (o.endpoint, o.request_id, float(o.value), microseconds(o.observed_at), microseconds(o.received_at))


def _outcome(values: Sequence[Any]) -> Outcome:
    endpoint, request_id, value, observed_at, received_at = values
    return Outcome(endpoint, request_id, value, _moment(observed_at), _moment(received_at))


_DECISION_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("id", pa.string()),
    ("request_id", pa.string()),
    ("endpoint", pa.string()),
    ("deployment", pa.string()),
    ("revision", pa.int64()),
    ("arm", pa.string()),
    ("version", pa.string()),
    ("unit_id", pa.string()),
    ("at", _UTC),
    ("inputs", pa.string()),
    ("score", pa.float64()),
    ("acted", pa.bool_()),
    ("propensity", pa.float64()),
    ("status", pa.string()),
    ("latency_ms", pa.float64()),
    ("error", pa.string()),
    ("agent", pa.string()),
    ("trace", pa.string()),
]

_OUTCOME_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("endpoint", pa.string()),
    ("request_id", pa.string()),
    ("value", pa.float64()),
    ("observed_at", _UTC),
    ("received_at", _UTC),
]

DECISIONS: Record[Decision] = Record(
    kind="decisions",
    schema=pa.schema(_DECISION_COLUMNS),
    time="at",
    keys=("id", "request_id"),
    row=_decision_row,
    entity=_decision,
    since=("", ""),
)

OUTCOMES: Record[Outcome] = Record(
    kind="outcomes",
    schema=pa.schema(_OUTCOME_COLUMNS),
    time="received_at",
    keys=("request_id",),
    row=_outcome_row,
    entity=_outcome,
)

RECORDS: tuple[Record[Any], ...] = (DECISIONS, OUTCOMES)
"""Everything the log keeps."""
