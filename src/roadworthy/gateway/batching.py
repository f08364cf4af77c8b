"""Natural micro-batching: what waits while a predict runs becomes the next batch. No timer delays anybody.

Each endpoint has one lane: a queue and one thread that predicts and writes, so the event loop stays free and a slow
model holds up only its own endpoint. Under light load a batch is one request; under heavy load batches grow by
themselves, up to `Limits.rows_per_batch`. More than `Limits.waiting_rows` are refused at the door, and so is who would
be answered later than the request allows (`pace.py`): better at once than after the wait.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from roadworthy.domain.errors import RoadworthyError, UnavailableError
from roadworthy.gateway.breaker import refuse_stuck
from roadworthy.gateway.express.lane import QuickLane
from roadworthy.gateway.express.way import Express
from roadworthy.gateway.pace import Pace
from roadworthy.gateway.plane import Gateway, Result
from roadworthy.gateway.protocol.codec import Reader, decode
from roadworthy.gateway.record import Job
from roadworthy.gateway.request import Answer, Asked, Form, Limits
from roadworthy.gateway.resolve import EndpointHealth, Served

LARGE_BODY = 64 * 1024
"""Bytes from which a body is decoded off the event loop."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A request in the queue; `expires` is event-loop time, seconds."""

    job: Job
    expires: float
    result: asyncio.Future[Result]


