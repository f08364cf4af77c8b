"""Scoring for shadows, off the critical path: after the answer is on disk, a thread per shadow, from a bounded queue.

Offering rows is appending a reference: nobody waits for a shadow, and none of its failures is a caller's. When a queue
is full the rows are dropped and counted; what is scored is a sample by unit, not by load, as long as nothing is
dropped: a unit is a shadow's when u(salt + ":shadow:" + arm, unit) < weight (`uniform` of assign.py), so it is the same
units at every request. Held-out units have no score to compare with, and rows a shadow is not licensed for are not
given to it.

A score is logged as a decision with status `shadow`: `acted` is always false, `propensity` is the share of units,
`latency_ms` the time its predict took for the batch. Scores that a killed gateway had not written are lost; the
decisions they shadow are not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from roadworthy.domain.serving import Decision, DecisionStatus
from roadworthy.gateway.assign import Assignment, Routes, uniform
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.gateway.record import Job, decision_id
from roadworthy.gateway.request import Limits, Ports, Rows
from roadworthy.gateway.resolve import LoadedArm, Served
from roadworthy.gateway.score import Scored, score

IDLE_S = 30.0
"""Seconds after which a lane without work lets go of its thread; the next row starts another."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Offer:
    """One answered request, for one shadow."""

    served: Served
    loaded: LoadedArm
    job: Job


class Shadows:
    """The shadows of one gateway. Safe to use from several threads."""

    def __init__(self, ports: Ports, limits: Limits, metrics: GatewayMetrics) -> None:
        self._ports, self._limits, self._metrics = ports, limits, metrics
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._lock = threading.Lock()

    def offer(self, served: Served, jobs: Sequence[Job]) -> None:
        """Take note of answered requests; never waits for a model or the disk, and never raises for their sake."""
        for loaded in served.shadows:
            lane = self._lane(served.deployment.endpoint, loaded.arm.name)
            for job in jobs:
                lane.put(_Offer(served, loaded, job))

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Wait until nothing waits for a shadow; whether that was so in time."""
        end = time.monotonic() + timeout_s
        return all(lane.settled(max(end - time.monotonic(), 0.0)) for lane in list(self._lanes.values()))

    def close(self) -> None:
        """Go on with what waits for `Limits.shadow_drain_s`, then drop and count the rest."""
        self.settle(self._limits.shadow_drain_s)
        for lane in list(self._lanes.values()):
            lane.close()

    def _lane(self, endpoint: str, arm: str) -> _Lane:
        lane = self._lanes.get((endpoint, arm))
        if lane is None:
            with self._lock:
                made = _Lane(self._ports, self._limits, self._metrics, (endpoint, arm))
                lane = self._lanes.setdefault((endpoint, arm), made)
        return lane


class _Lane:
    """The queue of one shadow, and the thread that works it off while there is work."""

    def __init__(self, ports: Ports, limits: Limits, metrics: GatewayMetrics, name: tuple[str, str]) -> None:
        self._ports, self._limits, self._metrics, self._name = ports, limits, metrics, name
        self._queue: deque[_Offer] = deque()
        self._rows = 0
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def put(self, offer: _Offer) -> None:
        """Queue a request's rows, or drop and count them."""
        n_rows = offer.job.rows.n_rows
        with self._changed:
            full = self._rows and self._rows + n_rows > self._limits.shadow_rows
            if full or self._closed:
                self._drop(n_rows, "closed" if self._closed else "full")
                return
            self._queue.append(offer)
            self._rows += n_rows
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"shadow-{self._name[1]}"[:48], daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def settled(self, timeout_s: float) -> bool:
        """Whether the queue is worked off within some seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout_s)

    def close(self) -> None:
        """Drop what waits. A model that hangs is not waited for: its thread ends with the process."""
        with self._changed:
            self._closed = True
            if self._rows:
                self._drop(self._rows, "closed")
            self._queue.clear()
            self._rows = 0
            self._changed.notify_all()

    def _work(self) -> None:
        while batch := self._next():
            try:
                self._score(batch)
            except Exception:  # whatever a shadow does, it is nobody's answer; the next batch is tried
                log.exception("a shadow of endpoint %s was not scored", self._name[0])
                self._drop(sum(offer.job.rows.n_rows for offer in batch), "failed")
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> list[_Offer]:
        """The next offers of one deployment; none when there is nothing to do any more."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._queue) or self._closed, IDLE_S) or self._closed:
                self._thread = None
                return []
            batch: list[_Offer] = []
            rows = 0
            while self._queue and (not batch or self._queue[0].served is batch[0].served):
                n_rows = self._queue[0].job.rows.n_rows
                if batch and rows + n_rows > self._limits.rows_per_batch:
                    break
                batch.append(self._queue.popleft())
                rows += n_rows
            self._rows -= rows
            self._busy = True
            return batch

    def _score(self, batch: Sequence[_Offer]) -> None:
        served, loaded = batch[0].served, batch[0].loaded
        now = self._ports.clock.now()
        chosen = [(offer.job, _chosen(offer, now)) for offer in batch]
        asked = [(job, rows, _taken(job.rows, rows)) for job, rows in chosen if rows]
        if not asked:
            return
        alone = replace(served, arms={loaded.arm.name: loaded}, champion=loaded)
        own = Assignment(loaded.arm, loaded.arm.weight)
        routes = [Routes([own] * len(rows), [False] * len(rows), [False] * len(rows)) for _, rows, _ in asked]
        began = time.perf_counter()
        scored = score(alone, [taken for _, _, taken in asked], routes)
        took_ms = (time.perf_counter() - began) * 1000
        at = self._ports.clock.now()
        decisions: list[Decision] = []
        for (job, rows, _), result in zip(asked, scored, strict=True):
            decisions += _decisions(job, rows, own, result, at, took_ms)
        self._ports.log.append(decisions)
        self._metrics.shadow_rows.add(*self._name, loaded.arm.version, by=len(decisions))

    def _drop(self, rows: int, reason: str) -> None:
        self._metrics.shadow_dropped.add(*self._name, reason, by=rows)


