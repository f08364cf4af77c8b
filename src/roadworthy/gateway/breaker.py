"""A circuit per arm: an arm that keeps failing, or hangs, is not asked for a while; then one call tries it again.

    closed     asked as always. It opens when in one window of `window_s` at least `failures` calls failed and at least
               half of all calls since its first failure did, or at once when a call takes too long.
    open       not asked. After `open_s` it is half open, unless a call that hangs has still not returned.
    half open  one call is a probe; the others are refused as when open. It closes when the probe succeeds and opens
               again when it fails.

Half of the calls: single rows on which a model raises, among many it answers, must not take it from everybody. A call
for several requests that fails is followed by a call for each alone (`score.py`), and each counts.

A challenger's call runs in a thread of its own, so one that hangs costs its callers time once, and its rows go to the
champion as for every failure: recorded as `failed` with `fallback`, and with the probability of the draw, which stays
exact because the draw does not look at the circuit. The champion is asked in the thread of its endpoint: while it
hangs nothing there can be answered, and while its circuit is open nobody else can stand in for it. Both are 503 with
Retry-After, at once.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, fields
from enum import Enum
from functools import partial
from typing import Any

from roadworthy.domain.errors import SettingError, UnavailableError
from roadworthy.domain.ports import Columns, Predictor

Clock = Callable[[], float]
"""Seconds of a clock that never goes back."""

IDLE_S = 30.0
"""Seconds after which a challenger that is not asked lets go of its thread."""


class Circuit(Enum):
    """Whether an arm is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a circuit opens, and for how long. All are positive.

    Attributes:
        failures: failed calls in a window that open it.
        window_s: seconds a window lasts from its first failure.
        open_s: seconds until one call tries the arm again.
        call_s: seconds a champion's call may take; a challenger's half of it, so that the champion can still answer.

    Raises:
        SettingError: one is not positive; names it.
    """

    failures: int = 5
    window_s: float = 10.0
    open_s: float = 5.0
    call_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what could never open or close."""
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise SettingError(
                    f"the breaker's '{field.name}' is {getattr(self, field.name)}",
                    remedy="Give a number greater than 0.",
                    field=field.name,
                )