class Lane:
    """The queue of one endpoint and the thread that works it off."""

    def __init__(self, gateway: Gateway, endpoint: str) -> None:
        self._gateway = gateway
        self._endpoint = endpoint
        self._queue: deque[_Ticket] = deque()
        self._rows = 0
        self._pace = Pace()
        self._worker: asyncio.Task[None] | None = None
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"gateway-{endpoint}"[:48])

    async def submit(self, job: Job) -> Answer:
        """Wait for the answer to one job.

        Raises:
            UnavailableError: `reason` is "overloaded" (too many wait) or "deadline" (too late), or is that of
                `Gateway.infer`.
            ConflictError: the request id was used for something else.
        """
        limits, loop = self._gateway.limits, asyncio.get_running_loop()
        if self._rows and self._rows + job.rows.n_rows > limits.waiting_rows:
            self._gateway.metrics.shed.add(self._endpoint)
            raise _overloaded(self._endpoint, self._rows, limits)
        allowed = min(limits.deadline_s, job.rows.within_s or limits.deadline_s)
        left = allowed - (time.perf_counter() - job.rows.arrived)
        expected = self._pace.expected_s(self._rows, job.rows.n_rows, limits.rows_per_batch, loop.time())
        if expected > left:
            self._gateway.metrics.shed.add(self._endpoint)
            raise _would_be_late(self._endpoint, expected, left)
        ticket = _Ticket(job, loop.time() + left, loop.create_future())
        self._queue.append(ticket)
        self._wait_for(job.rows.n_rows)
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        try:
            await asyncio.wait((ticket.result,), timeout=max(left, 0))
            if not ticket.result.done():
                raise _too_late(self._endpoint, limits, allowed)
        finally:
            ticket.result.cancel()  # nobody waits any more: a row not yet predicted never is
        result = ticket.result.result()
        if isinstance(result, RoadworthyError):
            raise result
        return result

    async def drain(self) -> None:
        """Wait until the queue is worked off, then end the thread. A model that hangs is not waited for."""
        if self._worker is not None:
            await asyncio.wait((self._worker,), timeout=self._gateway.limits.deadline_s)
        self.thread.shutdown(wait=self._worker is None or self._worker.done(), cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next_batch(loop.time()):
            self._pace.begin(sum(t.job.rows.n_rows for t in batch), loop.time())
            try:
                results = await loop.run_in_executor(self.thread, self._gateway.process, [t.job for t in batch])
            except Exception as error:  # noqa: BLE001 - a defect must reach its callers instead of leaving them waiting
                for ticket in batch:
                    if not ticket.result.done():
                        ticket.result.set_exception(error)
                continue
            finally:
                self._pace.end(loop.time())
            for ticket, result in zip(batch, results, strict=True):
                if not ticket.result.done():
                    ticket.result.set_result(result)

    def _next_batch(self, now: float) -> list[_Ticket]:
        batch: list[_Ticket] = []
        rows = 0
        while self._queue:
            ticket = self._queue[0]
            n_rows = ticket.job.rows.n_rows
            if batch and rows + n_rows > self._gateway.limits.rows_per_batch:
                break
            self._queue.popleft()
            self._wait_for(-n_rows)
            if not ticket.result.done() and now < ticket.expires:
                batch.append(ticket)
                rows += n_rows
        return batch

    def _wait_for(self, rows: int) -> None:
        self._rows += rows
        self._gateway.metrics.waiting.set(self._rows, self._endpoint)


@dataclass(frozen=True, slots=True)
class _Quick:
    """The short way of what serves an endpoint, and the queue of its rows; None where it has none."""

    served: Served
    way: tuple[Express, QuickLane] | None


class BatchedGateway:
    """The gateway as an event loop uses it. Belongs to one loop."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._lanes: dict[str, Lane] = {}
        self._aside = ThreadPoolExecutor(8, thread_name_prefix="gateway-aside")
        self._resolving: dict[str, asyncio.Future[Served]] = {}
        self._quick: dict[str, _Quick] = {}
        self._draining = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def accepting(self) -> bool:
        """Whether new requests are taken."""
        return not self._draining

    async def served(self, endpoint: str) -> Served:
        """What serves an endpoint now; a document is verified and loaded off the event loop, once for all who wait.

        Raises:
            NotFoundError, UnavailableError: as `Gateway.resolve`.
        """
        served = self.gateway.resolver.peek(endpoint)
        if served is not None:
            return served
        found = self._resolving.get(endpoint)
        if found is None:
            found = asyncio.get_running_loop().run_in_executor(self._aside, self.gateway.resolve, endpoint)
            self._resolving[endpoint] = found
            found.add_done_callback(lambda done: self._resolved(endpoint, done))
        return await asyncio.shield(found)

    async def health(self) -> dict[str, EndpointHealth]:
        """Every endpoint's state."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, self.gateway.resolver.health)

    async def endpoint_health(self, endpoint: str) -> EndpointHealth:
        """One endpoint's state. Raises NotFoundError."""
        check = self.gateway.resolver.endpoint_health
        return await asyncio.get_running_loop().run_in_executor(self._aside, check, endpoint)

    async def hurry(self, endpoint: str, body: bytes) -> bytes | None:
        """Answer a plain one-row request on the short way; None where it has to go the long one (`infer`).

        What is answered here is counted here, as a request with status 200.

        Raises:
            UnavailableError: `reason` is "overloaded" or "deadline", or that of `Gateway.infer`.
        """
        arrived = time.perf_counter()
        served = None if self._draining else self.gateway.resolver.peek(endpoint)
        if served is None or len(body) >= LARGE_BODY:
            return None
        refuse_stuck(endpoint, served.champion.predictor)
        quick = self._quick.get(endpoint)
        if quick is None or quick.served is not served:
            quick = self._quick[endpoint] = self._quick_way(endpoint, served)
        if quick.way is None:
            return None
        way, lane = quick.way
        row = way.read(body, arrived)
        if row is None:
            return None
        if lane.rows >= self.gateway.limits.waiting_rows:
            self.gateway.metrics.shed.add(endpoint)
            raise _overloaded(endpoint, lane.rows, self.gateway.limits)
        self._enter()
        try:
            said = await lane.submit(row)
        finally:
            self._leave()
        if isinstance(said, RoadworthyError):
            raise said
        return said

    async def infer(self, endpoint: str, asked: Asked, read: Reader = decode) -> tuple[Answer, Form]:
        """Answer one request, and how its caller wants the answer.

        Raises:
            InputError, NotFoundError, ConflictError, UnavailableError: as `Gateway.infer`; UnavailableError carries
                `reason` "draining", "overloaded" or "deadline" besides.
        """
        arrived = time.perf_counter()
        if self._draining:
            raise UnavailableError(
                "the gateway is shutting down", remedy="Send the request to another replica.", reason="draining"
            )
        self._enter()
        try:
            served = await self._served_in_time(endpoint)
            refuse_stuck(endpoint, served.champion.predictor)
            if asked.marks is not None:
                asked.marks.resolved = time.perf_counter()
            admit = partial(self.gateway.admit, served, asked, arrived=arrived, read=read)
            if max(len(asked.body), asked.size) < LARGE_BODY:
                job = admit()
            else:
                job = await asyncio.get_running_loop().run_in_executor(self._aside, admit)
            if asked.marks is not None:
                asked.marks.admitted = time.perf_counter()
            answer = await self._lane(endpoint).submit(job)
            answer = self.gateway.guard.answered(served, job.rows, asked.caller, answer)
        finally:
            self._leave()
        self.gateway.metrics.latency.observe(time.perf_counter() - arrived, endpoint)
        return answer, job.rows.form

    async def drain(self) -> None:
        """Refuse new requests, answer those inside, then end all threads. Bounded by the requests' deadline."""
        self._draining = True
        await self._idle.wait()
        for lane in self._lanes.values():
            await lane.drain()
        self._aside.shutdown(wait=True)
        self.gateway.close()

    async def _served_in_time(self, endpoint: str) -> Served:
        try:
            async with asyncio.timeout(self.gateway.limits.deadline_s):
                return await self.served(endpoint)
        except TimeoutError:
            raise _too_late(endpoint, self.gateway.limits) from None

    def _resolved(self, endpoint: str, done: asyncio.Future[Served]) -> None:
        del self._resolving[endpoint]
        if not done.cancelled():
            done.exception()  # seen: those who wait raise it, and nobody may be left waiting

    def _enter(self) -> None:
        self._in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()

    def _quick_way(self, endpoint: str, served: Served) -> _Quick:
        gateway = self.gateway
        way = gateway.express(served)
        if way is None:
            return _Quick(served, None)
        answers = partial(gateway.hurry, way)
        late, count = partial(_too_late, endpoint, gateway.limits), partial(self._count_quick, endpoint)
        thread = self._lane(endpoint).thread
        lane = QuickLane(answers, thread, gateway.limits.rows_per_batch, gateway.limits.deadline_s, late, count)
        return _Quick(served, (way, lane))

    def _count_quick(self, endpoint: str, seconds: Sequence[float], waiting: int) -> None:
        metrics = self.gateway.metrics
        metrics.latency.observe_all(seconds, endpoint)
        metrics.requests.add(endpoint, "200", by=len(seconds))
        metrics.waiting.set(waiting, endpoint)

    def _lane(self, endpoint: str) -> Lane:
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lanes[endpoint] = Lane(self.gateway, endpoint)
        return lane


def _overloaded(endpoint: str, rows: int, limits: Limits) -> UnavailableError:
    return UnavailableError(
        f"{rows} rows wait for endpoint '{endpoint}' already",
        remedy=f"Try again in {limits.retry_after_s} s, with fewer requests at once.",
        reason="overloaded",
        endpoint=endpoint,
        retry_after_s=limits.retry_after_s,
    )


def _would_be_late(endpoint: str, expected_s: float, left_s: float) -> UnavailableError:
    return UnavailableError(
        f"endpoint '{endpoint}' would answer in some {expected_s:.3g} s, and the request allows {left_s:.3g} s",
        remedy="Try again later, or allow more time (parameters.timeout, microseconds).",
        reason="overloaded",
        endpoint=endpoint,
        retry_after_s=max(math.ceil(expected_s - left_s), 1),
    )


def _too_late(endpoint: str, limits: Limits, allowed_s: float | None = None) -> UnavailableError:
    return UnavailableError(
        f"endpoint '{endpoint}' did not answer within {allowed_s or limits.deadline_s:g} s",
        remedy="Try again with the same request id: an answer already recorded is repeated.",
        reason="deadline",
        endpoint=endpoint,
        retry_after_s=limits.retry_after_s,
    )
