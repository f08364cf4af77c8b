"""Live traffic: the history's calls sent through the endpoint in their own order, with outcomes arriving late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from roadworthy.apps.inference import inference_body
from roadworthy.apps.story.cast import ENDPOINT, OPERATOR, Stage, arrival_times
from roadworthy.apps.story.history import POSITIVE, TARGET, TIME
from roadworthy.domain.model import Signature
from roadworthy.statistics.frame import Array

BATCH_ROWS = 32
"""Calls decided in one request: what a call centre plans at a time."""

LABEL_DELAY_DAYS = 7.0
"""Days after which a call's outcome is known."""


@dataclass
class Replay:
    """Sends rows in time order, and reports each outcome a week later."""

    stage: Stage
    signature: Signature
    waiting: list[tuple[datetime, str, float]] = field(default_factory=list)
    sent: int = 0

    def send(self, rows: Array, label: str, after_each: Callable[[], bool] | None = None) -> int:
        """Send these rows; stops early when `after_each` says so. Returns how many were sent."""
        frame = self.stage.history.frame.take(rows)
        times = arrival_times(frame[TIME])
        y = (frame[TARGET] == POSITIVE).astype(np.float64)
        done = 0
        for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // BATCH_ROWS)):
            at = _moment(times[part[0]])
            if at > self.stage.clock.now():
                self.stage.clock.set(at)
            ids = [f"call-{rows[i]}" for i in part]
            body = inference_body(
                frame.take(part), self.signature, [f"client-{rows[i]}" for i in part], f"plan-{rows[part[0]]}", ids
            )
            self.stage.road.predict(ENDPOINT, body)
            known_at = self.stage.clock.now() + timedelta(days=LABEL_DELAY_DAYS)
            self.waiting += [(known_at, name, float(y[i])) for i, name in zip(part, ids, strict=True)]
            done += len(part)
            self.stage.tell.progress(label, done, len(rows))
            if after_each is not None and after_each():
                self.stage.tell.progress(label, len(rows), len(rows))
                break
        self.sent += done
        return done

    def report_outcomes(self) -> int:
        """Report every outcome that is known by now."""
        now = self.stage.clock.now()
        due = [w for w in self.waiting if w[0] <= now]
        self.waiting = [w for w in self.waiting if w[0] > now]
        if due:
            self.stage.as_(OPERATOR).outcomes(ENDPOINT, {name: value for _, name, value in due}, observed_at=now)
        return len(due)


def _moment(time: np.datetime64) -> datetime:
    return datetime.fromisoformat(str(time.astype("datetime64[us]"))).replace(tzinfo=UTC)