class Breaker:
    """The circuit of one model. Safe to use from several threads.

    While nothing fails a call costs two reads of the clock: calls are counted only in a window, which a failure begins.
    """

    def __init__(
        self, rule: BreakerRule, now: Clock = time.monotonic, told: Callable[[Circuit], None] | None = None
    ) -> None:
        self.rule = rule
        self._now = now
        self._told = told
        self._lock = threading.Lock()
        self._circuit = Circuit.CLOSED
        self._since = 0.0
        self._window: float | None = None
        self._calls = self._failed = 0
        self._asked: float | None = None

    @property
    def circuit(self) -> Circuit:
        """How it stands: open while a call hangs, half open as soon as the next call would try it again.

        Whoever sends traffic only to what is ready must see that, or nothing would ever try it.
        """
        if self.stuck:
            return Circuit.OPEN
        due = self._asked is None and self._now() >= self._since + self.rule.open_s
        return Circuit.HALF_OPEN if self._circuit is Circuit.OPEN and due else self._circuit

    @property
    def stuck(self) -> bool:
        """Whether a call has been under way for longer than one may take."""
        asked = self._asked
        return asked is not None and self._now() - asked > self.rule.call_s

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until a refused caller may find it otherwise; at least 1."""
        return max(math.ceil(self._since + self.rule.open_s - self._now()), 1)

    def enter(self) -> bool:
        """Whether a call may begin; one that did is followed by `left`."""
        if self._circuit is not Circuit.CLOSED:
            with self._lock:
                waits = self._circuit is Circuit.OPEN and self._now() < self._since + self.rule.open_s
                if self._circuit is Circuit.HALF_OPEN or waits or self._asked is not None:
                    return False
                self._turn(Circuit.HALF_OPEN)
        self._asked = self._now()
        return True

    def left(self, *, well: bool) -> None:
        """A call has ended: it answered, or raised. One that took too long was no good answer."""
        asked, self._asked = self._asked, None
        late = asked is not None and self._now() - asked > self.rule.call_s
        if well and not late:
            if self._circuit is not Circuit.CLOSED or self._window is not None:
                self._answered()
        else:
            self.failed(at_once=late)

    def failed(self, *, at_once: bool = False) -> None:
        """A call failed, or its answer was no score; `at_once` opens the circuit whatever else was answered."""
        with self._lock:
            now = self._now()
            if self._window is None or now - self._window > self.rule.window_s:
                self._window, self._calls, self._failed = now, 0, 0
            self._calls += 1
            self._failed += 1
            often = self._failed >= self.rule.failures and 2 * self._failed >= self._calls
            if at_once or often or self._circuit is Circuit.HALF_OPEN:
                self._turn(Circuit.OPEN)

    def _answered(self) -> None:
        with self._lock:
            if self._circuit is Circuit.HALF_OPEN:
                self._turn(Circuit.CLOSED)
            elif self._window is not None:
                self._calls += 1
                if self._now() - self._window > self.rule.window_s:
                    self._window = None

    def _turn(self, circuit: Circuit) -> None:
        self._circuit, self._since, self._window = circuit, self._now(), None
        if self._told is not None:
            self._told(circuit)


class Guarded:
    """A model behind its circuit. `aside`: asked in a thread of its own, for at most half of the rule's `call_s`."""

    def __init__(self, predictor: Predictor, breaker: Breaker, aside: Aside | None = None) -> None:
        self.inner = predictor
        self.breaker = breaker
        self._aside = aside
        matrix: Callable[[Any], Any] | None = getattr(predictor, "predict_matrix", None)
        if matrix is not None:
            self.predict_matrix = partial(self._asked, matrix)

    def placed(self, *, aside: bool) -> Guarded:
        """The same model and circuit for an arm that is asked in place, or aside."""
        return Guarded(self.inner, self.breaker, (self._aside or Aside()) if aside else None)

    def predict(self, columns: Columns) -> Any:
        """The model's answer.

        Raises:
            UnavailableError: `reason` "circuit-open": it is not asked now; "too-slow": it took too long.
            Exception: whatever the model raises.
        """
        return self._asked(self.inner.predict, columns)

    def _asked(self, function: Callable[[Any], Any], values: Any) -> Any:
        breaker = self.breaker
        if not breaker.enter():
            raise UnavailableError(
                "the circuit is open: this version failed too often or hangs",
                remedy="It is tried again by itself; look at its failures.",
                reason="circuit-open",
                retry_after_s=breaker.retry_after_s,
            )
        if self._aside is not None:
            return self._aside.ask(function, values, breaker)
        well = False
        try:
            found = function(values)
            well = True
        finally:
            breaker.left(well=well)
        return found


class Aside:
    """One thread that asks a model, for callers who will not wait for ever. It ends when nothing is asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running = False

    def ask(self, function: Callable[[Any], Any], values: Any, breaker: Breaker) -> Any:
        """What the function returns or raises, within half of what a call may take.

        Raises:
            UnavailableError: it took longer; the circuit opens, and stays open until the call has returned.
        """
        answer: Future[Any] = Future()

        def call() -> None:
            try:
                found = function(values)
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked, in their thread
                breaker.left(well=False)
                answer.set_exception(error)
            else:
                breaker.left(well=True)
                answer.set_result(found)

        self._calls.put(call)
        with self._lock:
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="gateway-challenger", daemon=True).start()
        limit_s = breaker.rule.call_s / 2
        try:
            return answer.result(limit_s)
        except FutureTimeoutError:
            if answer.done():  # the model itself raised a time-out
                raise
            breaker.failed(at_once=True)
            raise UnavailableError(
                f"the version did not answer within {limit_s:g} s",
                remedy="Its circuit is open until it answers; look at what it computes.",
                reason="too-slow",
            ) from None

    def _work(self) -> None:
        while True:
            try:
                self._calls.get(timeout=IDLE_S)()
            except queue.Empty:
                with self._lock:
                    if self._calls.empty():
                        self._running = False
                        return


def waits_s(predictor: Predictor) -> int:
    """Whole seconds for which a model is not asked; 0 while it is."""
    if isinstance(predictor, Guarded) and predictor.breaker.circuit is not Circuit.CLOSED:
        return predictor.breaker.retry_after_s
    return 0


def refuse_stuck(endpoint: str, champion: Predictor) -> None:
    """Refuse a request at the door while the champion hangs: the thread that would answer it waits for that call.

    Raises:
        UnavailableError: it does.
    """
    if isinstance(champion, Guarded) and champion.breaker.stuck:
        raise UnavailableError(
            f"the model of endpoint '{endpoint}' hangs",
            remedy="Try again later; its operator sees it in the endpoint's health.",
            reason="circuit-open",
            endpoint=endpoint,
            retry_after_s=champion.breaker.retry_after_s,
        )
