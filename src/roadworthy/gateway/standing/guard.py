"""`Guard`: an endpoint's protections around one request: before it is answered, and on its answer.

On the path are the budget (one look-up) and, where rows outside the training range are to be rejected, one pass over
the row. Everything else happens beside it (`watch.py`). An endpoint whose deployment asks for no protection costs one
comparison. Calls from code in the gateway's own process are not watched: that code is the operator's.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from roadworthy.domain.errors import InputError, ThrottledError
from roadworthy.domain.ports import ArtifactStore, Clock, ProtectionLog
from roadworthy.domain.standing.protection import OutsideRange, ProtectionTerms
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.gateway.request import Answer, Rows
from roadworthy.gateway.resolve import Served
from roadworthy.gateway.standing.callers import client_of
from roadworthy.gateway.standing.watch import Batch, Watch
from roadworthy.monitoring.protection.budget import Bucket, draw
from roadworthy.monitoring.protection.outside import outside

CLIENTS = 10_000
"""Clients whose budget is remembered per process; the one not seen for longest is forgotten, its bucket then full."""

Caller = Mapping[str, Any]


class Guard:
    """The protections of every endpoint in one process. Safe to use from several threads.

    Args:
        steady: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        clock: Clock,
        metrics: GatewayMetrics,
        log: ProtectionLog | None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._steady = steady
        self._watch = Watch(artifacts, clock, metrics, log, steady)
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, served: Served, rows: Rows, caller: Caller | None) -> None:
        """Refuse what the endpoint's terms do not let pass.

        Raises:
            ThrottledError: the client's budget is spent; says for how long.
            InputError: a value outside what training saw, where such rows are to be rejected.
        """
        terms = served.deployment.protection
        if terms is None or caller is None:
            return
        if terms.rows_per_minute is not None and terms.burst_rows is not None:
            self._draw(served, terms, rows.n_rows, client_of(caller, terms.client_from))
        if terms.outside is OutsideRange.REJECT:
            self._refuse_outside(served, rows)

    def answered(self, served: Served, rows: Rows, caller: Caller | None, answer: Answer) -> Answer:
        """The answer as the caller may see it; what was asked and answered goes to the detectors."""
        terms = served.deployment.protection
        if terms is None or caller is None:
            return answer
        if terms.detectors or terms.outside is OutsideRange.FLAG:
            client = client_of(caller, terms.client_from)
            self._watch.offer(Batch(served.deployment, client, rows.columns, answer.scores, answer.acted))
        return answer if terms.score_digits is None else _rounded(answer, terms.score_digits)

    def settle(self) -> None:
        """Wait until the detectors have looked at what was offered, and write down what they saw."""
        self._watch.settle()

    def close(self) -> None:
        """Look at what was offered, write down what was seen, end the thread."""
        self._watch.close()

    def _draw(self, served: Served, terms: ProtectionTerms, n_rows: int, client: str) -> None:
        endpoint, rate, burst = served.deployment.endpoint, terms.rows_per_minute or 0.0, terms.burst_rows or 0
        with self._lock:
            key = (endpoint, client)
            bucket, wait_s = draw(self._buckets.get(key), n_rows, self._steady(), rate, burst)
            self._buckets[key] = bucket
            self._buckets.move_to_end(key)
            if len(self._buckets) > CLIENTS:
                self._buckets.popitem(last=False)
        if wait_s > 0.0:
            self._refused(served, "budget")
            raise ThrottledError(
                f"the budget of client '{client}' at endpoint '{endpoint}' is spent: {rate:g} rows per minute,"
                f" at most {burst} at once",
                remedy=f"Try again in {math.ceil(wait_s)} s, or ask the operator for a larger budget.",
                reason="budget",
                endpoint=endpoint,
                rows_per_minute=rate,
                burst_rows=burst,
                retry_after_s=math.ceil(wait_s),
            )

    def _refuse_outside(self, served: Served, rows: Rows) -> None:
        found = outside(rows.columns, tuple(served.contract.columns.values()))
        if found is not None:
            self._refused(served, "range")
            raise InputError(
                f"row {found.row}: column '{found.column}' is {str(found.value)[:64]!r}, outside what the model was"
                " trained on",
                remedy=f"Trained on: {found.allowed}. The endpoint's terms reject other rows.",
                reason="outside-training-range",
                field=found.column,
                row=found.row,
                allowed=found.allowed,
            )

    def _refused(self, served: Served, guard: str) -> None:
        self._metrics.guarded.add(served.deployment.endpoint, guard)
        self._watch.refused(served.deployment, guard)


def _rounded(answer: Answer, digits: int) -> Answer:
    """The answer with its scores rounded; decisions were made on the exact ones, which are in the log."""
    return replace(answer, scores=tuple(None if s is None else round(s, digits) for s in answer.scores))
