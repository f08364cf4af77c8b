"""`Watch`: the detectors of misuse beside the path: what was asked and answered goes to a bounded queue, and on.

Rows are gathered per client until there is a window of them; a thread judges windows one at a time. Nothing here
delays an answer: a client has at most one window per `PAUSE_S`, `CLIENTS` are watched at once, and what does not fit
is counted and passed by. What was seen is written down every `FLUSH_S` as one tally per endpoint.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.ports import ArtifactStore, Clock, ProtectionLog
from roadworthy.domain.serving import Deployment
from roadworthy.domain.standing.protection import OutsideRange, ProtectionTally, Sighting
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.monitoring.protection.detectors import ENOUGH, look
from roadworthy.monitoring.protection.outside import count_outside
from roadworthy.monitoring.protection.profile import TrafficProfile, TrafficWindow, different
from roadworthy.statistics.frame import Array, Frame, concat

log = logging.getLogger(__name__)

WINDOW = 100
"""Rows of one client that are judged together: the window profiles are made for."""

PAUSE_S = 1.0
"""Shortest time between two windows of one client."""

CLIENTS = 1000
"""Clients that are watched at once; the one not seen for longest is forgotten."""

QUEUE = 64
"""Windows that may wait for the thread."""

FLUSH_S = 10.0
"""Seconds between two tallies."""

SIGHTINGS = 200
"""Most sightings in one tally; the rest is counted in the metrics only."""

STOP_S = 10.0
"""Longest wait for the thread to end."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that were answered: their columns (n_rows,), scores (None where no model scored) and decisions (n_rows,)."""

    deployment: Deployment
    client: str
    columns: Mapping[str, Array]
    scores: Sequence[float | None]
    acted: Sequence[bool]


@dataclass(slots=True)
class _Gathered:
    """One client's rows on their way to a window."""

    deployment: Deployment
    frames: list[Frame] = field(default_factory=list)
    acted: list[bool] = field(default_factory=list)
    not_before_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Window:
    deployment: Deployment
    client: str
    frames: list[Frame]
    acted: list[bool]

    @property
    def key(self) -> tuple[str, str]:
        return self.deployment.endpoint, self.client