def _chosen(offer: _Offer, now: datetime) -> list[int]:
    """The rows of a request that are this shadow's."""
    arm, rows = offer.loaded.arm, offer.job.rows
    salt = f"{offer.served.deployment.salt}:shadow:{arm.name}"
    may = offer.served.permits.covers(arm, rows, now)
    return [
        row
        for row, (unit, drawn) in enumerate(zip(rows.unit_ids, offer.job.routes.assignments, strict=True))
        if drawn.arm.role.answers and may[row] and uniform(salt, unit) < arm.weight
    ]


def _taken(rows: Rows, chosen: Sequence[int]) -> Rows:
    """Some rows of a request; the shadow answers whatever version its caller insisted on."""
    index = np.asarray(chosen, dtype=np.intp)
    return replace(
        rows,
        columns={name: column[index] for name, column in rows.columns.items()},
        unit_ids=tuple(rows.unit_ids[row] for row in chosen),
        request_ids=tuple(rows.request_ids[row] for row in chosen),
        version="",
    )


def _decisions(
    job: Job, rows: Sequence[int], own: Assignment, scored: Scored, at: datetime, latency_ms: float
) -> list[Decision]:
    """What the shadow said about some rows of a request."""
    deployment, arm = job.served.deployment, own.arm
    found = []
    for place, row in enumerate(rows):
        failed = scored.failures[place]
        value = None if failed else float(scored.scores[place])
        request_id, status = job.rows.request_ids[row], DecisionStatus.SHADOW
        found.append(
            Decision(
                id=decision_id(deployment, job.digests[row], request_id, arm.name, status, failed, acted=False),
                request_id=request_id,
                endpoint=deployment.endpoint,
                deployment=deployment.id,
                revision=deployment.revision,
                arm=arm.name,
                version=arm.version,
                unit_id=job.rows.unit_ids[row],
                at=at,
                inputs=job.inputs[row],
                score=value,
                acted=False,
                propensity=own.propensity,
                status=status,
                latency_ms=latency_ms,
                error=failed,
                trace=job.rows.trace,
            )
        )
    return found
