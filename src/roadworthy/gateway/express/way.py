"""The short way of the request everybody sends: one row, as JSON, every column there, nothing out of the ordinary.

It reads, assigns, predicts, records and answers exactly as the long way does (`plane.py`), bit for bit, without the
objects in between: a request costs a third. Whatever it does not know (other parameters, a value that does not fit, a
model that raises, a request id used before, a row somebody's licence does not cover) it leaves to the long way, which
alone refuses, falls back and repeats. `tests/gateway/express/test_way.py` holds the two against each other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.model import ColumnSpec, DType
from roadworthy.domain.ports import Clock, DecisionLog
from roadworthy.domain.serving import Decision
from roadworthy.gateway.express.line import Line, Row
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.gateway.protocol.codec import Tensor, no_key_twice, parsed_or_none
from roadworthy.gateway.protocol.columns import ADMITTED, FLOATS, LARGEST, PYTHON, bound_of
from roadworthy.gateway.protocol.whose import drawn_id
from roadworthy.gateway.record import Memory, Redacted, log_refused, written
from roadworthy.gateway.request import Answer, Limits
from roadworthy.gateway.resolve import Served

Cell = None | bool | int | float | str
Convert = Callable[[Any], Cell]
_NUMBERS = PYTHON[DType.FP64]


class Express:
    """The short way of one deployment."""

    def __init__(self, served: Served, limits: Limits) -> None:
        self.served = served
        self._limits = limits
        specs = tuple(served.contract.columns.values())
        self.specs = specs
        self.names = tuple(served.contract.columns)
        self._index = {name: i for i, name in enumerate(self.names)}
        self._admitted = [FLOATS if s.dtype is DType.FP64 else ADMITTED[s.dtype] for s in specs]
        self._converts = [_convert(spec) for spec in specs]
        bounds = served.contract.bounds
        self._ranges = [(self._index[name], low, high) for name, low, high in bounds.ranges if name in self._index]
        self._texts = [(self._index[name], allowed) for name, allowed in bounds.categories if name in self._index]
        self._all_floats = all(s.dtype is DType.FP64 and not s.missing_allowed for s in specs)
        self.lines = {a.arm.name: Line(served, served.arms.get(a.arm.name), a) for a in served.assigner.assignments}

    @classmethod
    def of(cls, served: Served, limits: Limits) -> Express | None:
        """The short way, where all arms take the same columns, none may be left out, and nothing stands beside them.

        A shadow listens, and a protection stands guard.
        """
        if served.shadows or served.deployment.protection is not None:
            return None
        names = tuple(served.contract.columns)
        same = all(a.arm.signature and a.arm.signature.names == names for a in served.arms.values())
        return cls(served, limits) if same and set(names) == served.contract.required else None

    def read(self, body: bytes, arrived: float) -> Row | None:
        """The row of a request body, None where the long way must look at it."""
        request = parsed_or_none(body)
        if request is None or request.outputs or not no_key_twice(body, request):
            return None
        given = request.parameters
        if given.unit_ids is not None or given.request_ids is not None or given.binary_data_output:
            return None
        if given.timeout is not None:
            return None
        values = self._values(request.inputs)
        if values is None or not self._within(values):
            return None
        named = request.id != ""
        request_id = str(request.id) if named else drawn_id()
        if given.unit_id is None and not named:
            return None
        unit = request_id if given.unit_id is None else str(given.unit_id)
        most = self._limits.id_chars
        if not (0 < len(request_id) <= most and 0 < len(unit) <= most):
            return None
        return Row(values, unit, request_id, named, arrived)

    def _values(self, tensors: Sequence[Tensor]) -> list[Any] | None:
        if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].name not in self._index:
            return self._from_matrix(tensors[0])
        if len(tensors) != len(self.names):
            return None
        values: list[Any] = [None] * len(self.names)
        seen = set()
        for tensor in tensors:
            i = self._index.get(tensor.name)
            data = tensor.data
            if i is None or tensor.datatype not in self._admitted[i] or tensor.shape not in ([1], [1, 1]):
                return None
            if data is msgspec.UNSET or len(data) != 1 or tensor.parameters.binary_data_size is not None:
                return None
            seen.add(i)
            values[i] = data[0]
        return self._converted(values) if len(seen) == len(values) else None

    def _within(self, values: Sequence[Any]) -> bool:
        """Whether no value is outside what the version's developers declared."""
        for i, low, high in self._ranges:
            if values[i] is not None and not low <= values[i] <= high:
                return False
        return all(values[i] in allowed for i, allowed in self._texts)

    def _from_matrix(self, tensor: Tensor) -> list[Any] | None:
        data = tensor.data
        if tensor.shape != [1, len(self.names)] or data is msgspec.UNSET:
            return None
        if tensor.parameters.binary_data_size is not None:
            return None
        row = data[0] if len(data) == 1 and isinstance(data[0], list) else data
        if len(row) != len(self.names) or any(tensor.datatype not in admitted for admitted in self._admitted):
            return None
        return self._converted(row)

    def _converted(self, values: list[Any]) -> list[Any] | None:
        if self._all_floats:
            if not _NUMBERS.issuperset(map(type, values)) or not -LARGEST <= min(values) <= max(values) <= LARGEST:
                return None
            return list(map(float, values))
        try:
            return [convert(value) for convert, value in zip(self._converts, values, strict=True)]
        except _UnusualError:
            return None

    def answer(
        self, rows: Sequence[Row], memory: Memory, log: DecisionLog, clock: Clock, metrics: GatewayMetrics
    ) -> list[bytes | RoadworthyError | None]:
        """Answer rows together: a response body per row, an error, or None where the long way must look at it.

        Every row answered here is in the log.
        """
        results: list[bytes | RoadworthyError | None] = [None] * len(rows)
        now, endpoint = clock.now(), self.served.deployment.endpoint
        redacted = _redacted(log, endpoint)
        if redacted is None or not self.served.permits.free(now):
            return results
        done = self._scored(rows, memory)
        clocked = time.perf_counter()
        decisions: list[Decision] = []
        keep: list[tuple[str, str, Answer]] = []
        for number, line, score in done:
            row = rows[number]
            inputs = dict(zip(self.names, row.values, strict=True))
            redacted.apply(inputs)
            decision, digest = line.decision(row, written(inputs), score, now, (clocked - row.arrived) * 1000)
            decisions.append(decision)
            results[number] = line.response(row.request_id, score, acted=decision.acted)
            if row.named:
                keep.append((row.request_id, digest, line.whole_answer(decision)))
        if not decisions:
            return results
        try:
            log.append(decisions)
        except Exception as error:  # noqa: BLE001 - whatever stopped the log, an unlogged answer must not go out
            metrics.log_refusals.add(endpoint)
            refused = log_refused(endpoint, error)
            return [None if result is None else refused for result in results]
        memory.keep_rows(keep)
        metrics.batch.observe(len(decisions), endpoint)
        for labels, count in Counter(line.labels for _, line, _ in done).items():
            metrics.decisions.add(*labels, by=count)
        return results

    def _scored(self, rows: Sequence[Row], memory: Memory) -> list[tuple[int, Line, float | None]]:
        """The rows that are answered here by their number, each with its arm and its score."""
        groups: dict[str, list[int]] = {}
        seen: set[str] = set()
        for number, row in enumerate(rows):
            if row.named:
                if row.request_id in seen or memory.knows(row.request_id):
                    continue
                seen.add(row.request_id)
            groups.setdefault(self.served.assigner.assign(row.unit).arm.name, []).append(number)
        done: list[tuple[int, Line, float | None]] = []
        for name, numbers in groups.items():
            line = self.lines[name]
            scores = line.scores([rows[n].values for n in numbers], self.specs, floats=self._all_floats)
            if scores is not None:
                done += [(n, line, score) for n, score in zip(numbers, scores, strict=True)]
        return done


class _UnusualError(Exception):
    """A value the long way must look at."""


def _redacted(log: DecisionLog, endpoint: str) -> Redacted | None:
    """What may be recorded; None where that cannot be known, and the long way says why."""
    try:
        return Redacted.of(log, endpoint)
    except RoadworthyError:
        return None


def _convert(spec: ColumnSpec) -> Convert:
    """What the long way makes of a JSON value of this column, or _UnusualError."""
    kinds, most = PYTHON[spec.dtype], bound_of(spec)
    floats = spec.dtype is DType.FP64 or (spec.dtype is not DType.BYTES and spec.missing_allowed)

    def convert(value: Any) -> Cell:
        if value is None and spec.missing_allowed:
            return None
        if type(value) not in kinds or (spec.dtype is not DType.BYTES and not -most <= value <= most):
            raise _UnusualError
        return float(value) if floats else value

    return convert