class Watch:
    """The detectors of one process. Safe to use from several threads; its own starts with the first window."""

    def __init__(
        self,
        artifacts: ArtifactStore,
        clock: Clock,
        metrics: GatewayMetrics,
        tallies: ProtectionLog | None,
        steady: Callable[[], float],
    ) -> None:
        self._artifacts, self._clock, self._metrics = artifacts, clock, metrics
        self._log, self._steady = tallies, steady
        self._clients: OrderedDict[tuple[str, str], _Gathered] = OrderedDict()
        self._queue: deque[_Window] = deque()
        self._tallies: dict[str, ProtectionTally] = {}
        self._profiles: dict[str, TrafficProfile] = {}
        self._state = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._closed = False

    def offer(self, batch: Batch) -> None:
        """Take rows for the detectors, as far as there is room; never waits."""
        with self._state:
            taken = self._gather(batch)
            passed_by = len(batch.acted) - taken
            if passed_by:
                self._note(batch.deployment, passed_by=passed_by)
                self._metrics.unwatched.add(batch.deployment.endpoint, by=passed_by)

    def refused(self, deployment: Deployment, guard: str) -> None:
        """Count a request that a guard refused."""
        with self._state:
            self._note(deployment, refused={guard: 1})
            self._start()

    def settle(self) -> None:
        """Wait until all that was offered is judged, and write it down."""
        with self._state:
            self._state.wait_for(lambda: not (self._queue or self._busy), STOP_S)
        self._flush()

    def close(self) -> None:
        """Judge what waits, write it down, end the thread."""
        with self._state:
            self._closed = True
            self._state.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(STOP_S)
        self._flush()

    def _gather(self, batch: Batch) -> int:
        """Put rows into the client's window; returns how many. A full window goes to the queue."""
        deployment, key = batch.deployment, (batch.deployment.endpoint, batch.client)
        mine = self._clients.get(key)
        if mine is None or mine.deployment.id != deployment.id:
            mine = self._clients[key] = _Gathered(deployment)
            if len(self._clients) > CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        scored = [row for row, score in enumerate(batch.scores) if score is not None]
        rows = scored[: WINDOW - len(mine.acted)]
        if self._steady() < mine.not_before_s or not rows:
            return 0
        frame = Frame(batch.columns)
        mine.frames.append(frame if len(rows) == frame.n_rows else frame.take(np.array(rows)))
        mine.acted += [batch.acted[row] for row in rows]
        if len(mine.acted) >= WINDOW:
            self._enqueue(_Window(deployment, batch.client, mine.frames, mine.acted))
            self._clients[key] = _Gathered(deployment, not_before_s=self._steady() + PAUSE_S)
        return len(rows)

    def _enqueue(self, window: _Window) -> None:
        if len(self._queue) >= QUEUE:
            self._note(window.deployment, passed_by=len(window.acted))
            return
        self._queue.append(window)
        self._start()

    def _put_back(self, window: _Window, frame: Frame, acted: list[bool]) -> None:
        """Let a window with repeated rows fill up: its different rows come first in the client's next one."""
        with self._state:
            mine = self._clients.setdefault(window.key, _Gathered(window.deployment))
            mine.frames, mine.acted = [frame, *mine.frames], [*acted, *mine.acted]
            mine.not_before_s = 0.0

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="gateway-watch", daemon=True)
            self._thread.start()
        self._state.notify_all()

    def _work(self) -> None:
        flush_at_s = self._steady() + FLUSH_S
        while True:
            with self._state:
                self._state.wait_for(lambda: self._queue or self._closed, FLUSH_S)
                window = self._queue.popleft() if self._queue else None
                self._busy = window is not None
                ending = self._closed and window is None
            if window is not None:
                self._judge(window)
            with self._state:
                self._busy = False
                self._state.notify_all()
            if ending:
                return
            if self._steady() >= flush_at_s:
                self._flush()
                flush_at_s = self._steady() + FLUSH_S

    def _judge(self, window: _Window) -> None:
        deployment = window.deployment
        try:
            found = self._seen(window)
        except Exception as problem:  # noqa: BLE001 - whatever a profile or a row holds, the watch goes on
            log.warning("the detectors could not look at '%s': %s", deployment.endpoint, problem)
            with self._state:
                self._note(
                    deployment, passed_by=len(window.acted), failed=f"{type(problem).__name__}: {problem}"[:300]
                )
            return
        if found is None:
            return
        for sighting in found:
            self._metrics.misuse.add(deployment.endpoint, sighting.detector)
        with self._state:
            self._note(deployment, looked=len(window.acted), windows=1, sightings=found)

    def _seen(self, window: _Window) -> tuple[Sighting, ...] | None:
        """What the detectors saw; None when the window has too few different rows yet."""
        terms = window.deployment.protection
        if terms is None:
            return ()
        frame, at = concat(window.frames), self._clock.now()
        found = []
        if terms.detectors:
            profile = self._profile(terms.profile)
            points, acted = profile.space.place(frame), np.array(window.acted, dtype=np.bool_)
            kept = different(points)
            if len(kept) < ENOUGH * profile.window:
                self._put_back(window, frame.take(kept), acted[kept].tolist())
                return None
            looks = look(profile, TrafficWindow(points[kept], acted[kept]), terms.detectors)
            found = [
                Sighting(x.detector, window.client, at, x.statistic, x.limit, x.rows, x.message)
                for x in looks
                if x.alarm
            ]
        if terms.outside is OutsideRange.FLAG:
            found += _flagged(window, frame, at)
        return tuple(found)

    def _profile(self, digest: str) -> TrafficProfile:
        known = self._profiles.get(digest)
        if known is None:
            known = TrafficProfile.from_json(self._artifacts.get(digest))
            self._profiles = {**dict(list(self._profiles.items())[-31:]), digest: known}
        return known

    def _note(
        self,
        deployment: Deployment,
        *,
        looked: int = 0,
        windows: int = 0,
        passed_by: int = 0,
        refused: Mapping[str, int] | None = None,
        sightings: tuple[Sighting, ...] = (),
        failed: str = "",
    ) -> None:
        """Add to the endpoint's tally; the lock is held."""
        now = self._clock.now()
        tally = self._tallies.get(deployment.endpoint)
        if tally is None or tally.deployment != deployment.id:
            if tally is not None and self._log is not None:
                self._write(tally)
            tally = ProtectionTally(deployment.endpoint, deployment.id, now, now)
        counts = dict(tally.refused)
        for guard, n in (refused or {}).items():
            counts[guard] = counts.get(guard, 0) + n
        self._tallies[deployment.endpoint] = replace(
            tally,
            until=now,
            looked=tally.looked + looked,
            windows=tally.windows + windows,
            passed_by=tally.passed_by + passed_by,
            refused=counts,
            sightings=(*tally.sightings, *sightings)[:SIGHTINGS],
            failed=failed or tally.failed,
        )

    def _flush(self) -> None:
        with self._state:
            done, self._tallies = self._tallies, {}
        for tally in done.values():
            self._write(tally)

    def _write(self, tally: ProtectionTally) -> None:
        if self._log is None:
            return
        try:
            self._log.append(tally)
        except RoadworthyError as problem:
            log.warning("what the protections of '%s' saw was not written down: %s", tally.endpoint, problem)


def _flagged(window: _Window, frame: Frame, at: datetime) -> list[Sighting]:
    """One sighting per column with rows outside what training saw."""
    inputs = {spec.name: spec for arm in window.deployment.arms if arm.signature for spec in arm.signature.inputs}
    found = []
    for column, rows in count_outside(frame.columns, tuple(inputs.values())).items():
        message = f"{rows} of {frame.n_rows} rows have '{column}' outside what training saw"
        found.append(Sighting("input-range", window.client, at, rows / frame.n_rows, 0.0, frame.n_rows, message))
    return found
