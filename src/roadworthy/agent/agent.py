"""`Agent`: takes decisions without making anybody wait, and reports them from a thread of its own."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from roadworthy.agent.buffer import Buffer
from roadworthy.agent.delivery import BATCH, Delivery
from roadworthy.agent.reporter import Made, Reporter, SignOfLife
from roadworthy.domain.errors import SettingError

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Agent:
    """Reports what a model served elsewhere decides. Nothing it does raises into, or holds up, the application.

    Args:
        name: under which it was registered (`roadworthy agents register`).
        url: the control plane.
        token: a secret that covers `report`.
        capacity: decisions kept while the control plane does not answer; beyond it new ones are dropped, and counted.
        batch: most decisions in one report.
        every_s: seconds between two signs of life; the control plane's own wish counts when it is shorter.
        now: the time decisions carry.

    Raises:
        SettingError: no name, url or token, or a number that is not positive.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        token: str,
        capacity: int = 10_000,
        batch: int = BATCH,
        every_s: float = 10.0,
        now: Callable[[], datetime] = _now,
    ) -> None:
        for what, given in (("name", name), ("url", url), ("token", token)):
            if not given:
                raise SettingError(f"the agent has no {what}", remedy=f"Give {what}=...", field=what)
        for what, number in (("capacity", capacity), ("batch", batch), ("every_s", every_s)):
            if not number > 0:
                raise SettingError(f"{what} is {number}", remedy="Give a number above 0.", field=what)
        self._reporter, self._buffer = Reporter(name, url, token), Buffer(capacity)
        self._delivery = Delivery(self._reporter, self._buffer, now(), batch)
        self._batch, self._every_s, self._now = batch, every_s, now
        self._wake, self._stop = threading.Event(), threading.Event()
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Self:
        """Report from a thread of its own until `close`, which the end of the process calls too."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="roadworthy-agent", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        return self

    def decided(
        self,
        request_id: str,
        *,
        inputs: Mapping[str, Any],
        score: float | None,
        acted: bool,
        unit_id: str = "",
        latency_ms: float = 0.0,
        error: str = "",
    ) -> bool:
        """Take one decision to be reported, at once and without waiting; False when the buffer is full.

        Args:
            request_id: the application's own id; outcomes are reported under it.
            inputs: the model's input columns, plain values, None = missing.
            score: 0..1, or None when the model failed.
            acted: what the application did.
            unit_id: whom it is about; empty = the request id.
            latency_ms: how long the model took.
            error: why there is no score.
        """
        unit = unit_id or request_id
        taken = self._buffer.add(Made(request_id, unit, dict(inputs), score, acted, self._now(), latency_ms, error))
        if len(self._buffer) >= self._batch:
            self._wake.set()
        return taken

    @property
    def standing(self) -> SignOfLife:
        """How much waits, was dropped because the buffer was full, and was refused by the control plane."""
        return self._delivery.standing

    @property
    def problem(self) -> str:
        """Why the newest report was not taken; empty when it was."""
        return self._delivery.problem

    def flush(self) -> bool:
        """Report everything that waits, now, in this thread; False when the control plane did not take it."""
        with self._sending:
            return self._delivery.flush()

    def close(self, timeout_s: float = 5.0) -> None:
        """Report what waits, for about `timeout_s` seconds at most, and end the thread."""
        self._stop.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            atexit.unregister(self.close)
            thread.join(timeout_s)
        if thread is None or not thread.is_alive():
            self._reporter.close()

    def _run(self) -> None:
        while True:
            stopping = self._stop.is_set()
            self._wake.clear()
            try:
                taken = self.flush()
            except Exception:  # only the end of the application may end the reporting
                log.exception("agent '%s' could not report", self._reporter.name)
                taken = False
            if stopping:
                return
            # While nothing is taken, a full buffer is no reason to try again sooner.
            (self._wake if taken else self._stop).wait(self._delivery.wait_s(self._every_s))
